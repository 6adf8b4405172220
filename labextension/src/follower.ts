import { ISignal, Signal } from '@lumino/signaling';

import { Api, BuildState, IBuild, IJob } from './api';
import { Once } from './once';

const OPEN: BuildState[] = ['queued', 'running'];

export function isOpen(build: IBuild): boolean {
  return OPEN.includes(build.state);
}

/** Open, but nobody works on it: its server died and none has gone on yet. */
export function isInterrupted(build: IBuild): boolean {
  return isOpen(build) && !build.here && build.holder === null;
}

/**
 * Keeps the last known state of one build.
 *
 * Events are nudges only: one whose number is not ours makes us ask.
 */
export class BuildFollower {
  constructor(
    private _api: Api,
    build: IBuild
  ) {
    this._build = build;
  }

  get build(): IBuild {
    return this._build;
  }

  /** The jobs as last heard, by place. */
  get jobs(): ReadonlyMap<string, IJob> {
    return this._jobs;
  }

  /** When the last answer came, in milliseconds. */
  get heard(): number {
    return this._heard;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Settles when the build has ended. */
  get ended(): Promise<IBuild> {
    return this._ended;
  }

  /** An event of this build came. */
  nudge(number: number): void {
    if (number !== this._build.number) {
      // Whoever polls hears of a lost connection; a nudge may be lost.
      void this.refresh().catch(() => undefined);
    }
  }

  /** Ask for the state. Rejects when there is no answer. */
  refresh(): Promise<void> {
    return this._asking.run();
  }

  /** The server knows it no more: it is over. */
  forget(): void {
    this._take({ ...this._build, state: 'cancelled', jobs: [] });
  }

  private _take(build: IBuild): void {
    const jobs = build.jobs ?? [];
    const told = new Set(jobs.map(job => job.place));
    for (const [place, job] of this._jobs) {
      // It ran, did not end and runs no longer: its worker was lost and it waits again.
      if (job.state === 'running' && !told.has(place)) {
        this._jobs.set(place, { ...job, state: 'queued', cell: 0, cells: 0 });
      }
    }
    for (const job of jobs) {
      this._jobs.set(job.place, job);
    }
    // A second earlier: what changed while the answer was being made is told again.
    this._since = Math.max(0, build.now - 1);
    this._build = build;
    this._heard = Date.now();
    this._changed.emit();
    if (!isOpen(build)) {
      this._settle(build);
    }
  }

  private _build: IBuild;
  private _jobs = new Map<string, IJob>();
  private _heard = Date.now();
  private _since = 0;
  private _asking = new Once(async () => {
    const { id, course } = this._build;
    this._take(await this._api.build(course, id, this._since));
  });
  private _settle: (build: IBuild) => void = () => undefined;
  private _ended = new Promise<IBuild>(resolve => {
    this._settle = resolve;
  });
  private _changed = new Signal<this, void>(this);
}
