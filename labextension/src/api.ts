import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

/** The REST interface of the build service, as `docs/rest-api.md` describes it. */

export type BuildState =
  'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled' | 'invalid';

export interface IProblem {
  id: string;
  severity: 'error' | 'warning' | 'info';
  class: string;
  message: string;
  hint: string;
  /** Relative to the course's root. */
  path: string | null;
  /** Index in the source as written, from 0. */
  cell: number | null;
  cell_id: string | null;
  /** From 1; in the file for text, in the cell for notebooks. */
  line: number | null;
}

export interface ICandidate {
  id: string;
  path: string;
  title: string;
  kind: 'folder' | 'xml' | 'yaml';
  built: boolean;
}

export interface IOutput {
  /** Contents path; null outside of what the server shows. */
  path: string | null;
  name: string;
  target: string;
  kind: string;
  language: string;
  format: string;
  state: string;
  reason: string;
  source?: string;
}

export interface ISource {
  path: string;
  place: string;
  title: string;
  prog_lang: string;
  state: string;
  reason: string;
  outputs: IOutput[];
}

export interface ISection {
  title: string;
  topics: { id: string; title: string; sources: ISource[] }[];
}

export interface IJob {
  path: string;
  place: string;
  state: string;
  cell: number;
  cells: number;
  phase: string;
  seconds: number;
  reason: string;
}

export interface IBuild {
  id: string;
  course: string;
  file: string;
  number: number;
  state: BuildState;
  here: boolean;
  holder: { host: string; pid: number } | null;
  created: number;
  now: number;
  total: number;
  done: number;
  failed: number;
  left: number | null;
  request: { execute: boolean; sources: string[]; single: string };
  /** The full disk that it waits for, in words; empty where it waits for none. */
  paused: string;
  error: IProblem | null;
  counts: { [state: string]: number } | null;
  /** These three come with a single build only. */
  jobs?: IJob[];
  problems?: IProblem[];
  outputs?: IOutput[];
}

export interface IKind {
  id: string;
  label: string;
  public: boolean;
}

/** A start page that is there; `kind` and `language` are empty for the one that leads to all of a target. */
export interface IStartPage {
  target: string;
  kind: string;
  language: string;
  /** Contents path; null outside of what the server shows. */
  path: string | null;
  /** As that of an output. */
  name: string;
}

/** Whom a target is for: students, students who tried by themselves, nobody but teachers. */
export type Audience = 'students' | 'solutions' | 'private';

export interface ITarget {
  name: string;
  folder: string;
  path: string | null;
  kinds: string[];
  formats: string[];
  audience: Audience;
}

/** What the archive of a target would hold. */
export interface IArchive {
  target: string;
  /** Of the file. */
  name: string;
  files: number;
  /** Bytes before they are packed. */
  size: number;
  audience: Audience;
  /** Which kinds decide that, in words. */
  why: string;
}

export interface ICourse {
  id: string;
  file: string;
  title: string;
  notice: string;
  folder: string;
  path: string;
  built: boolean;
  languages: string[];
  kinds: IKind[];
  formats: string[];
  targets: ITarget[];
  pages: IStartPage[];
  counts: {
    sources: number;
    topics: number;
    sections: number;
    folders: number;
    outputs: number;
    runs: number;
  };
  prog_langs: { [name: string]: number };
  sections: ISection[];
  problems: IProblem[];
  build: IBuild | null;
  open: IBuild[];
}

/** A course file that was just written. */
export interface ICourseFile {
  /** Of the course it is now. */
  id: string;
  /** Contents path. */
  path: string;
  /** What was found, in words. */
  notice: string;
}

/** The service answered with a problem. */
export class ProblemError extends Error {
  constructor(
    readonly status: number,
    readonly problem: IProblem
  ) {
    super(problem.message);
  }
}

/** The server runs, but without the build service. */
export class MissingServiceError extends Error {}

/** The server did not answer, or refused in words of its own. */
export class ConnectionError extends Error {}

/** Typed requests to the build service. */
export class Api {
  constructor(private _settings: ServerConnection.ISettings) {}

  courses(path?: string): Promise<{ courses: ICandidate[]; more: boolean }> {
    return this._get('courses', path === undefined ? {} : { path });
  }

  course(id: string): Promise<ICourse> {
    return this._get(`courses/${encodeURIComponent(id)}`, {});
  }

  /** The archives of all targets that hold something. */
  async archives(course: string): Promise<IArchive[]> {
    const route = `courses/${encodeURIComponent(course)}/archives`;
    return (await this._get<{ archives: IArchive[] }>(route, {})).archives;
  }

  /** Where a browser gets the archive of a target. */
  archiveUrl(course: string, target: string): string {
    const route = `courses/${encodeURIComponent(course)}/archives`;
    return this._url(`${route}/${encodeURIComponent(target)}`);
  }

  async builds(course: string, limit = 1): Promise<IBuild[]> {
    const answer = await this._get<{ builds: IBuild[] }>('builds', {
      course,
      limit: String(limit)
    });
    return answer.builds;
  }

  build(course: string, id: string, since = 0): Promise<IBuild> {
    return this._get(`builds/${encodeURIComponent(id)}`, {
      course,
      since: String(since)
    });
  }

  /** Build a course; *failed*: only what failed before. */
  start(course: string, execute: boolean, failed = false): Promise<IBuild> {
    return this._post('builds', {}, { course, execute, failed });
  }

  cancel(course: string, id: string): Promise<IBuild> {
    const route = `builds/${encodeURIComponent(id)}`;
    return this._post(route, { course }, { do: 'cancel' });
  }

  /** Write the course file that a folder lacks; gives it, and the course it is now. */
  createCourseFile(course: string): Promise<ICourseFile> {
    const route = `courses/${encodeURIComponent(course)}`;
    return this._post(route, {}, { do: 'init' });
  }

  convert(path: string, course?: string): Promise<IBuild> {
    return this._post('convert', {}, course ? { path, course } : { path });
  }

  private _get<T>(route: string, query: { [name: string]: string }) {
    return this._request<T>(route, query, { method: 'GET' });
  }

  private _post<T>(
    route: string,
    query: { [name: string]: string },
    body: { [name: string]: string | boolean }
  ) {
    return this._request<T>(route, query, {
      method: 'POST',
      body: JSON.stringify(body)
    });
  }

  private _url(route: string): string {
    return URLExt.join(this._settings.baseUrl, 'clx', route);
  }

  private async _request<T>(
    route: string,
    query: { [name: string]: string },
    init: RequestInit
  ): Promise<T> {
    const url = this._url(route) + URLExt.objectToQueryString(query);
    let response: Response;
    let answer: unknown = null;
    try {
      response = await ServerConnection.makeRequest(url, init, this._settings);
      const text = await response.text();
      // A proxy may answer with a page of its own.
      answer = text ? parsed(text) : null;
    } catch (error) {
      throw new ConnectionError(String(error));
    }
    if (response.ok && answer !== null) {
      return answer as T;
    }
    if (isProblem(answer)) {
      throw new ProblemError(response.status, answer);
    }
    if (response.status === 404) {
      throw new MissingServiceError();
    }
    throw new ConnectionError(`${response.status} ${response.statusText}`);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function isProblem(answer: unknown): answer is IProblem {
  return (
    typeof answer === 'object' &&
    answer !== null &&
    'class' in answer &&
    'message' in answer
  );
}
