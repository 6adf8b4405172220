import { nullTranslator } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';
import { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { Widget } from '@lumino/widgets';

import { Api, IBuild, ICourse, IProblem, ITarget } from '../api';
import { CommandIDs } from '../commands';
import { EVENT_SCHEMA } from '../builds';
import { CourseModel } from '../model';
import { CoursePanel, PANEL_ID } from '../sidebar';
import {
  course,
  FakeMemory,
  FakeServer,
  job,
  output,
  problem,
  serverWith,
  settle,
  source,
  startPage,
  target
} from './server';

const HOSTILE = '<img src=x onerror="window.hacked=1">';

describe('CoursePanel', () => {
  let server: FakeServer;
  let model: CourseModel;
  let panel: CoursePanel;
  let opened: string[];
  let executed: string[];
  let given: ReadonlyPartialJSONObject[];

  const show = async (from: FakeServer) => {
    server = from;
    model = new CourseModel(new Api(server.settings), new FakeMemory());
    const commands = new CommandRegistry();
    executed = [];
    given = [];
    Object.values(CommandIDs).forEach(id =>
      commands.addCommand(id, {
        execute: args => {
          executed.push(id);
          given.push(args);
        }
      })
    );
    opened = [];
    panel = new CoursePanel({
      model,
      commands,
      trans: nullTranslator.load('clx_jupyter'),
      choose: candidate => void model.choose(candidate.id),
      openSource: each => opened.push(each.path),
      openOutput: each => opened.push(each.name),
      openProblem: each => opened.push(each.id)
    });
    Widget.attach(panel, document.body);
    await model.start();
    await settle();
  };
  const all = (selector: string) =>
    Array.from(panel.node.querySelectorAll<HTMLElement>(selector));
  const one = (selector: string) => {
    const [found] = all(selector);
    expect(found).toBeDefined();
    return found;
  };
  const texts = (selector: string) =>
    all(selector).map(each => each.textContent);
  const button = (name: string) =>
    all('button').find(each => each.textContent === name) as HTMLButtonElement;
  const buttons = () => texts('.clx-Header button');
  const row = (path: string) => one(`[role=treeitem][data-path="${path}"]`);
  const press = async (key: string) => {
    document.activeElement?.dispatchEvent(
      new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true })
    );
    await settle();
  };
  const click = async (node: HTMLElement) => {
    node.click();
    await settle();
  };
  const change = async (what: Partial<IBuild>) => {
    server.change('b1', what);
    const number = server.builds[0].number;
    model.hear({ schema_id: EVENT_SCHEMA, build: 'b1', number });
    await settle();
  };
  const marks = () => {
    const { view, buildState } = panel.node.dataset;
    return [view, buildState];
  };

  afterEach(() => {
    panel.dispose();
    model.dispose();
  });

  describe('as a part of the application', () => {
    beforeEach(() => show(serverWith(course('one'))));

    it('is a region that a screen reader can name, with the id that saved workspaces know', () => {
      expect(panel.node.getAttribute('role')).toBe('region');
      expect(panel.node.getAttribute('aria-label')).toBe('Course builder');
      expect([panel.id, PANEL_ID]).toEqual([PANEL_ID, 'clx-jupyter-panel']);
    });

    it('has an icon that follows the theme', () => {
      expect(panel.title.icon).toHaveProperty('svgstr');
      expect(panel.title.caption).toBe('Course builder');
    });
  });

  describe('before the first build', () => {
    const made = {
      built: false,
      counts: {
        sources: 40,
        topics: 40,
        sections: 6,
        folders: 6,
        outputs: 160,
        runs: 40
      },
      prog_langs: { python: 29, r: 11 }
    };

    it('of a folder says what there is, and what a build would do', async () => {
      await show(serverWith(course('one', made)));

      const summary = one('.clx-Summary').textContent;
      for (const words of [
        '40 notebooks in 6 folders',
        'Python 29, R 11',
        'students: Solution',
        'about 160 files in output/students/',
        'this runs the code of 40 notebooks'
      ]) {
        expect(summary).toContain(words);
      }
      expect(all('[role=tree]')).toEqual([]);
      expect(marks()).toEqual(['course', 'none']);
      expect(buttons()).toEqual([
        'Build this folder',
        'Build without running',
        'Create course.yaml'
      ]);
    });

    it('of a course file shows its tree at once', async () => {
      await show(serverWith(course('one', { ...made, file: 'course.xml' })));

      expect(all('[role=tree]').length).toBe(1);
      expect(buttons()).toEqual(['Build course']);
    });

    it('builds by command', async () => {
      await show(serverWith(course('one', made)));
      await click(button('Build this folder'));
      await click(button('Build without running'));

      expect(executed).toEqual([
        CommandIDs.buildCourse,
        CommandIDs.buildWithoutRunning
      ]);
    });
  });

  describe('while a build goes on', () => {
    beforeEach(async () => {
      await show(serverWith(course('one')));
      await model.startBuild(true);
      await settle();
    });

    it('shows how far it is', async () => {
      const what = { total: 19, done: 3, failed: 1, left: 12 };
      await change(what);

      const bar = one('[role=progressbar]');
      const value = (name: string) => bar.getAttribute(`aria-${name}`);
      expect(value('label')).toBe('Build progress');
      expect(['valuemin', 'valuenow', 'valuemax'].map(value)).toEqual([
        '0',
        '3',
        '19'
      ]);
      expect(value('valuetext')).toContain('1 failed');
      expect(value('valuetext')).toContain('12 s left');
      expect(one('.clx-Progress-text').textContent).toContain('3 of 19');
      expect(marks()).toEqual(['course', 'running']);
    });

    it('says which full disk it waits for', async () => {
      expect(all('.clx-Paused')).toEqual([]);
      await change({ paused: 'paused: the disk /data (0 B free) is full' });

      expect(one('.clx-Paused').textContent).toContain('the disk /data');
    });

    it('can be cancelled, and not be started again', async () => {
      expect(button('Build course').disabled).toBe(true);
      await click(button('Cancel'));

      expect(executed).toEqual([CommandIDs.cancel]);
    });

    it('shows each source as its job is', async () => {
      await change({
        jobs: [job('0:a.py', 'running', 7, 12), job('0:b.ipynb', 'queued')]
      });

      const { state, cell, cells } = row('a.py').dataset;
      expect([state, cell, cells]).toEqual(['running', '7', '12']);
      expect(row('a.py').textContent).toContain('7 / 12 cells');
      expect(row('b.ipynb').dataset.state).toBe('queued');
      expect(row('b.ipynb').textContent).toContain('queued');
    });

    it('tells a screen reader that it began, and how it ended', async () => {
      const said = () => one('[role=status]').textContent;
      expect(said()).toContain('Building Course one');

      await change({ state: 'succeeded', counts: { built: 4 } });

      expect(said()).toContain('4 files built');
      expect(marks()).toEqual(['course', 'succeeded']);
      expect(all('[role=progressbar]')).toEqual([]);
    });

    it('says that nobody works on it, and lets another one begin', async () => {
      await change({ here: false, holder: null });

      expect(marks()).toEqual(['course', 'interrupted']);
      expect(panel.node.textContent).toContain(
        'This build was interrupted; build again to finish it'
      );
      expect(button('Build course').disabled).toBe(false);
      expect(button('Cancel')).toBeUndefined();
    });
  });

  describe('with states', () => {
    const of = (state: string, reason = '') => {
      const made = source(`${state}.py`, { state, reason });
      return { id: state, title: state, sources: [made] };
    };
    const wrong: Partial<ICourse> = {
      sections: [
        {
          title: 'All',
          topics: [
            of('fresh'),
            of('stale', 'data/words.csv changed'),
            of('missing', 'new'),
            of('failed', 'failed before'),
            of('skipped'),
            of('cancelled'),
            of('withdrawn')
          ]
        }
      ],
      problems: [
        problem('p1', {
          path: 'failed.py',
          class: 'missing-file',
          message: "FileNotFoundError: No such file: 'x.csv'\nmore",
          hint: 'put it beside the notebook',
          cell: 4
        })
      ]
    };

    it('says each of them in words', async () => {
      await show(serverWith(course('one', wrong)));

      const said = (state: string) =>
        row(`${state}.py`).querySelector('.clx-Row-state')?.textContent;
      expect(said('fresh')).toBe('fresh');
      expect(said('stale')).toBe('stale · data/words.csv changed');
      expect(said('missing')).toBe('not built yet');
      // People count cells from 1.
      expect(said('failed')).toBe('FileNotFoundError · cell 5');
      expect(row('skipped.py').dataset.state).toBe('skipped');
    });

    it('shows problems with place and hint, and opens them', async () => {
      await show(serverWith(course('one', wrong)));

      const shown = one('[data-problem=p1]');
      const { class: kind, path, cell } = shown.dataset;
      expect([kind, path, cell]).toEqual(['missing-file', 'failed.py', '4']);
      expect(shown.textContent).toContain('File not found');
      expect(shown.textContent).toContain('failed.py · cell 5');
      expect(shown.textContent).toContain('put it beside the notebook');
      expect(shown.textContent).not.toContain('more');
      await click(shown);
      expect(opened).toEqual(['p1']);
    });

    it('stays usable with hundreds of problems', async () => {
      const many: IProblem[] = [];
      for (let number = 0; number < 300; number++) {
        many.push(problem(`p${number}`, { path: 'failed.py', cell: number }));
      }
      await show(serverWith(course('one', { ...wrong, problems: many })));
      expect(all('[data-problem]').length).toBe(50);
      expect(one('.clx-Problems h3').textContent).toContain('300');

      await click(button('Show all 300'));

      expect(all('[data-problem]').length).toBe(300);
    });

    it('offers to try again what failed', async () => {
      const failed = serverWith(course('one', wrong));
      await show(failed);
      await model.startBuild(true);
      await change({ state: 'failed', failed: 1 });

      await click(button('Retry failed'));

      expect(executed).toEqual([CommandIDs.retryFailed]);
    });
  });

  describe('the tree', () => {
    const topic = (name: string) => ({
      id: name,
      title: name,
      sources: [source(name, { title: name })]
    });
    const focused = () => {
      const { path, section } = (document.activeElement as HTMLElement).dataset;
      return path ?? section;
    };

    beforeEach(async () => {
      const sections = [
        { title: 'First', topics: [topic('alpha'), topic('beta')] },
        { title: 'Second', topics: [topic('gamma')] }
      ];
      await show(serverWith(course('one', { sections })));
      one('[role=treeitem][tabindex="0"]').focus();
    });

    it('is one stop of the Tab key', () => {
      expect(all('[role=treeitem][tabindex="0"]').length).toBe(1);
      expect(all('[role=treeitem]').length).toBe(5);
    });

    it('is walked by arrows, Home and End', async () => {
      const visited = [focused()];
      for (const key of [
        'ArrowDown',
        'End',
        'ArrowUp',
        'Home',
        'ArrowUp',
        'ArrowRight',
        'ArrowLeft'
      ]) {
        await press(key);
        visited.push(focused());
      }
      expect(visited).toEqual([
        'First',
        'alpha',
        'gamma',
        'Second',
        'First',
        'First',
        'alpha',
        'First'
      ]);
    });

    it('folds and unfolds', async () => {
      await press('ArrowLeft');
      expect(texts('[role=treeitem][data-path]').length).toBe(1);
      expect(one('[data-section=First]').getAttribute('aria-expanded')).toBe(
        'false'
      );

      await press('ArrowRight');
      expect(texts('[role=treeitem][data-path]').length).toBe(3);

      await press(' ');
      expect(texts('[role=treeitem][data-path]').length).toBe(1);
      expect(focused()).toBe('First');
    });

    it('finds by letter', async () => {
      await press('g');

      expect(focused()).toBe('gamma');
    });

    it('opens by Enter, selects by Space', async () => {
      await press('ArrowDown');
      await press(' ');
      expect(row('alpha').getAttribute('aria-selected')).toBe('true');
      expect(opened).toEqual([]);

      await press('Enter');
      expect(opened).toEqual(['alpha']);
    });

    it('selects by a click and opens by two', async () => {
      await click(row('beta'));
      expect(row('beta').getAttribute('aria-selected')).toBe('true');
      expect(one('.clx-Outputs h3').textContent).toBe('Outputs of “beta”');

      row('beta').dispatchEvent(new MouseEvent('dblclick', { bubbles: true }));
      expect(opened).toEqual(['beta']);
    });
  });

  describe('what is handed out', () => {
    const kinds = [
      { id: 'completed', label: 'Solution', public: true },
      { id: 'speaker', label: 'Speaker (with notes)', public: false }
    ];
    const targets: ITarget[] = [
      target('students'),
      target('staff', {
        kinds: ['completed', 'speaker'],
        audience: 'private'
      }),
      target('later', { audience: 'solutions' })
    ];
    const outputs = [
      output('a.html'),
      output('b.html', { target: 'staff', state: 'stale' }),
      output('c.html', { target: 'later', state: 'missing' })
    ];
    const topics = [
      { id: 'a', title: 'a', sources: [source('a.py', { outputs })] }
    ];
    const sections = [{ title: 'One', topics }];

    it('says whom each target is for, and gives what is built', async () => {
      await show(serverWith(course('one', { kinds, targets, sections })));

      expect(texts('.clx-Target-whom')).toEqual([
        'for students: Solution',
        'keep private: Speaker',
        'solutions: Solution'
      ]);
      const buttons = all('.clx-Targets button') as HTMLButtonElement[];
      expect(
        buttons.map(each => [each.getAttribute('aria-label'), each.disabled])
      ).toEqual([
        ['Download students (for students)', false],
        ['Download staff (keep private)', false],
        ['Download later (solutions)', true]
      ]);

      await click(buttons[1]);

      expect(executed).toEqual([CommandIDs.download]);
      expect(given).toEqual([{ target: 'staff' }]);
    });

    it('leads to the start page of each target that has one', async () => {
      const pages = [
        startPage('staff/index.html', { target: 'staff', kind: '' }),
        startPage('students/far/index.html', { path: null })
      ];
      await show(
        serverWith(course('one', { kinds, targets, pages, sections }))
      );

      const found = all('.clx-Targets button').filter(
        each => each.textContent === 'Open start page'
      );
      expect(found.map(each => each.getAttribute('aria-label'))).toEqual([
        'Open start page of staff (keep private)'
      ]);

      await click(found[0]);

      expect(executed).toEqual([CommandIDs.openStartPage]);
      expect(given).toEqual([{ target: 'staff' }]);
    });

    it('is nothing before the first build', async () => {
      await show(serverWith(course('one', { built: false })));

      expect(all('.clx-Targets')).toEqual([]);
    });

    it('says before the first build what will be private', async () => {
      await show(
        serverWith(course('one', { built: false, kinds, targets, sections }))
      );

      expect(one('.clx-Summary').textContent).toContain(
        'staff: Solution, Speaker (with notes) · keep private'
      );
    });
  });

  describe('outputs', () => {
    it('are opened where they are there, and say where they are where not', async () => {
      const outputs = [
        output('a.html'),
        output('a.ipynb', { format: 'notebook', state: 'missing' }),
        output('far/a.py', { format: 'code', path: null })
      ];
      const topics = [
        { id: 'a', title: 'a', sources: [source('a.py', { outputs })] }
      ];
      const sections = [{ title: 'All', topics }];
      await show(serverWith(course('one', { sections })));
      await click(row('a.py'));

      const shown = all('[data-output]') as HTMLButtonElement[];
      expect(
        shown.map(each => [each.getAttribute('aria-label'), each.disabled])
      ).toEqual([
        ['Open Solution, Page', false],
        ['Open Solution, Notebook', true],
        ['Open Solution, Code', true]
      ]);
      expect(shown[1].title).toContain('not built yet');
      expect(shown[2].title).toContain('outside');
      await click(shown[0]);
      expect(opened).toEqual(['a.html']);
    });
  });

  describe('without a course', () => {
    it('lists those found, and can build none before one is chosen', async () => {
      await show(serverWith(course('one'), course('two')));

      expect(marks()).toEqual(['choose', 'none']);
      expect(one('ul').getAttribute('aria-label')).toBe('Courses found');
      expect(texts('li button').join()).toMatch(/Course one.*Course two/);
      expect(button('Build course')).toBeUndefined();

      await click(all('li button')[1]);

      expect(one('h2').textContent).toBe('Course two');
      expect(buttons()).toContain('Other course…');
    });

    it('says what to do where there is none', async () => {
      await show(serverWith());

      expect(marks()[0]).toBe('empty');
      expect(panel.node.textContent).toContain('Open as Course');
    });

    it('says how to get the part of the server that is missing', async () => {
      const bare = serverWith();
      bare.missing = true;
      await show(bare);

      expect(marks()[0]).toBe('missing-server');
      expect(one('[role=alert]').textContent).toContain(
        'pip install clx-jupyter'
      );
    });

    it('says why a course cannot be read', async () => {
      const broken = serverWith(course('one'));
      broken.courses.clear();
      await show(broken);

      expect(marks()[0]).toBe('error');
      expect(panel.node.textContent).toContain('no such course');
    });
  });

  it('says that the server is gone, and keeps in sight what was known', async () => {
    await show(serverWith(course('one')));
    server.down = true;
    await model.refresh();
    await settle();
    expect(one('[role=status]').textContent).toBe(
      'No connection to the server; trying again.'
    );
    expect(all('[role=treeitem]').length).toBe(3);

    server.down = false;
    await model.refresh();
    await settle();
    expect(panel.node.textContent).not.toContain('No connection');
  });

  it('shows names as text, whatever they are', async () => {
    const hostile = source(HOSTILE, { title: HOSTILE, reason: HOSTILE });
    const wrong = { path: HOSTILE, message: HOSTILE, hint: HOSTILE };
    await show(
      serverWith(
        course('one', {
          title: HOSTILE,
          sections: [
            {
              title: HOSTILE,
              topics: [{ id: 'x', title: HOSTILE, sources: [hostile] }]
            }
          ],
          problems: [problem('p', wrong)]
        })
      )
    );

    expect(all('img')).toEqual([]);
    expect(one('h2').textContent).toBe(HOSTILE);
    expect(row(HOSTILE.replace(/"/g, '\\"')).textContent).toContain(HOSTILE);
  });
});
