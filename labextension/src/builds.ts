import { ISignal, Signal } from '@lumino/signaling';

import { Api, IBuild, ProblemError } from './api';
import { BuildFollower, isInterrupted, isOpen } from './follower';

export const EVENT_SCHEMA = 'urn:clx_jupyter:events:build:v1';

/** An event of the server, as JupyterLab hands it on. */
export interface IEvent {
  schema_id: string;
  [name: string]: unknown;
}

/** The builds that are followed: those of the course that is shown, and conversions of files that are not in it. */
export class Builds {
  constructor(private _api: Api) {}

  /** Those of the course, the oldest first: open ones, and those whose end the course does not tell of yet. */
  get ofCourse(): BuildFollower[] {
    return [...this._ofCourse.values()];
  }

  /** The one that matters most: one that goes on before one that waits for somebody, one of the whole course before one of a part. */
  get first(): BuildFollower | null {
    const ranked = this.ofCourse
      .filter(each => isOpen(each.build))
      .sort((a, b) => rank(a.build) - rank(b.build));
    return ranked[0] ?? null;
  }

  /** Whether some build goes on in another process, of which no event tells. */
  get silent(): boolean {
    return this.ofCourse.some(each => isOpen(each.build) && !each.build.here);
  }

  /** Something changed in a build of the course. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** A build of the course ended. */
  get ended(): ISignal<this, BuildFollower> {
    return this._ended;
  }

  /** Follow a build of the course; one that is followed already stays as it is. */
  follow(build: IBuild): BuildFollower {
    const known = this._ofCourse.get(build.id);
    if (known) {
      return known;
    }
    const follower = new BuildFollower(this._api, build);
    this._heard.add(build.id);
    this._ofCourse.set(build.id, follower);
    follower.changed.connect(() => this._changed.emit());
    void follower.ended.then(() => {
      if (this._ofCourse.has(build.id)) {
        this._ended.emit(follower);
      }
    });
    return follower;
  }

  /** Follow a build that is none of the course's. */
  followElsewhere(build: IBuild): BuildFollower {
    const follower = new BuildFollower(this._api, build);
    this._heard.add(build.id);
    this._elsewhere.set(build.id, follower);
    void follower.ended.then(() => this._elsewhere.delete(build.id));
    return follower;
  }

  /** Take an event; true where it is the first of a build that nobody follows. */
  hear(event: IEvent): boolean {
    if (event.schema_id !== EVENT_SCHEMA) {
      return false;
    }
    const id = String(event.build);
    const follower = this._ofCourse.get(id) ?? this._elsewhere.get(id);
    if (follower) {
      follower.nudge(Number(event.number));
    }
    const strange = !this._heard.has(id);
    this._heard.add(id);
    return strange;
  }

  /** Ask for all of them. Rejects when there is no answer. */
  async refresh(): Promise<void> {
    const all = [...this._elsewhere.values(), ...this._ofCourse.values()];
    await Promise.all(
      all.map(async follower => {
        try {
          await follower.refresh();
        } catch (error) {
          if (!(error instanceof ProblemError)) {
            throw error;
          }
          // Its record was cleaned up.
          follower.forget();
        }
      })
    );
  }

  /** The course tells of those that ended now. */
  clearEnded(): void {
    for (const [id, follower] of this._ofCourse) {
      if (!isOpen(follower.build)) {
        this._ofCourse.delete(id);
      }
    }
  }

  /** Another course is shown. */
  clear(): void {
    this._ofCourse.clear();
    this._heard = new Set(this._elsewhere.keys());
  }

  private _ofCourse = new Map<string, BuildFollower>();
  private _elsewhere = new Map<string, BuildFollower>();
  /** Ids of all that were heard of, so that a strange one is looked for once. */
  private _heard = new Set<string>();
  private _changed = new Signal<this, void>(this);
  private _ended = new Signal<this, BuildFollower>(this);
}

function rank(build: IBuild): number {
  return (
    (isInterrupted(build) ? 2 : 0) + (build.request.sources.length ? 1 : 0)
  );
}
