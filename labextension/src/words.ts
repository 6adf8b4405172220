import { TranslationBundle } from '@jupyterlab/translation';

import {
  Audience,
  IArchive,
  IBuild,
  ICourse,
  IOutput,
  IProblem,
  ISource,
  ITarget
} from './api';
import { ISourceNow } from './overlay';

/** Everything the panel says, in words. People count cells from 1. */

/** "2 languages · 3 kinds · 4 formats · 68 sources" */
export function facts(trans: TranslationBundle, course: ICourse): string {
  const { languages, kinds, formats, counts } = course;
  const parts = [
    languages.length > 1 &&
      trans._n('%1 language', '%1 languages', languages.length),
    trans._n('%1 kind', '%1 kinds', kinds.length),
    trans._n('%1 format', '%1 formats', formats.length),
    trans._n('%1 notebook', '%1 notebooks', counts.sources)
  ];
  return parts.filter(Boolean).join(' · ');
}

/** What was found in a folder, and what a build would do, in sentences. */
export function summary(trans: TranslationBundle, course: ICourse): string[] {
  const { counts, prog_langs, targets } = course;
  const notebooks = trans._n('%1 notebook', '%1 notebooks', counts.sources);
  const folders = trans._n('%1 folder', '%1 folders', counts.folders);
  const languages = Object.entries(prog_langs).map(
    ([name, count]) => `${languageName(name)} ${count}`
  );
  const labels = new Map(course.kinds.map(kind => [kind.id, kind.label]));
  const audiences = targets.map(target => {
    const kinds = target.kinds.map(kind => labels.get(kind) ?? kind);
    const said = trans.__('%1: %2', target.name, kinds.join(', '));
    return target.audience === 'private'
      ? trans.__('%1 · keep private', said)
      : said;
  });
  const parent = common(targets.map(target => target.folder));
  const files = trans._n('%1 file', '%1 files', counts.outputs);
  const runs =
    counts.runs > 0
      ? trans._n(
          'this runs the code of %1 notebook',
          'this runs the code of %1 notebooks',
          counts.runs
        )
      : trans.__('no code has to run');
  return [
    trans.__('%1 in %2', notebooks, folders),
    languages.join(', '),
    ...audiences,
    trans.__('about %1 in %2', files, parent),
    runs
  ].filter(Boolean);
}

/** The folder that all of these are in, with a slash at its end. */
function common(folders: string[]): string {
  const [first = '', ...rest] = folders.map(folder => folder.split('/'));
  const parts = [...first];
  for (const other of rest) {
    const differs = parts.findIndex((part, index) => other[index] !== part);
    parts.length = differs < 0 ? parts.length : differs;
  }
  return parts.length ? `${parts.join('/')}/` : folders.join(', ');
}

function languageName(id: string): string {
  const names: { [id: string]: string } = {
    cpp: 'C++',
    csharp: 'C#',
    javascript: 'JavaScript',
    typescript: 'TypeScript'
  };
  return names[id] ?? id.charAt(0).toUpperCase() + id.slice(1);
}

/** "3 of 19 sources · 1 failed" */
export function progress(trans: TranslationBundle, build: IBuild): string {
  if (!build.total) {
    return trans.__('Looking at the course…');
  }
  const { done, total, failed } = build;
  const sources = trans.__('%1 of %2 notebooks', done, total);
  return failed ? trans.__('%1 · %2 failed', sources, failed) : sources;
}

/** "about 12 s left"; empty while nothing can be said. */
export function left(trans: TranslationBundle, seconds: number | null): string {
  if (seconds === null) {
    return '';
  }
  return seconds < 90
    ? trans.__('%1 s left', Math.max(1, Math.round(seconds)))
    : trans.__('%1 min left', Math.round(seconds / 60));
}

/** How a build ended. */
export function ended(trans: TranslationBundle, build: IBuild): string {
  const counts = build.counts ?? {};
  const made = counts.built ?? 0;
  const bad = (counts.failed ?? 0) + (counts.withdrawn ?? 0);
  const built = trans._n('%1 file built', '%1 files built', made);
  const failed = trans._n('%1 failed', '%1 failed', bad);
  switch (build.state) {
    case 'cancelled':
      return trans.__('Cancelled: %1', built);
    case 'invalid':
      return trans.__('Nothing could be built');
    case 'failed':
      return bad
        ? trans.__('%1 · %2', built, failed)
        : trans.__('%1 · with errors', built);
    default:
      return made ? built : trans.__('Everything is up to date');
  }
}

/** What stands beside a source. */
export function sourceState(
  trans: TranslationBundle,
  source: ISource,
  now: ISourceNow,
  problem: IProblem | undefined
): string {
  switch (now.state) {
    case 'running':
      return now.cells
        ? trans.__('%1 / %2 cells', now.cell, now.cells)
        : trans.__('running');
    case 'queued':
      return trans.__('queued');
    case 'failed':
      return problem
        ? [errorName(trans, problem), cellOf(trans, problem)]
            .filter(Boolean)
            .join(' · ')
        : trans.__('failed');
    case 'stale':
      return source.reason
        ? trans.__('stale · %1', source.reason)
        : trans.__('stale');
    case 'missing':
      return trans.__('not built yet');
    case 'skipped':
      return trans.__('not run');
    case 'cancelled':
      return trans.__('cancelled');
    case 'withdrawn':
      return trans.__('withdrawn');
    case 'built':
      return trans.__('built');
    default:
      return trans.__('fresh');
  }
}

