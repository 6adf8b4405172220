import { JupyterFrontEnd } from '@jupyterlab/application';
import { CommandRegistry } from '@lumino/commands';
import { Widget } from '@lumino/widgets';

import plugin, { CommandIDs } from '../index';
import { PANEL_ID } from '../sidebar';

/** As much of an application as the plugin touches. */
function application() {
  const added: Array<[Widget, string]> = [];
  const activated: string[] = [];
  const commands = new CommandRegistry();
  const shell = {
    add: (widget: Widget, area: string) => added.push([widget, area]),
    activateById: (id: string) => activated.push(id)
  };
  const app = { commands, shell } as unknown as JupyterFrontEnd;
  return { app, added, activated, commands };
}

describe('clx-jupyter:plugin', () => {
  it('adds one panel to the left sidebar, also without its optional parts', () => {
    const { app, added } = application();

    void plugin.activate(app, null, null, null);

    expect(added.map(([widget, area]) => [widget.id, area])).toEqual([
      [PANEL_ID, 'left']
    ]);
  });

  it('opens the panel by command', async () => {
    const { app, activated, commands } = application();
    void plugin.activate(app, null, null, null);

    await commands.execute(CommandIDs.open);

    expect(activated).toEqual([PANEL_ID]);
    expect(commands.label(CommandIDs.open)).toBe('Open Course Builder');
  });

  it('offers the command under Course and restores the panel', () => {
    const { app } = application();
    const palette = { addItem: jest.fn() };
    const restorer = { add: jest.fn() };

    void plugin.activate(app, palette, restorer, null);

    expect(palette.addItem).toHaveBeenCalledWith({
      command: CommandIDs.open,
      category: 'Course'
    });
    expect(restorer.add).toHaveBeenCalledWith(expect.any(Widget), PANEL_ID);
  });
});
