import {
  ILayoutRestorer,
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { courseIcon } from './icon';
import { CoursePanel } from './sidebar';

/** The commands of the course builder. */
export namespace CommandIDs {
  export const open = 'clx-jupyter:open';
}

/** Puts the panel into the left sidebar and the command that shows it into the palette. */
const plugin: JupyterFrontEndPlugin<void> = {
  id: 'clx-jupyter:plugin',
  description: 'The course builder: a panel in the left sidebar.',
  autoStart: true,
  optional: [ICommandPalette, ILayoutRestorer, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('clx_jupyter');
    const panel = new CoursePanel(trans);

    app.shell.add(panel, 'left', { rank: 600, type: 'Course builder' });
    restorer?.add(panel, panel.id);

    app.commands.addCommand(CommandIDs.open, {
      label: trans.__('Open Course Builder'),
      caption: trans.__('Show the course builder in the left sidebar'),
      icon: courseIcon,
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => app.shell.activateById(panel.id)
    });
    palette?.addItem({
      command: CommandIDs.open,
      category: trans.__('Course')
    });
  }
};

export default plugin;
