import { Poll } from '@lumino/polling';
import { ISignal, Signal } from '@lumino/signaling';

import {
  Api,
  ConnectionError,
  IBuild,
  ICandidate,
  ICourse,
  IProblem,
  ISource,
  MissingServiceError,
  ProblemError
} from './api';
import { BuildFollower, isInterrupted, isOpen } from './follower';

export const EVENT_SCHEMA = 'urn:clx_jupyter:events:build:v1';

/** What the panel shows. */
export type View =
  'loading' | 'missing-server' | 'empty' | 'choose' | 'course' | 'error';

/** An event of the server, as JupyterLab hands it on. */
export interface IEvent {
  schema_id: string;
  [name: string]: unknown;
}

/** Where the chosen course is kept from one page to the next. */
export interface IMemory {
  recall(): Promise<string | null>;
  remember(id: string | null): Promise<void>;
}

/** A source as it is this very moment. */
export interface ISourceNow {
  state: string;
  cell: number;
  cells: number;
}

/** Milliseconds between two looks: when all is quiet, and when no events come although something happens. */
const QUIET = 10_000;
const BUSY = 1_000;

/**
 * What is known of the course: its tree from the last whole answer, and over it the jobs of the builds that go on.
 *
 * The server's answers are the truth. Events, saved files and a slow poll are only reasons to ask.
 */
export class CourseModel {
  constructor(
    readonly api: Api,
    private _memory: IMemory
  ) {
    this._poll = new Poll({
      name: 'clx-jupyter:poll',
      auto: false,
      factory: () => this.refresh(),
      frequency: { interval: QUIET, backoff: true, max: 3 * QUIET },
      standby: 'when-hidden'
    });
  }

  get view(): View {
    return this._view;
  }

  get candidates(): ICandidate[] {
    return this._candidates;
  }

  /** Whether the search for courses stopped at its limit. */
  get more(): boolean {
    return this._more;
  }

  get course(): ICourse | null {
    return this._course;
  }

  /** What makes the view `error`, or the last request that failed. */
  get error(): IProblem | null {
    return this._error;
  }

  /** Whether the last request was answered. */
  get connected(): boolean {
    return this._connected;
  }

  /** Whether a request of the user is under way. */
  get busy(): boolean {
    return this._busy;
  }