/** "FileNotFoundError", else the class of the problem in words. */
export function errorName(trans: TranslationBundle, problem: IProblem): string {
  const named = /^(\w+(?:Error|Exception|Interrupt|Exit))\b/.exec(
    problem.message
  );
  return named ? named[1] : className(trans, problem.class);
}

/** "cell 6" or "line 12"; empty where the whole file is meant. */
export function cellOf(trans: TranslationBundle, problem: IProblem): string {
  if (problem.cell !== null) {
    return trans.__('cell %1', problem.cell + 1);
  }
  return problem.line !== null ? trans.__('line %1', problem.line) : '';
}

/** A class of problems as people read it. */
export function className(trans: TranslationBundle, name: string): string {
  const names: { [name: string]: string } = {
    'missing-kernel': trans.__('Missing kernel'),
    'missing-package': trans.__('Missing package'),
    network: trans.__('No network'),
    'missing-file': trans.__('File not found'),
    input: trans.__('Asks for input'),
    timeout: trans.__('Took too long'),
    'out-of-memory': trans.__('Out of memory'),
    'kernel-died': trans.__('Kernel died'),
    'cell-error': trans.__('Error in a cell'),
    'expected-error-missing': trans.__('Expected error did not happen'),
    'tool-missing': trans.__('Missing program'),
    'bad-source': trans.__('Source file'),
    'bad-course': trans.__('Course file'),
    leak: trans.__('Private text'),
    link: trans.__('Broken link'),
    image: trans.__('Missing image'),
    language: trans.__('Missing language'),
    tag: trans.__('Tag or metadata'),
    accessibility: trans.__('Hard to read for some'),
    collision: trans.__('Two for one place'),
    'disk-full': trans.__('Disk full'),
    internal: trans.__('Internal error')
  };
  return names[name] ?? name;
}

/** Whether a file is there to open. */
export function isThere(output: IOutput): boolean {
  return ['fresh', 'built', 'stale', 'failed'].includes(output.state);
}

export function formatName(trans: TranslationBundle, format: string): string {
  const names: { [name: string]: string } = {
    html: trans.__('Page'),
    notebook: trans.__('Notebook'),
    code: trans.__('Code'),
    slides: trans.__('Slides'),
    pdf: trans.__('PDF'),
    'slides-pdf': trans.__('Slides as PDF')
  };
  return names[format] ?? format;
}

/** A kind without what stands in brackets behind it. */
export function kindName(course: ICourse, id: string): string {
  const label = course.kinds.find(kind => kind.id === id)?.label ?? id;
  return label.replace(/\s*\(.*\)$/, '');
}

/** Whom something is for. */
export function audienceName(
  trans: TranslationBundle,
  audience: Audience
): string {
  switch (audience) {
    case 'private':
      return trans.__('keep private');
    case 'solutions':
      return trans.__('solutions');
    default:
      return trans.__('for students');
  }
}

/** "keep private: Speaker": of a private target only what makes it so. */
export function targetFor(
  trans: TranslationBundle,
  course: ICourse,
  target: ITarget
): string {
  const isPrivate = (id: string) =>
    course.kinds.some(kind => kind.id === id && !kind.public);
  const kinds =
    target.audience === 'private'
      ? target.kinds.filter(isPrivate)
      : target.kinds;
  const names = kinds.map(kind => kindName(course, kind)).join(', ');
  return trans.__('%1: %2', audienceName(trans, target.audience), names);
}

/** "students · for students · 12 files, 3.4 MB" */
export function archiveLabel(
  trans: TranslationBundle,
  archive: IArchive
): string {
  const { target, audience } = archive;
  const whom = audienceName(trans, audience);
  return trans.__('%1 · %2 · %3', target, whom, amount(trans, archive));
}

/** "12 files, 3.4 MB" */
export function amount(trans: TranslationBundle, archive: IArchive): string {
  const files = trans._n('%1 file', '%1 files', archive.files);
  return trans.__('%1, %2', files, bytes(trans, archive.size));
}

function bytes(trans: TranslationBundle, size: number): string {
  const units = [trans.__('bytes'), trans.__('kB'), trans.__('MB'), 'GB'];
  let rest = size;
  while (rest >= 1000 && units.length > 1) {
    rest /= 1000;
    units.shift();
  }
  const rounded = rest < 10 ? Math.round(rest * 10) / 10 : Math.round(rest);
  return `${rounded} ${units[0]}`;
}

/** "Open Solution, Page", with the language where there are several. */
export function openLabel(
  trans: TranslationBundle,
  course: ICourse,
  output: IOutput
): string {
  const kind = kindName(course, output.kind);
  const format = formatName(trans, output.format);
  return course.languages.length > 1
    ? trans.__('Open %1, %2, %3', kind, format, output.language)
    : trans.__('Open %1, %2', kind, format);
}
