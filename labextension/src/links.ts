import { PathExt } from '@jupyterlab/coreutils';

import { ICourse, IOutput, IStartPage } from './api';
import { isPage } from './opening';
import { isThere } from './words';

/** A page that a preview shows: of a notebook, or the start page of a target. */
export type IPage = Pick<IOutput, 'name' | 'target' | 'path'>;

/** Where a link of a page leads: to a page of the course, or to another file of the target, by its contents path. */
export type Goal =
  { page: IPage; fragment: string } | { output: IOutput } | { path: string };

/**
 * Where a relative address in *from* leads; null where it leads out of the target, or nowhere.
 *
 * The address comes from a page, which may hold anything: it is only compared with what the course tells.
 */
export function goalOf(
  course: ICourse,
  from: IPage,
  href: string
): Goal | null {
  const [, raw, fragment] = /^([^?#]*)[^#]*(?:#(.*))?$/s.exec(href) ?? [];
  const address = decoded(raw ?? '');
  if (!address || /^\/|[\\\0]|:\/\//.test(address)) {
    return null;
  }
  const at = (path: string) => PathExt.join(PathExt.dirname(path), address);
  const name = at(from.name);
  const isGoal = (each: IPage) =>
    each.target === from.target && each.name === name;
  const page = course.pages.find(isGoal);
  if (page) {
    return { page, fragment: fragment ?? '' };
  }
  const output = outputsOf(course).find(isGoal);
  if (output) {
    if (!isThere(output)) {
      return null;
    }
    return isPage(output)
      ? { page: output, fragment: fragment ?? '' }
      : { output };
  }
  const folder = course.targets.find(each => each.name === from.target)?.path;
  if (!folder || from.path === null) {
    return null;
  }
  const path = at(from.path);
  return path.startsWith(`${folder}/`) ? { path } : null;
}

/** The page by which readers enter a target: the server tells the one that leads to the others first. */
export function startPageOf(
  course: ICourse,
  target: string
): IStartPage | undefined {
  return course.pages.find(
    each => each.target === target && each.path !== null
  );
}

function outputsOf(course: ICourse): IOutput[] {
  return course.sections.flatMap(section =>
    section.topics.flatMap(topic =>
      topic.sources.flatMap(source => source.outputs)
    )
  );
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