  /** The place of the selected source. */
  get selected(): string | null {
    return this._selected;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** A build of the course ended. */
  get ended(): ISignal<this, IBuild> {
    return this._ended;
  }

  /** The build that the progress is about: one of the whole course before one of a part, else the last one. */
  get build(): IBuild | null {
    // One that just ended stands until the course tells of it.
    const last = [...this._followers.values()].pop();
    return (this.follower ?? last)?.build ?? this._course?.build ?? null;
  }

  get follower(): BuildFollower | null {
    const open = [...this._followers.values()].filter(each =>
      isOpen(each.build)
    );
    const whole = open.find(each => each.build.request.sources.length === 0);
    return whole ?? open[0] ?? null;
  }

  get building(): boolean {
    return this.follower !== null;
  }

  get interrupted(): boolean {
    const build = this.build;
    return build !== null && isInterrupted(build);
  }

  /** The source at a place. */
  source(place: string): ISource | null {
    for (const section of this._course?.sections ?? []) {
      for (const topic of section.topics) {
        const found = topic.sources.find(each => each.place === place);
        if (found) {
          return found;
        }
      }
    }
    return null;
  }

  /** The state of a source: of its job while a build goes on, else as the course says. */
  now(source: ISource): ISourceNow {
    for (const follower of this._followers.values()) {
      const job = follower.jobs.get(source.place);
      if (!job) {
        continue;
      }
      const { cell, cells, state } = job;
      if (state === 'running' || state === 'queued') {
        return { state, cell, cells };
      }
      if (state === 'blocked') {
        return { state: 'queued', cell: 0, cells: 0 };
      }
      // Ended, and the course does not tell of it yet.
      const ended = { done: 'built', dead: 'failed' }[state] ?? state;
      return { state: ended, cell: 0, cells: 0 };
    }
    const fresh = source.state === 'fresh' && this._built.has(source.place);
    return { state: fresh ? 'built' : source.state, cell: 0, cells: 0 };
  }

  /** All problems: of the course, but for sources that are being built again; and of the builds that go on. */
  get problems(): IProblem[] {
    const found = new Map<string, IProblem>();
    const jobs = [...this._followers.values()].flatMap(each => [
      ...each.jobs.values()
    ]);
    const again = new Set(jobs.map(job => job.path));
    for (const problem of this._course?.problems ?? []) {
      if (problem.path === null || !again.has(problem.path)) {
        found.set(problem.id, problem);
      }
    }
    for (const follower of this._followers.values()) {
      for (const problem of follower.build.problems ?? []) {
        found.set(problem.id, problem);
      }
    }
    for (const problem of this._unplaced) {
      found.set(problem.id, problem);
    }
    return [...found.values()].sort(bySeverity);
  }

  /** Find the courses, and show the one that was shown last or the only one. */
  async start(): Promise<void> {
    await this._poll.start();
    await this._guarded(() => this._load());
  }

  /** Look for courses in a folder. */
  look(path?: string): Promise<void> {
    return this._guarded(() => this._look(path));
  }

  /** Show a course. */
  choose(id: string): Promise<void> {
    return this._guarded(async () => {
      await this._open(id);
      await this._memory.remember(id);
    });
  }

  /** Forget the course that is shown, and list those there are. */
  async leave(): Promise<void> {
    await this._memory.remember(null);
    this._close();
    await this._guarded(async () => {
      this._take(await this.api.courses());
      this._view = this._candidates.length ? 'choose' : 'empty';
    });
  }

  select(place: string | null): void {
    this._selected = place;
    this._changed.emit();
  }

  /** Build the course; without running code unless *execute*. */
  startBuild(execute: boolean): Promise<void> {
    return this._asked(course => this.api.start(course.id, execute));
  }

  cancel(): Promise<void> {
    const build = this.build;
    return this._asked(course => this.api.cancel(course.id, build?.id ?? ''));
  }

  /** Build again what failed, and nothing else. */
  retry(): Promise<void> {
    return this._asked(course => this.api.start(course.id, true, true));
  }

  /** Build one notebook; gives the follower of that build. Rejects with what the API rejects with. */
  async convert(path: string): Promise<BuildFollower> {
    const build = await this.api.convert(path, this._course?.id);
    const follower =
      build.course === this._course?.id
        ? this._follow(build)
        : this._watch(new BuildFollower(this.api, build));
    this._changed.emit();
    return follower;
  }

  /** An event came from the server. */
  hear(event: IEvent): void {
    if (event.schema_id !== EVENT_SCHEMA) {
      return;
    }
    const id = String(event.build);
    const follower = this._followers.get(id) ?? this._elsewhere.get(id);
    if (follower) {
      follower.nudge(Number(event.number));
    } else if (this._course && !this._known.has(id)) {
      // Another tab, or a terminal, started it; perhaps of another course.
      this._known.add(id);
      void this._poll.refresh();
    }
  }

  /** A file was saved, made, renamed or deleted. */
  touch(path: string | undefined): void {
    const folder = this._course?.folder ?? null;
    if (path === undefined || folder === null || this.building) {
      return;
    }
    if (folder === '' || path.startsWith(`${folder}/`)) {
      window.clearTimeout(this._touched);
      this._touched = window.setTimeout(() => {
        void this._guarded(() => this._reload());
      }, 500);
    }
  }

  /** Ask for whatever may have changed. */
  async refresh(): Promise<void> {
    await this._guarded(() => this._refresh());
    const unheard = [...this._followers.values()].some(
      each => isOpen(each.build) && !each.build.here
    );
    const interval = unheard || !this._connected ? BUSY : QUIET;
    if (this._poll.frequency.interval !== interval) {
      this._poll.frequency = { interval, backoff: true, max: 3 * QUIET };
    }
  }

  dispose(): void {
    window.clearTimeout(this._touched);
    this._poll.dispose();
    Signal.clearData(this);
  }

  private async _refresh(): Promise<void> {
    for (const follower of this._elsewhere.values()) {
      await follower.refresh().catch(this._gone(follower));
    }
    const course = this._course;
    if (course === null) {
      if (this._view !== 'choose' && this._view !== 'empty') {
        await this._load();
      }
      return;
    }
    const builds = await this.api.builds(course.id, 10);
    if (this._course?.id !== course.id) {
      return;
    }
    const open = builds.filter(isOpen);
    open.forEach(build => this._follow(build));
    for (const follower of this._followers.values()) {
      await follower.refresh().catch(this._gone(follower));
    }
    const ended = [...this._followers.values()].some(
      each => !isOpen(each.build)
    );
    // A build ended while the server could not be asked, or came and went while nobody looked.
    const latest = builds[0]?.id;
    if (ended || (!open.length && latest !== this._course.build?.id)) {
      await this._reload();
    }
  }

  /** What to do with the error of a follower: a build whose record is gone is forgotten. */
  private _gone(follower: BuildFollower): (error: unknown) => void {
    return error => {
      if (!(error instanceof ProblemError)) {
        throw error;
      }
      this._followers.delete(follower.build.id);
      this._elsewhere.delete(follower.build.id);
    };
  }

  private async _load(): Promise<void> {
    this._take(await this.api.courses());
    const last = await this._memory.recall();
    if (last !== null) {
      try {
        await this._open(last);
        return;
      } catch (error) {
        if (!(error instanceof ProblemError)) {
          throw error;
        }
        await this._memory.remember(null);
      }
    }
    await this._show();
  }

  private async _look(path?: string): Promise<void> {
    const answer = await this.api.courses(path);
    if (answer.courses.length === 1) {
      await this._open(answer.courses[0].id);
      await this._memory.remember(answer.courses[0].id);
    } else {
      this._close();
      this._take(answer);
      await this._show();
    }
  }

  private async _show(): Promise<void> {
    if (this._candidates.length === 1) {
      await this._open(this._candidates[0].id);
    } else {
      this._view = this._candidates.length ? 'choose' : 'empty';
    }
  }

  private _take(answer: { courses: ICandidate[]; more: boolean }): void {
    this._candidates = answer.courses;
    this._more = answer.more;
  }

  private async _open(id: string): Promise<void> {
    if (this._course?.id !== id) {
      this._close();
    }
    const course = await this.api.course(id);
    this._course = course;
    this._view = 'course';
    this._error = null;
    course.open.forEach(build => this._follow(build));
    await Promise.all(
      [...this._followers.values()].map(each => each.refresh())
    );
  }

  private _close(): void {
    this._course = null;
    this._selected = null;
    this._followers.clear();
    this._built.clear();
    this._unplaced = [];
    this._error = null;
  }

  private async _reload(): Promise<void> {
    const id = this._course?.id;
    if (id === undefined) {
      return;
    }
    const course = await this.api.course(id);
    if (this._course?.id === id) {
      this._course = course;
      this._view = 'course';
      this._error = null;
      for (const [id, follower] of this._followers) {
        if (!isOpen(follower.build)) {
          this._followers.delete(id);
        }
      }
      course.open.forEach(build => this._follow(build));
    }
  }

  private _follow(build: IBuild): BuildFollower {
    const known = this._followers.get(build.id);
    if (known) {
      return known;
    }
    const follower = new BuildFollower(this.api, build);
    this._known.add(build.id);
    this._followers.set(build.id, follower);
    follower.changed.connect(() => this._changed.emit());
    void follower.ended.then(ended => this._end(follower, ended));
    return follower;
  }

  /** Follow a build that is none of the course's, such as of a notebook outside any. */
  private _watch(follower: BuildFollower): BuildFollower {
    const { id } = follower.build;
    this._known.add(id);
    this._elsewhere.set(id, follower);
    void follower.ended.then(() => this._elsewhere.delete(id));
    return follower;
  }

  private async _end(follower: BuildFollower, build: IBuild): Promise<void> {
    const done = [...follower.jobs.values()].filter(
      job => job.state === 'done'
    );
    this._built = new Set(done.map(job => job.place));
    const problems = build.problems ?? [];
    this._unplaced = problems.filter(problem => problem.path === null);
    await this._guarded(() => this._reload());
    this._ended.emit(build);
  }

  /** A request of the user: one at a time; what is wrong with it is shown. */
  private async _asked(
    ask: (course: ICourse) => Promise<IBuild>
  ): Promise<void> {
    const course = this._course;
    if (course === null || this._busy) {
      return;
    }
    this._busy = true;
    this._error = null;
    this._changed.emit();
    await this._guarded(async () => {
      const build = await ask(course);
      if (this._course?.id === course.id) {
        this._unplaced = [];
        await this._follow(build).refresh();
      }
    });
    this._busy = false;
    this._changed.emit();
  }

  private async _guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this._connected = true;
    } catch (error) {
      if (error instanceof ProblemError) {
        this._connected = true;
        this._error = error.problem;
        if (this._course === null) {
          this._view = 'error';
        }
      } else if (error instanceof MissingServiceError) {
        this._connected = true;
        this._close();
        this._view = 'missing-server';
      } else if (error instanceof ConnectionError) {
        this._connected = false;
      } else {
        throw error;
      }
    } finally {
      this._changed.emit();
    }
  }

  private _view: View = 'loading';
  private _candidates: ICandidate[] = [];
  private _more = false;
  private _course: ICourse | null = null;
  private _error: IProblem | null = null;
  private _connected = true;
  private _busy = false;
  private _selected: string | null = null;
  private _touched = 0;
  /** Builds of the course, open ones and those whose end is not in the course yet. */
  private _followers = new Map<string, BuildFollower>();
  private _elsewhere = new Map<string, BuildFollower>();
  /** Ids of all builds heard of, so that a strange one is asked for once. */
  private _known = new Set<string>();
  /** Places that the last build made anew. */
  private _built = new Set<string>();
  /** Problems of the last build that belong to no source. */
  private _unplaced: IProblem[] = [];
  private _poll: Poll;
  private _changed = new Signal<this, void>(this);
  private _ended = new Signal<this, IBuild>(this);
}

const SEVERITIES = ['error', 'warning', 'info'];

function bySeverity(a: IProblem, b: IProblem): number {
  return SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity);
}
