import { JupyterFrontEnd } from '@jupyterlab/application';
import { IFrame, MainAreaWidget, Notification } from '@jupyterlab/apputils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import { nullTranslator } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';

import { Api } from '../api';
import { addCommands, CommandIDs, PALETTE } from '../commands';
import { Conversions } from '../conversions';
import { CourseModel } from '../model';
import { Previews } from '../previews';
import {
  course,
  FakeMemory,
  FakeServer,
  serverWith,
  settle,
  startPage
} from './server';

describe('The commands', () => {
  let server: FakeServer;
  let model: CourseModel;
  let commands: CommandRegistry;
  let activated: string[];
  let saved: string[];
  let opened: string[];
  let selected: string[];
  let shown: string[];
  let saves: boolean;

  const set = async (from: FakeServer) => {
    server = from;
    model = new CourseModel(new Api(server.settings), new FakeMemory());
    commands = new CommandRegistry();
    activated = [];
    saved = [];
    opened = [];
    selected = [];
    shown = [];
    saves = true;
    const open = ['week/a.py', 'elsewhere/a.py'];
    const documents = {
      contextForWidget: ({ id }: { id: string }) => ({
        path: id,
        model: { dirty: true, readOnly: false },
        save: async () => saved.push(id)
      }),
      openOrReveal: (path: string) => {
        opened.push(path);
        return undefined;
      }
    } as unknown as IDocumentManager;
    const browser = {
      selectedItems: () => selected.map(path => ({ path })).values()
    };
    const trans = nullTranslator.load('clx_jupyter');
    const app = {
      commands,
      shell: {
        add: (widget: MainAreaWidget<IFrame>) => {
          const { pathname } = new URL(widget.content.url);
          shown.push(pathname.replace('/lab-base/clx/outputs/', ''));
        },
        activateById: (id: string) => activated.push(id),
        widgets: () => open.map(id => ({ id })).values()
      },
      serviceManager: { serverSettings: server.settings }
    } as unknown as JupyterFrontEnd;
    const previews = new Previews(app, trans);
    addCommands({
      app,
      model,
      panelId: 'panel',
      documents,
      browsers: {
        tracker: { currentWidget: browser }
      } as unknown as IFileBrowserFactory,
      previews,
      conversions: new Conversions(model, documents, previews, commands, trans),
      trans,
      saves: () => saves
    });
    await model.start();
    await settle();
  };
  const enabled = () => PALETTE.filter(id => commands.isEnabled(id));

  afterEach(() => {
    model.dispose();
    Notification.dismiss();
  });

  it('all have a label, a caption, and say which arguments they take', async () => {
    await set(serverWith());

    for (const id of Object.values(CommandIDs)) {
      expect(commands.label(id)).not.toBe('');
      expect(commands.caption(id)).not.toBe('');
      expect(await commands.describedBy(id)).toHaveProperty('args.type');
    }
  });

  it('build nothing while there is no course', async () => {
    await set(serverWith());

    expect(enabled()).toEqual([CommandIDs.open, CommandIDs.chooseCourse]);
  });

  it('build, and then cancel', async () => {
    await set(serverWith(course('one')));
    expect(enabled()).toContain(CommandIDs.buildCourse);
    expect(enabled()).not.toContain(CommandIDs.cancel);

    await commands.execute(CommandIDs.buildWithoutRunning);

    const asked = server.requests.find(each => each.method === 'POST');
    expect(asked?.body.execute).toBe(false);
    expect(activated).toEqual(['panel']);
    expect(enabled()).toContain(CommandIDs.cancel);
    expect(enabled()).not.toContain(CommandIDs.buildCourse);

    await commands.execute(CommandIDs.cancel);
    await settle();

    expect(model.build?.state).toBe('cancelled');
    expect(enabled()).toContain(CommandIDs.buildCourse);
  });

  it('open the start page of a target', async () => {
    await set(serverWith(course('one')));
    expect(enabled()).not.toContain(CommandIDs.openStartPage);

    const pages = [
      startPage('students/index.html', { kind: '' }),
      startPage('students/completed/html/index.html')
    ];
    await set(serverWith(course('one', { pages })));
    expect(enabled()).toContain(CommandIDs.openStartPage);
    await commands.execute(CommandIDs.openStartPage);
    await commands.execute(CommandIDs.openStartPage, { target: 'staff' });

    expect(shown).toEqual(['students/index.html']);
  });

  it('save open sources of the course before they build it', async () => {
    await set(serverWith(course('one')));

    await commands.execute(CommandIDs.buildCourse);

    expect(saved).toEqual(['week/a.py']);
  });

  it('save nothing where the user does not want it', async () => {
    await set(serverWith(course('one')));
    saves = false;

    await commands.execute(CommandIDs.buildCourse);

    expect(saved).toEqual([]);
    expect(server.count('POST', 'builds')).toBe(1);
  });

  it.each([
    [['week/a.ipynb'], true],
    [['a.py', 'b.md', 'c.R'], true],
    [['a.py', 'b.png'], false],
    [['data.csv'], false],
    [[], false]
  ])('offer to convert %j: %s', async (paths, visible) => {
    await set(serverWith());
    selected = paths;

    expect(commands.isVisible(CommandIDs.convert)).toBe(visible);
  });

  it('convert what is selected', async () => {
    await set(serverWith());
    selected = ['week/a.py'];

    void commands.execute(CommandIDs.convert);
    await settle();

    const asked = server.requests.filter(each => each.route === 'convert');
    expect(asked.map(each => each.body.path)).toEqual(['week/a.py']);
    expect(saved).toEqual(['week/a.py']);
  });

  it('open a folder as a course, and only one at a time', async () => {
    await set(serverWith(course('one')));
    selected = ['week', 'other'];
    expect(commands.isVisible(CommandIDs.openCourse)).toBe(false);

    selected = ['week'];
    expect(commands.isVisible(CommandIDs.openCourse)).toBe(true);
    await commands.execute(CommandIDs.openCourse);

    expect(server.requests.some(each => each.query.path === 'week')).toBe(true);
    expect([model.course?.id, activated]).toEqual(['one', ['panel']]);
  });

  it('write the course file of a folder, show its course and open it', async () => {
    await set(serverWith(course('one')));
    expect(enabled()).toContain(CommandIDs.createCourseFile);

    await commands.execute(CommandIDs.createCourseFile);

    expect([model.course?.id, model.course?.file]).toEqual([
      'one-file',
      'course.yaml'
    ]);
    expect(opened).toEqual(['course.yaml']);
    expect(activated).toEqual(['panel']);
    expect(enabled()).not.toContain(CommandIDs.createCourseFile);
  });

  it('open no course file where none was written', async () => {
    await set(serverWith(course('one')));
    server.courses.set('one', course('one', { file: 'course.yaml' }));

    await commands.execute(CommandIDs.createCourseFile);

    expect(model.error?.message).toBe('there is a course.yaml already');
    expect(opened).toEqual([]);
  });

  it('list the courses again', async () => {
    await set(serverWith(course('one')));

    await commands.execute(CommandIDs.chooseCourse);

    expect(model.view).toBe('choose');
  });
});
