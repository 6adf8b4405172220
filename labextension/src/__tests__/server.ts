import { ServerConnection } from '@jupyterlab/services';

import {
  IArchive,
  IBuild,
  ICandidate,
  ICourse,
  IJob,
  IOutput,
  IProblem,
  ISource,
  IStartPage,
  ITarget
} from '../api';
import { IMemory } from '../memory';

/** A build service in memory, below the client's `fetch`: everything above it is real. */

export interface IRequest {
  method: string;
  /** Below `clx/`, without the query. */
  route: string;
  query: { [name: string]: string };
  body: { [name: string]: unknown };
}

export class FakeServer {
  /** What was asked, in order. */
  requests: IRequest[] = [];
  candidates: ICandidate[] = [];
  courses = new Map<string, ICourse>();
  /** Of every course. */
  archives: IArchive[] = [];
  /** All builds with their jobs, the latest first. */
  builds: IBuild[] = [];
  /** Nobody listens at the port. */
  down = false;
  /** The server runs without our extension. */
  missing = false;
  /** Answers every request with this, where it is set. */
  answer: (() => Response) | null = null;

  /** Its settings, as JupyterLab would hand them on. */
  readonly settings = ServerConnection.makeSettings({
    baseUrl: 'http://localhost:8888/lab-base/',
    token: 'secret',
    fetch: input => this._fetch(input as Request)
  });

  /** Let requests wait until the returned function is called. */
  hold(): () => void {
    let release: () => void = () => undefined;
    this._gate = new Promise<void>(resolve => {
      release = resolve;
    });
    return release;
  }

  /** How often a route was asked for. */
  count(method: string, route: string): number {
    return this.requests.filter(
      each => each.method === method && each.route === route
    ).length;
  }

  /** A change of a build: it gets a new number. */
  change(id: string, what: Partial<IBuild>): void {
    this.builds = this.builds.map(build =>
      build.id === id
        ? { ...build, number: build.number + 1, now: build.now + 5, ...what }
        : build
    );
  }

  private async _fetch(request: Request): Promise<Response> {
    if (this.down) {
      throw new TypeError('Failed to fetch');
    }
    const url = new URL(request.url);
    const route = url.pathname.replace('/lab-base/clx/', '');
    const query: { [name: string]: string } = {};
    url.searchParams.forEach((value, name) => {
      // The client adds the time as a name of its own, so that no cache answers.
      if (!/^\d+$/.test(name)) {
        query[name] = value;
      }
    });
    const text = await request.text();
    const asked: IRequest = {
      method: request.method,
      route,
      query,
      body: text ? JSON.parse(text) : {}
    };
    this.requests.push(asked);
    await this._gate;
    if (this.answer) {
      return this.answer();
    }
    return this.missing ? html(404) : this._route(asked);
  }

  private _route({ method, route, query, body }: IRequest): Response {
    const [, kind, id] = /^(\w+)(?:\/(.+))?$/.exec(route) ?? [];
    if (kind === 'courses' && !id) {
      return json({ courses: this.candidates, more: false });
    }
    if (kind === 'courses' && method === 'POST') {
      return this._init(decodeURIComponent(id));
    }
    if (kind === 'courses' && id.endsWith('/archives')) {
      return json({ archives: this.archives });
    }
    if (kind === 'courses') {
      const course = this.courses.get(decodeURIComponent(id));
      return course ? json(this._told(course)) : refused(404, 'no such course');
    }
    if (kind === 'convert') {
      return this._start(String(body.course ?? 'alone'), {
        sources: [String(body.path)]
      });
    }
    if (method === 'POST' && !id) {
      return this._start(String(body.course), {
        execute: body.execute !== false,
        failed: body.failed === true
      } as Partial<IBuild['request']>);
    }
    if (!id) {
      const found = this.builds.filter(each => each.course === query.course);
      return json({ builds: found.map(brief) });
    }
    const build = this.builds.find(
      each => each.id === id && each.course === query.course
    );
    if (!build) {
      return refused(404, 'no such build');
    }
    if (method === 'POST') {
      this.change(id, { state: 'cancelled' });
      return json(this.builds.find(each => each.id === id));
    }
    return json(build);
  }

  private _init(id: string): Response {
    const course = this.courses.get(id);
    if (!course || course.file) {
      return refused(422, 'there is a course.yaml already');
    }
    this.courses.delete(id);
    const made = { ...course, id: `${id}-file`, file: 'course.yaml' };
    this.courses.set(made.id, made);
    return json(
      { id: made.id, path: 'course.yaml', notice: '1 topic in 1 section' },
      201
    );
  }

  private _start(course: string, request: Partial<IBuild['request']>) {
    const made = build(`b${this.builds.length + 1}`, course, {
      request: { execute: true, sources: [], single: '', ...request }
    });
    this.builds.unshift(made);
    return json(made, 201);
  }

