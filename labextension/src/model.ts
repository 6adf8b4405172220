import { Poll } from '@lumino/polling';
import { ISignal, Signal } from '@lumino/signaling';

import {
  Api,
  ConnectionError,
  IArchive,
  IBuild,
  ICandidate,
  ICourse,
  IProblem,
  ISource,
  MissingServiceError,
  ProblemError
} from './api';
import { Builds, IEvent } from './builds';
import { BuildFollower, isInterrupted, isOpen } from './follower';
import { IMemory } from './memory';
import { Once } from './once';
import { ISourceNow, problemsNow, sourceAt, sourceNow } from './overlay';

/** What the panel shows. */
export type View =
  'loading' | 'missing-server' | 'empty' | 'choose' | 'course' | 'error';

/** How often to ask, in milliseconds: when all is quiet, when no events tell what happens, and when nobody answers. */
const QUIET = { interval: 10_000, backoff: true, max: 10_000 };
const SILENT = { interval: 1_000, backoff: true, max: 5_000 };

/** Files are saved in bursts: how long to wait for the last one, in milliseconds. */
const BURST = 500;

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
    this._builds = new Builds(api);
    this._builds.changed.connect(() => this._changed.emit());
    this._builds.ended.connect((_, follower) => void this._end(follower));
    this._poll = new Poll({
      name: 'clx-jupyter:poll',
      auto: false,
      factory: async () => {
        await this.refresh();
        if (!this._connected) {
          throw new Error('no connection'); // the poll waits longer each time
        }
      },
      frequency: QUIET,
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

  /** Why the last request of the user was refused, or why the course cannot be read. */
  get error(): IProblem | null {
    return this._refused ?? this._error;
  }

  /** Whether the last request was answered. */
  get connected(): boolean {
    return this._connected;
  }

  /** Whether a request of the user is under way. */
  get busy(): boolean {
    return this._busy;
  }

  /** The selected source. */
  get selected(): ISource | null {
    return sourceAt(this._course, this._selected);
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** A build of the course ended. */
  get ended(): ISignal<this, IBuild> {
    return this._ended;
  }

  /** The build that the progress is about; where none is open, the last one. */
  get build(): IBuild | null {
    // One that just ended stands until the course tells of it.
    const last = this._builds.ofCourse.pop();
    const follower = this.follower ?? last;
    return follower?.build ?? this._course?.build ?? null;
  }

  /** Follows the open build that matters most. */
  get follower(): BuildFollower | null {
    return this._builds.first;
  }

  /** Whether a build goes on. */
  get building(): boolean {
    return this.follower !== null && !this.interrupted;
  }

  /** Whether a build was begun, and nobody works on it. */
  get interrupted(): boolean {
    const build = this.follower?.build;
    return build !== undefined && isInterrupted(build);
  }

  /** The state of a source this very moment. */
  now(source: ISource): ISourceNow {
    return sourceNow(source, this._builds.ofCourse);
  }

  /** All that is wrong this very moment. */
  get problems(): IProblem[] {
    return problemsNow(this._course, this._unplaced, this._builds.ofCourse);
  }

  /** Find the courses, show the one that was shown last or the only one, and keep an eye on it. */
  async start(): Promise<void> {
    await this.refresh();
    await this._poll.start();
  }

  /** Show the course of a folder, or list those in it. */
  look(path: string): Promise<void> {
    return this._guarded(async () => {
      const answer = await this.api.courses(path);
      if (answer.courses.length === 1) {
        await this._choose(answer.courses[0].id);
      } else {
        this._list(answer);
      }
    });
  }

  /** Show a course. */
  choose(id: string): Promise<void> {
    return this._guarded(() => this._choose(id));
  }

  /** Forget the course that is shown, and list those there are. */
  async leave(): Promise<void> {
    await this._memory.remember(null);
    await this._guarded(async () => this._list(await this.api.courses()));
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
    const id = this.follower?.build.id ?? '';
    return this._asked(course => this.api.cancel(course.id, id));
  }

  /** Build again what failed, and nothing else. */
  retry(): Promise<void> {
    return this._asked(course => this.api.start(course.id, true, true));
  }

  /** The archives that can be downloaded. */
  async archives(): Promise<IArchive[]> {
    let found: IArchive[] = [];
    await this._once(async course => {
      found = await this.api.archives(course.id);
    });
    return found;
  }

  /** Write the course file of the folder that is shown, and show the course it is now; gives its contents path. */
  async createCourseFile(): Promise<string | null> {
    let path: string | null = null;
    await this._once(async course => {
      const file = await this.api.createCourseFile(course.id);
      path = file.path;
      this._candidates = (await this.api.courses()).courses;
      await this._choose(file.id);
    });
    return path;
  }

  /** Build one notebook; gives the follower of that build. Rejects with what the API rejects with. */
  async convert(path: string): Promise<BuildFollower> {
    const build = await this.api.convert(path, this._course?.id);
    const follower =
      build.course === this._course?.id
        ? this._builds.follow(build)
        : this._builds.followElsewhere(build);
    this._changed.emit();
    return follower;
  }

  /** An event came from the server. */
  hear(event: IEvent): void {
    if (this._builds.hear(event)) {
      // Another tab, or a terminal, started it; perhaps of another course.
      void this.refresh();
    }
  }

  /** A file was saved, made, renamed or deleted. */
  touch(path: string | undefined): void {
    if (path === undefined || this.building) {
      return;
    }
    const folder = this._course ? this._course.folder : '';
    if (folder === '' || path.startsWith(`${folder}/`)) {
      window.clearTimeout(this._touched);
      this._touched = window.setTimeout(() => void this.refresh(), BURST);
    }
  }

  /** Ask for whatever may have changed. */
  async refresh(): Promise<void> {
    await this._guarded(() => this._looking.run());
    const silent = this._builds.silent || !this._connected;
    this._poll.frequency = silent ? SILENT : QUIET;
  }

  dispose(): void {
    window.clearTimeout(this._touched);
    this._poll.dispose();
    Signal.clearData(this);
  }

  private async _refresh(): Promise<void> {
    if (this._course === null) {
      await this._builds.refresh();
      if (this._view === 'error' && this._wanted !== null) {
        await this._open(this._wanted);
      } else if (this._view !== 'choose') {
        await this._load(); // a list that somebody reads stays as it is
      }
      return;
    }
    const { id } = this._course;
    if (this._builds.first !== null) {
      // The whole course would be the same until they end.
      const builds = await this.api.builds(id, 10);
      this._follow(id, builds.filter(isOpen));
      await this._builds.refresh();
    }
    if (this._builds.first === null) {
      await this._open(id);
    }
  }

  private async _load(): Promise<void> {
    const answer = await this.api.courses();
    this._candidates = answer.courses;
    const last = await this._memory.recall();
    if (last !== null) {
      try {
        await this._open(last);
        return;
      } catch (error) {
        if (!(error instanceof ProblemError) || error.status !== 404) {
          throw error;
        }
        await this._memory.remember(null);
      }
    }
    if (answer.courses.length === 1) {
      await this._open(answer.courses[0].id);
    } else {
      this._list(answer);
    }
  }

  private _list(answer: { courses: ICandidate[]; more: boolean }): void {
    this._close();
    this._candidates = answer.courses;
    this._more = answer.more;
    this._view = answer.courses.length ? 'choose' : 'empty';
  }

  private async _choose(id: string): Promise<void> {
    await this._open(id);
    await this._memory.remember(id);
  }

  /** Ask for a course and show it, whether for the first time or again. */
  private async _open(id: string): Promise<void> {
    this._wanted = id;
    const course = await this.api.course(id);
    if (this._wanted !== id) {
      return; // somebody chose another one meanwhile
    }
    if (this._course?.id !== id) {
      this._close();
      this._wanted = id;
    }
    this._course = course;
    this._view = 'course';
    this._error = null;
    this._builds.clearEnded();
    this._follow(id, course.open);
    await this._builds.refresh();
  }

  private _follow(id: string, builds: IBuild[]): void {
    if (this._course?.id === id) {
      builds.forEach(build => this._builds.follow(build));
    }
  }

  private _close(): void {
    this._course = null;
    this._wanted = null;
    this._selected = null;
    this._unplaced = [];
    this._error = null;
    this._refused = null;
    this._builds.clear();
  }

  private async _end(follower: BuildFollower): Promise<void> {
    const { build } = follower;
    const problems = build.problems ?? [];
    this._unplaced = problems
      .filter(isOfNoSource)
      .map(problem => ({ ...problem, path: null }));
    await this.refresh();
    this._ended.emit(build);
  }

  /** Ask for a build. */
  private _asked(ask: (course: ICourse) => Promise<IBuild>): Promise<void> {
    return this._once(async course => {
      const build = await ask(course);
      this._follow(course.id, [build]);
      await this._builds.refresh();
    });
  }

  /** A request of the user: one at a time; what is wrong with it is shown. */
  private async _once(work: (course: ICourse) => Promise<void>): Promise<void> {
    const course = this._course;
    if (course === null || this._busy) {
      return;
    }
    this._busy = true;
    this._refused = null;
    this._unplaced = [];
    this._changed.emit();
    await this._guarded(async () => {
      try {
        await work(course);
      } catch (error) {
        if (!(error instanceof ProblemError)) {
          throw error;
        }
        this._refused = error.problem;
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
  /** The course that was asked for last. */
  private _wanted: string | null = null;
  private _error: IProblem | null = null;
  private _refused: IProblem | null = null;
  private _connected = true;
  private _busy = false;
  private _selected: string | null = null;
  private _touched = 0;
  /** Problems of the last build that belong to no source: the course does not tell of them. */
  private _unplaced: IProblem[] = [];
  private _builds: Builds;
  private _looking = new Once(() => this._refresh());
  private _poll: Poll;
  private _changed = new Signal<this, void>(this);
  private _ended = new Signal<this, IBuild>(this);
}

/** Whether a problem is about no file of the course: about none, or about one of the machine, such as the job database. */
function isOfNoSource(problem: IProblem): boolean {
  return problem.path === null || /^(\/|[A-Za-z]:)/.test(problem.path);
}
