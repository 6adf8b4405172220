import { ICourse, IJob, IProblem, ISource } from './api';
import { BuildFollower, isInterrupted } from './follower';

/** What the builds that go on say about the course, laid over its last whole answer. */

/** A source as it is this very moment. */
export interface ISourceNow {
  state: string;
  cell: number;
  cells: number;
}

/** How the states of jobs read as states of sources. */
const AS_SOURCE: { [state: string]: string } = {
  blocked: 'queued',
  done: 'built',
  dead: 'failed'
};

/** States of jobs that have not ended, the most telling last. */
const WAITS = ['blocked', 'queued', 'running'];

/** Where nobody works on a build, what it left open is as the course says. */
function counts(follower: BuildFollower, job: IJob): boolean {
  return !isInterrupted(follower.build) || !WAITS.includes(job.state);
}

/** The state of a source: of its job in a build that goes on, else as the course says. */
export function sourceNow(
  source: ISource,
  followers: BuildFollower[]
): ISourceNow {
  // A job that is under way says more than one that ended, a later one more than an earlier one.
  const found = followers
    .filter(each => each.jobs.has(source.place))
    .map(each => ({ each, job: each.jobs.get(source.place) as IJob }))
    .filter(({ each, job }) => counts(each, job))
    .map(({ job }) => job)
    .sort((a, b) => WAITS.indexOf(a.state) - WAITS.indexOf(b.state))
    .pop();
  if (!found) {
    return { state: source.state, cell: 0, cells: 0 };
  }
  const { state, cell, cells } = found;
  return state === 'running'
    ? { state, cell, cells }
    : { state: AS_SOURCE[state] ?? state, cell: 0, cells: 0 };
}

/** The source at a place. */
export function sourceAt(
  course: ICourse | null,
  place: string | null
): ISource | null {
  const sections = course?.sections ?? [];
  const topics = sections.flatMap(section => section.topics);
  const sources = topics.flatMap(topic => topic.sources);
  return sources.find(source => source.place === place) ?? null;
}

const SEVERITIES = ['error', 'warning', 'info'];

/** Problems of the course, but for sources that are being built again; of no source; and of the builds that go on. Errors first. */
export function problemsNow(
  course: ICourse | null,
  unplaced: IProblem[],
  followers: BuildFollower[]
): IProblem[] {
  const again = new Set<string>();
  for (const follower of followers) {
    for (const job of follower.jobs.values()) {
      if (counts(follower, job)) {
        again.add(job.path);
      }
    }
  }
  const stay = (course?.problems ?? []).filter(
    problem => problem.path === null || !again.has(problem.path)
  );
  const told = followers.flatMap(each => each.build.problems ?? []);
  const byId = new Map(
    [...stay, ...unplaced, ...told].map(problem => [problem.id, problem])
  );
  return [...byId.values()].sort(
    (a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity)
  );
}