  private _told(course: ICourse): ICourse {
    const builds = this.builds.filter(each => each.course === course.id);
    const open = builds.filter(each =>
      ['queued', 'running'].includes(each.state)
    );
    return {
      ...course,
      build: builds.length ? brief(builds[0]) : null,
      open: open.map(brief)
    };
  }

  private _gate: Promise<void> = Promise.resolve();
}

function brief(build: IBuild): IBuild {
  return { ...build, jobs: undefined, problems: undefined, outputs: undefined };
}

export function json(body: unknown, status = 200): Response {
  return new Response(JSON.stringify(body), { status });
}

export function html(status: number): Response {
  return new Response('<html><body>Not ours</body></html>', { status });
}

export function refused(status: number, message: string): Response {
  return json(problem('p0', { class: 'bad-course', message }), status);
}

// --- what it answers with -------------------------------------------------------

export function problem(id: string, what: Partial<IProblem> = {}): IProblem {
  return {
    id,
    severity: 'error',
    class: 'cell-error',
    message: 'ZeroDivisionError: division by zero',
    hint: '',
    path: null,
    cell: null,
    cell_id: null,
    line: null,
    ...what
  };
}

export function job(place: string, state: string, cell = 0, cells = 0): IJob {
  const path = place.replace(/^\d+:/, '');
  const rest = { phase: '', seconds: 0, reason: 'new' };
  return { path, place, state, cell, cells, ...rest };
}

export function build(
  id: string,
  course: string,
  what: Partial<IBuild> = {}
): IBuild {
  return {
    id,
    course,
    file: '',
    number: 1,
    state: 'running',
    here: true,
    holder: { host: 'here', pid: 1 },
    created: 1000,
    now: 1000,
    total: 2,
    done: 0,
    failed: 0,
    left: null,
    request: { execute: true, sources: [], single: '' },
    paused: '',
    error: null,
    counts: null,
    jobs: [],
    problems: [],
    outputs: [],
    ...what
  };
}

export function target(name: string, what: Partial<ITarget> = {}): ITarget {
  return {
    name,
    folder: `output/${name}`,
    path: `week/output/${name}`,
    kinds: ['completed'],
    formats: ['html', 'notebook'],
    audience: 'students',
    ...what
  };
}

export function archive(
  target: string,
  what: Partial<IArchive> = {}
): IArchive {
  return {
    target,
    name: `week-${target}.zip`,
    files: 12,
    size: 3_400_000,
    audience: 'students',
    why: 'Solution',
    ...what
  };
}

export function output(name: string, what: Partial<IOutput> = {}): IOutput {
  return {
    path: `week/output/${name}`,
    name,
    target: 'students',
    kind: 'completed',
    language: '',
    format: 'html',
    state: 'fresh',
    reason: '',
    ...what
  };
}

export function startPage(
  name: string,
  what: Partial<IStartPage> = {}
): IStartPage {
  return {
    target: 'students',
    kind: 'completed',
    language: '',
    path: `week/output/${name}`,
    name,
    ...what
  };
}

export function source(path: string, what: Partial<ISource> = {}): ISource {
  return {
    path,
    place: `0:${path}`,
    title: `The title of ${path}`,
    prog_lang: 'python',
    state: 'fresh',
    reason: '',
    outputs: [],
    ...what
  };
}

/** A course in the folder `week` with the sources `a.py` and `b.ipynb`. */
export function course(id: string, what: Partial<ICourse> = {}): ICourse {
  const topics = [
    { id: 'a', title: 'a', sources: [source('a.py')] },
    { id: 'b', title: 'b', sources: [source('b.ipynb')] }
  ];
  return {
    id,
    file: '',
    title: `Course ${id}`,
    notice: '',
    folder: 'week',
    path: 'week',
    built: true,
    languages: [],
    kinds: [{ id: 'completed', label: 'Solution', public: true }],
    formats: ['html', 'notebook'],
    targets: [target('students')],
    pages: [],
    counts: {
      sources: 2,
      topics: 2,
      sections: 1,
      folders: 1,
      outputs: 4,
      runs: 2
    },
    prog_langs: { python: 2 },
    sections: [{ title: 'First steps', topics }],
    problems: [],
    build: null,
    open: [],
    ...what
  };
}

/** A server with these courses as candidates. */
export function serverWith(...courses: ICourse[]): FakeServer {
  const server = new FakeServer();
  for (const each of courses) {
    const { id, path, title, built } = each;
    server.courses.set(id, each);
    server.candidates.push({ id, path, title, kind: 'folder', built });
  }
  return server;
}

/** A memory that outlives the model. */
export class FakeMemory implements IMemory {
  constructor(public id: string | null = null) {}

  async recall(): Promise<string | null> {
    return this.id;
  }

  async remember(id: string | null): Promise<void> {
    this.id = id;
  }
}

/** Let everything happen that needs no time. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) {
    await new Promise(resolve => window.setTimeout(resolve, 0));
  }
}
