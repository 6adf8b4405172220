import { JupyterFrontEnd } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { CommandRegistry } from '@lumino/commands';
import { Signal } from '@lumino/signaling';
import { Widget } from '@lumino/widgets';

import { EVENT_SCHEMA } from '../builds';
import { PALETTE } from '../commands';
import plugin, { CommandIDs } from '../index';
import { PANEL_ID } from '../sidebar';
import { build, course, serverWith, settle } from './server';

/** As much of an application as the plugin touches. */
function application() {
  const server = serverWith(course('one'));
  const added: Array<[Widget, string]> = [];
  const activated: string[] = [];
  const commands = new CommandRegistry();
  const owner = {};
  const stream = new Signal<object, object>(owner);
  const fileChanged = new Signal<object, object>(owner);
  const app = {
    commands,
    restored: Promise.resolve(),
    serviceManager: {
      serverSettings: server.settings,
      events: { stream },
      contents: { fileChanged }
    },
    shell: {
      add: (widget: Widget, area: string) => added.push([widget, area]),
      activateById: (id: string) => activated.push(id),
      widgets: () => [].values()
    }
  } as unknown as JupyterFrontEnd;
  return { app, server, added, activated, commands, stream, fileChanged };
}

const NOTHING = Array.from({ length: 7 }, () => null);

describe('clx-jupyter:plugin', () => {
  it('adds one panel to the left sidebar, also without its optional parts', async () => {
    const { app, added } = application();

    await plugin.activate(app, ...NOTHING);
    await settle();

    expect(added.map(([widget, area]) => [widget.id, area])).toEqual([
      [PANEL_ID, 'left']
    ]);
    expect(added[0][0].node.dataset.view).toBe('course');
  });

  it('opens the panel by command', async () => {
    const { app, activated, commands } = application();
    await plugin.activate(app, ...NOTHING);

    await commands.execute(CommandIDs.open);

    expect(activated).toEqual([PANEL_ID]);
    expect(commands.label(CommandIDs.open)).toBe('Open Course Builder');
  });

  it('offers its commands under Course and restores the panel', async () => {
    const { app } = application();
    const palette = { addItem: jest.fn() };
    const restorer = { add: jest.fn() };

    await plugin.activate(app, palette, restorer, ...NOTHING.slice(2));

    const listed = palette.addItem.mock.calls.map(([item]) => item);
    expect(listed).toEqual(
      PALETTE.map(command => ({ command, category: 'Course' }))
    );
    expect(restorer.add).toHaveBeenCalledWith(expect.any(Widget), PANEL_ID);
  });

  it('takes events, and says when a build ends behind a hidden panel', async () => {
    const { app, server, added, stream } = application();
    await plugin.activate(app, ...NOTHING);
    await settle();
    server.builds = [build('b1', 'one')];
    stream.emit({ schema_id: EVENT_SCHEMA, build: 'b1', number: 1 });
    await settle();
    const { dataset } = added[0][0].node;
    expect(dataset.buildState).toBe('running');

    server.change('b1', { state: 'succeeded', counts: { built: 3 } });
    stream.emit({ schema_id: EVENT_SCHEMA, build: 'b1', number: 2 });
    await settle();

    expect(dataset.buildState).toBe('succeeded');
    const [said] = Notification.manager.notifications;
    expect([said.type, said.message]).toEqual(['success', '3 files built']);
    Notification.dismiss();
  });

  it('looks again when a file of the course was saved, and when the page is seen again', async () => {
    const { app, server, fileChanged } = application();
    await plugin.activate(app, ...NOTHING);
    await settle();
    const asked = () => server.count('GET', 'courses/one');
    const before = asked();

    fileChanged.emit({ newValue: { path: 'week/a.py' }, oldValue: null });
    await new Promise(resolve => window.setTimeout(resolve, 600));
    expect(asked()).toBe(before + 1);

    document.dispatchEvent(new Event('visibilitychange'));
    await settle();
    expect(asked()).toBe(before + 2);
  });
});
