import { Api } from '../api';
import { BuildFollower, isInterrupted } from '../follower';
import { build, FakeServer, job, settle } from './server';

describe('BuildFollower', () => {
  let server: FakeServer;
  let follower: BuildFollower;
  const asked = () => server.count('GET', 'builds/b1');

  beforeEach(() => {
    server = new FakeServer();
    server.builds = [build('b1', 'one')];
    follower = new BuildFollower(new Api(server.settings), server.builds[0]);
  });

  it('asks nothing for a number that it knows', async () => {
    follower.nudge(1);
    await settle();

    expect(asked()).toBe(0);
  });

  it('asks once for a number that it does not know', async () => {
    server.change('b1', { done: 1 });

    follower.nudge(2);
    await settle();

    expect(asked()).toBe(1);
    expect(follower.build.done).toBe(1);
  });

  it('asks once more for any number of nudges while an answer is under way', async () => {
    const release = server.hold();
    follower.nudge(2);
    await settle();
    [3, 4, 5, 6].forEach(number => follower.nudge(number));
    release();
    await settle();

    expect(asked()).toBe(2);
  });

  it('asks from the second before the last answer on', async () => {
    await follower.refresh();
    await follower.refresh();

    expect(server.requests.map(each => each.query.since)).toEqual(['0', '999']);
  });

  it('keeps what an answer does not repeat', async () => {
    server.change('b1', {
      jobs: [job('0:a.py', 'done'), job('0:b.py', 'queued')]
    });
    await follower.refresh();
    server.change('b1', { jobs: [job('0:b.py', 'running', 2, 7)] });
    await follower.refresh();

    expect(
      [...follower.jobs.values()].map(each => [
        each.path,
        each.state,
        each.cell
      ])
    ).toEqual([
      ['a.py', 'done', 0],
      ['b.py', 'running', 2]
    ]);
  });

  it('takes what ran and is not told of any more for waiting', async () => {
    server.change('b1', { jobs: [job('0:a.py', 'running', 3, 4)] });
    await follower.refresh();
    server.change('b1', { jobs: [] });
    await follower.refresh();

    const { state, cell } = follower.jobs.get('0:a.py') ?? {};
    expect([state, cell]).toEqual(['queued', 0]);
  });

  it('says once that the build has ended', async () => {
    const ended: string[] = [];
    void follower.ended.then(each => ended.push(each.state));
    await follower.refresh();
    await settle();
    expect(ended).toEqual([]);

    server.change('b1', { state: 'succeeded' });
    await follower.refresh();
    await follower.refresh();
    await settle();

    expect(ended).toEqual(['succeeded']);
  });

  it('loses a nudge quietly where nobody answers, and goes on after', async () => {
    server.down = true;
    follower.nudge(2);
    await expect(follower.refresh()).rejects.toThrow();
    server.down = false;
    server.change('b1', { done: 2 });

    await follower.refresh();

    expect(follower.build.done).toBe(2);
  });

  it('calls a build interrupted that is open and that nobody works on', () => {
    const nobody = { here: false, holder: null };
    expect(isInterrupted(build('b', 'one', nobody))).toBe(true);
    expect(isInterrupted(build('b', 'one', { here: false }))).toBe(false);
    expect(
      isInterrupted(build('b', 'one', { ...nobody, state: 'failed' }))
    ).toBe(false);
  });
});
