import { Api } from '../api';
import { EVENT_SCHEMA } from '../builds';
import { CourseModel } from '../model';
import {
  build,
  course,
  FakeMemory,
  FakeServer,
  job,
  problem,
  refused,
  serverWith,
  settle,
  source
} from './server';

describe('CourseModel', () => {
  let server: FakeServer;
  let memory: FakeMemory;
  let model: CourseModel;

  const make = async (from: FakeServer, id: string | null = null) => {
    server = from;
    memory = new FakeMemory(id);
    model = new CourseModel(new Api(server.settings), memory);
    await model.start();
    await settle();
  };
  const event = (id: string, number: number) =>
    model.hear({ schema_id: EVENT_SCHEMA, build: id, number });
  const states = () =>
    (model.course?.sections ?? []).flatMap(section =>
      section.topics.flatMap(topic =>
        topic.sources.map(each => model.now(each).state)
      )
    );

  afterEach(() => model.dispose());

  describe('finding a course', () => {
    it('shows the only one', async () => {
      await make(serverWith(course('one')));

      expect([model.view, model.course?.id]).toEqual(['course', 'one']);
    });

    it('asks which one of several, and remembers', async () => {
      await make(serverWith(course('one'), course('two')));
      expect([model.view, model.course]).toEqual(['choose', null]);

      await model.choose('two');

      expect([model.view, model.course?.id]).toEqual(['course', 'two']);
      expect(memory.id).toBe('two');
    });

    it('shows the one of last time', async () => {
      await make(serverWith(course('one'), course('two')), 'two');

      expect(model.course?.id).toBe('two');
    });

    it('forgets one that is gone', async () => {
      await make(serverWith(course('one')), 'gone');

      expect([model.course?.id, memory.id]).toEqual(['one', null]);
    });

    it('says that there is none, and finds one that is made later', async () => {
      await make(serverWith());
      expect(model.view).toBe('empty');

      const later = serverWith(course('one'));
      server.courses = later.courses;
      server.candidates = later.candidates;
      await model.refresh();

      expect(model.view).toBe('course');
    });

    it('opens a folder as a course', async () => {
      await make(serverWith(course('one')));
      const other = serverWith(course('other', { folder: 'other' }));
      server.courses = other.courses;
      server.candidates = other.candidates;

      await model.look('other');

      expect([model.course?.id, memory.id]).toEqual(['other', 'other']);
      const asked = server.requests.map(each => each.query.path);
      expect(asked).toContain('other');
    });

    it('leaves a course for the list', async () => {
      await make(serverWith(course('one')), 'one');

      await model.leave();

      expect([model.view, model.course]).toEqual(['choose', null]);
      expect(memory.id).toBe(null);
    });

    it('says why a course cannot be read, and shows it once it is mended', async () => {
      const broken = serverWith(course('one'));
      broken.courses.clear();
      await make(broken);
      expect(model.view).toBe('error');
      expect(model.error?.message).toBe('no such course');

      server.courses.set('one', course('one'));
      await model.refresh();

      expect([model.view, model.error]).toEqual(['course', null]);
    });
  });

  describe('a build', () => {
    beforeEach(() => make(serverWith(course('one'))));

    it('is followed by events from its start to its end', async () => {
      await model.startBuild(true);
      const asked = server.requests.find(each => each.method === 'POST');
      expect(asked?.body.execute).toBe(true);

      const jobs = [job('0:a.py', 'running', 1, 3), job('0:b.ipynb', 'queued')];
      server.change('b1', { jobs });
      event('b1', 2);
      await settle();
      expect(model.build?.state).toBe('running');
      expect(states()).toEqual(['running', 'queued']);

      server.change('b1', { jobs: [job('0:a.py', 'done')], done: 1 });
      event('b1', 3);
      await settle();
      expect(states()).toEqual(['built', 'queued']);

      const [section] = course('one').sections;
      const [a, b] = section.topics;
      b.sources = [source('b.ipynb', { state: 'failed' })];
      const sections = [{ ...section, topics: [a, b] }];
      server.courses.set('one', course('one', { sections }));
      server.change('b1', {
        jobs: [job('0:b.ipynb', 'failed')],
        state: 'failed',
        failed: 1
      });
      event('b1', 4);
      await settle();
      expect([model.build?.state, model.building]).toEqual(['failed', false]);
      expect(states()).toEqual(['fresh', 'failed']);
    });

    it('of another tab is found by its event', async () => {
      const jobs = [job('0:a.py', 'running')];
      server.builds = [build('b7', 'one', { jobs })];

      event('b7', 1);
      await settle();

      expect(model.build?.id).toBe('b7');
      expect(states()).toEqual(['running', 'fresh']);
    });

    it('of a terminal is found by asking now and then', async () => {
      server.builds = [build('b8', 'one', { here: false })];

      await model.refresh();

      expect([model.building, model.interrupted]).toEqual([true, false]);
    });

    it('that nobody works on is interrupted, and another may be started', async () => {
      server.builds = [build('b1', 'one', { here: false, holder: null })];

      await model.refresh();
      expect([model.interrupted, model.building]).toEqual([true, false]);

      await model.startBuild(true);
      expect(model.build?.id).toBe('b2');
      expect([model.interrupted, model.building]).toEqual([false, true]);
    });

    it('that came and went while nobody looked is noticed', async () => {
      server.builds = [build('b1', 'one', { state: 'succeeded' })];

      await model.refresh();

      expect(model.build?.state).toBe('succeeded');
    });

    it('tells of its end once', async () => {
      const ended: string[] = [];
      model.ended.connect((_, each) => ended.push(each.state));
      await model.startBuild(true);

      server.change('b1', { state: 'succeeded' });
      event('b1', 2);
      await model.refresh();
      await settle();

      expect(ended).toEqual(['succeeded']);
    });

    it('can be cancelled', async () => {
      await model.startBuild(true);

      await model.cancel();
      await settle();

      expect(model.build?.state).toBe('cancelled');
      expect(model.building).toBe(false);
    });

    it('is asked for once, however often the button is pressed', async () => {
      await Promise.all([model.startBuild(true), model.startBuild(true)]);

      expect(server.count('POST', 'builds')).toBe(1);
    });

    it('that is refused says why and changes nothing', async () => {
      server.answer = () => refused(409, 'another host holds the course');

      await model.startBuild(true);

      expect(model.error?.message).toBe('another host holds the course');
      expect([model.view, model.busy]).toEqual(['course', false]);
    });

    it('of what failed asks for that only', async () => {
      await model.retry();

      const asked = server.requests.find(each => each.method === 'POST');
      expect(asked?.body.failed).toBe(true);
    });
  });

  describe('problems', () => {
    const old = problem('old', { path: 'a.py' });
    const other = problem('other', { path: 'c.py', severity: 'warning' });
    const whole = problem('whole', { severity: 'info' });
    const ids = () => model.problems.map(each => each.id);

    it('come from the course, errors first', async () => {
      await make(serverWith(course('one', { problems: [whole, other, old] })));

      expect(ids()).toEqual(['old', 'other', 'whole']);
    });

    it('of what is built again give way to the new ones', async () => {
      await make(serverWith(course('one', { problems: [old, other] })));
      await model.startBuild(true);
      server.change('b1', {
        jobs: [job('0:a.py', 'done'), job('0:b.ipynb', 'failed')],
        problems: [problem('new', { path: 'b.ipynb' })]
      });
      event('b1', 2);
      await settle();

      expect(ids()).toEqual(['new', 'other']);
    });
  });

  describe('a server', () => {
    it('without our part is told from one that is gone, and may get it later', async () => {
      const bare = serverWith(course('one'));
      bare.missing = true;
      await make(bare);
      expect(model.view).toBe('missing-server');

      server.missing = false;
      await model.refresh();

      expect(model.view).toBe('course');
    });

    it('that is gone leaves all in sight, and everything goes on when it is back', async () => {
      await make(serverWith(course('one')));
      await model.startBuild(true);
      server.change('b1', { jobs: [job('0:a.py', 'running', 1, 2)] });
      event('b1', 2);
      await settle();

      server.down = true;
      await model.refresh();
      expect([model.connected, model.view]).toEqual([false, 'course']);
      expect(states()).toEqual(['running', 'fresh']);

      server.down = false;
      const jobs = [job('0:a.py', 'done')];
      server.change('b1', { state: 'succeeded', jobs });
      await model.refresh();
      await settle();
      expect([model.connected, model.building]).toEqual([true, false]);
      expect(model.build?.state).toBe('succeeded');
    });

    it('that cannot be reached at first is asked again', async () => {
      const dead = serverWith(course('one'));
      dead.down = true;
      await make(dead);
      expect([model.view, model.connected]).toEqual(['loading', false]);

      server.down = false;
      await model.refresh();

      expect([model.view, model.connected]).toEqual(['course', true]);
    });

    it('that tells of a strange build over and over is not asked each time', async () => {
      await make(serverWith(course('one')));
      server.requests = [];

      for (let number = 1; number < 20; number++) {
        event('elsewhere', number);
      }
      await settle();

      expect(server.requests.length).toBeLessThan(4);
    });

    it('that tells of what is not ours is not asked', async () => {
      await make(serverWith(course('one')));
      server.requests = [];

      model.hear({ schema_id: 'urn:others', build: 'b1', number: 5 });
      await settle();

      expect(server.requests).toEqual([]);
    });
  });

  describe('files', () => {
    beforeEach(() => make(serverWith(course('one'))));
    const asked = () => server.count('GET', 'courses/one');
    const pause = () => new Promise(resolve => window.setTimeout(resolve, 700));

    it('that change in the folder of the course make it look again, once for many', async () => {
      const before = asked();
      for (const name of ['a.py', 'b.ipynb', 'data/x.csv']) {
        model.touch(`week/${name}`);
      }
      await pause();

      expect(asked()).toBe(before + 1);
    });

    it('that change elsewhere do not', async () => {
      const before = asked();
      model.touch('weekend/a.py');
      model.touch(undefined);
      await pause();

      expect(asked()).toBe(before);
    });
  });

  describe('a conversion', () => {
    it('needs no course', async () => {
      await make(serverWith());

      const follower = await model.convert('x.py');
      server.change('b1', { state: 'succeeded' });
      event('b1', 2);

      expect((await follower.ended).state).toBe('succeeded');
      expect([model.view, model.build]).toEqual(['empty', null]);
    });

    it('names the course that is shown, and shows there how far it is', async () => {
      await make(serverWith(course('one')));

      await model.convert('week/a.py');

      const asked = server.requests.find(each => each.route === 'convert');
      expect(asked?.body).toEqual({ path: 'week/a.py', course: 'one' });
      expect(model.building).toBe(true);
    });

    it('is followed also where no event comes', async () => {
      await make(serverWith());
      const follower = await model.convert('x.py');
      server.change('b1', { state: 'succeeded' });

      await model.refresh();

      expect((await follower.ended).state).toBe('succeeded');
    });
  });
});
