import { Notification } from '@jupyterlab/apputils';
import { JupyterFrontEnd } from '@jupyterlab/application';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { nullTranslator } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';
import { Widget } from '@lumino/widgets';

import { Api, IBuild } from '../api';
import { EVENT_SCHEMA } from '../builds';
import { Conversions } from '../conversions';
import { CourseModel } from '../model';
import { Previews } from '../previews';
import {
  FakeMemory,
  FakeServer,
  job,
  output,
  problem,
  refused,
  settle
} from './server';

describe('Conversions', () => {
  let server: FakeServer;
  let model: CourseModel;
  let conversions: Conversions;
  let opened: string[];
  let executed: [string, unknown][];

  beforeEach(() => {
    server = new FakeServer();
    model = new CourseModel(new Api(server.settings), new FakeMemory());
    opened = [];
    const documents = {
      openOrReveal: (path: string) => {
        opened.push(path);
        return undefined;
      }
    } as unknown as IDocumentManager;
    executed = [];
    const commands = new CommandRegistry();
    for (const id of ['filebrowser:go-to-path', 'filebrowser:refresh']) {
      commands.addCommand(id, { execute: args => executed.push([id, args]) });
    }
    const trans = nullTranslator.load('clx_jupyter');
    const app = {
      shell: {
        add: (widget: Widget) => opened.push(widget.title.caption),
        activateById: () => undefined
      },
      serviceManager: { serverSettings: server.settings }
    } as unknown as JupyterFrontEnd;
    conversions = new Conversions(
      model,
      documents,
      new Previews(app, trans),
      commands,
      trans
    );
  });

  afterEach(() => {
    model.dispose();
    Notification.dismiss();
  });

  const change = async (what: Partial<IBuild>) => {
    server.change('b1', what);
    const number = server.builds[0].number;
    model.hear({ schema_id: EVENT_SCHEMA, build: 'b1', number });
    await settle();
  };
  const shown = () => Notification.manager.notifications[0];
  const said = () => [shown().type, shown().message];
  const act = (label: string) =>
    shown()
      .options.actions?.find(each => each.label === label)
      ?.callback(new MouseEvent('click'));
  const labels = () => shown().options.actions?.map(each => each.label);

  it('say how far they are, cell by cell', async () => {
    void conversions.convert('week/deck.py');
    await settle();
    expect(said()).toEqual(['in-progress', 'Converting deck.py…']);

    await change({ jobs: [job('0:deck.py', 'running', 3, 7)] });

    expect(said()).toEqual(['in-progress', 'Converting deck.py… cell 3 of 7']);
    await change({ state: 'cancelled' });
  });

  it('offer the page and the files when all went well, and show new files', async () => {
    const done = conversions.convert('week/deck.py');
    await settle();
    await change({
      state: 'succeeded',
      outputs: [
        output('deck.ipynb', { format: 'notebook' }),
        output('deck.html')
      ]
    });
    await done;

    expect(said()).toEqual(['success', 'deck.py is converted: 2 files.']);
    expect(executed).toEqual([['filebrowser:refresh', {}]]);
    act('Open');
    expect(opened).toEqual(['Built page: deck.html']);
    act('Show Files');
    expect(executed[1]).toEqual([
      'filebrowser:go-to-path',
      { path: 'week/output' }
    ]);
  });

  it('say how they ended in a notification of their own', async () => {
    // JupyterLab drops a change of one that it has not drawn yet.
    const done = conversions.convert('week/deck.py');
    await settle();
    const { id } = shown();
    await change({ state: 'succeeded', outputs: [output('deck.html')] });
    await done;

    expect(Notification.manager.count).toBe(1);
    expect(shown().id).not.toBe(id);
  });

  it('lead to the error, relative to the folder of the course', async () => {
    const done = conversions.convert('week/decks/deck.py');
    await settle();
    await change({
      state: 'failed',
      request: { execute: true, sources: ['decks/deck.py'], single: '' },
      problems: [
        problem('w', { severity: 'warning', path: 'decks/deck.py' }),
        problem('e', {
          path: 'decks/deck.py',
          message: 'ZeroDivisionError: division by zero\nat line 3',
          line: 3
        })
      ]
    });
    await done;

    const [type, message] = said();
    expect(type).toBe('error');
    expect(message).toContain('ZeroDivisionError: division by zero');
    expect(message).not.toContain('line 3');
    act('Show Error');
    expect(opened).toEqual(['week/decks/deck.py']);
  });

  it('say why the server refused', async () => {
    server.answer = () => refused(400, 'deck.py is no notebook');

    await conversions.convert('deck.py');

    const [type, message] = said();
    expect([type, labels()]).toEqual(['error', []]);
    expect(message).toContain('deck.py is no notebook');
  });

  it('say that nobody answered', async () => {
    server.down = true;

    await conversions.convert('deck.py');

    expect(said()[0]).toBe('error');
    expect(said()[1]).toContain('the server did not answer');
  });

  it('end also where the record of the build is gone', async () => {
    const done = conversions.convert('deck.py');
    await settle();
    server.builds = [];

    await model.refresh();
    await done;

    expect(shown().message).toBe('Converting deck.py was cancelled.');
  });
});
