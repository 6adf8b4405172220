import { InputDialog } from '@jupyterlab/apputils';
import { TranslationBundle } from '@jupyterlab/translation';

import { ICourse } from './api';
import { startPageOf } from './links';
import { Previews } from './previews';

/** Show the start page of a target, or of one that the user picks. */
export async function openStartPage(
  course: ICourse | null,
  previews: Previews,
  trans: TranslationBundle,
  target?: string
): Promise<void> {
  if (course === null) {
    return;
  }
  const names = targetsWithStart(course);
  const name =
    target ?? (names.length > 1 ? await picked(trans, names) : names[0]);
  const page = name === undefined ? undefined : startPageOf(course, name);
  if (page) {
    previews.open(course.id, page);
  }
}

/** The names of the targets that have a start page. */
export function targetsWithStart(course: ICourse): string[] {
  return course.targets
    .map(each => each.name)
    .filter(name => startPageOf(course, name) !== undefined);
}

async function picked(
  trans: TranslationBundle,
  items: string[]
): Promise<string | undefined> {
  const { button, value } = await InputDialog.getItem({
    title: trans.__('Which start page?'),
    label: trans.__('What was built for'),
    items,
    okLabel: trans.__('Open')
  });
  return button.accept && value !== null ? value : undefined;
}
