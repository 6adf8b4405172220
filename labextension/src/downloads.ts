import {
  Dialog,
  InputDialog,
  Notification,
  showDialog
} from '@jupyterlab/apputils';
import { TranslationBundle } from '@jupyterlab/translation';

import { IArchive } from './api';
import { CourseModel } from './model';
import { amount, archiveLabel } from './words';

/** Download the archive of a target, or of one that the user picks; one that is not for students only after a word about it. */
export async function download(
  model: CourseModel,
  trans: TranslationBundle,
  target?: string
): Promise<void> {
  const { course } = model;
  const archives = await model.archives();
  if (course === null || model.error !== null || !model.connected) {
    return; // the panel says why
  }
  const found =
    target === undefined
      ? archives
      : archives.filter(each => each.target === target);
  if (!found.length) {
    Notification.info(
      trans.__('Nothing is built there yet: build the course first.'),
      { autoClose: 10_000 }
    );
    return;
  }
  const archive = found.length > 1 ? await picked(trans, found) : found[0];
  if (archive && (await isMeant(trans, archive))) {
    save(model.api.archiveUrl(course.id, archive.target), archive.name);
  }
}

async function picked(
  trans: TranslationBundle,
  archives: IArchive[]
): Promise<IArchive | undefined> {
  const items = archives.map(each => archiveLabel(trans, each));
  const { button, value } = await InputDialog.getItem({
    title: trans.__('Which archive?'),
    label: trans.__('What was built for'),
    items,
    okLabel: trans.__('Download')
  });
  return button.accept && value !== null
    ? archives[items.indexOf(value)]
    : undefined;
}

async function isMeant(
  trans: TranslationBundle,
  archive: IArchive
): Promise<boolean> {
  if (archive.audience !== 'private') {
    return true;
  }
  const { button } = await showDialog({
    title: trans.__('This archive is not for students'),
    body: trans.__(
      '%1 holds what only teachers may see: %2. Keep it private (%3).',
      archive.name,
      archive.why,
      amount(trans, archive)
    ),
    buttons: [
      Dialog.cancelButton(),
      Dialog.warnButton({ label: trans.__('Download') })
    ],
    defaultButton: 0
  });
  return button.accept;
}

/** The browser itself gets the file: however large it is, it goes straight to the disk. */
function save(url: string, name: string): void {
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  document.body.appendChild(link);
  link.click();
  link.remove();
}
