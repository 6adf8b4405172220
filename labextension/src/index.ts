import {
  ILayoutRestorer,
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, Notification } from '@jupyterlab/apputils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStateDB } from '@jupyterlab/statedb';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { Api } from './api';
import { IEvent } from './builds';
import { addCommands, CommandIDs, PALETTE } from './commands';
import { Conversions } from './conversions';
import { memoryOf } from './memory';
import { CourseModel } from './model';
import { inFolder, isPage, openFile, openProblem, openSource } from './opening';
import { Previews } from './previews';
import { CoursePanel, PANEL_ID } from './sidebar';
import { ended } from './words';

export { CommandIDs };

const PLUGIN_ID = 'clx-jupyter:plugin';

/** The panel in the left sidebar, its commands, and the entries in menus and palette. */
const plugin: JupyterFrontEndPlugin<void> = {
  id: PLUGIN_ID,
  description: 'The course builder: a panel in the left sidebar.',
  autoStart: true,
  optional: [
    ICommandPalette,
    ILayoutRestorer,
    ITranslator,
    IDocumentManager,
    IFileBrowserFactory,
    ISettingRegistry,
    IStateDB
  ],
  activate: (
    app: JupyterFrontEnd,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    translator: ITranslator | null,
    documents: IDocumentManager | null,
    browsers: IFileBrowserFactory | null,
    settings: ISettingRegistry | null,
    state: IStateDB | null
  ) => {
    const trans = (translator ?? nullTranslator).load('clx_jupyter');
    const { commands, serviceManager, shell } = app;
    const api = new Api(serviceManager.serverSettings);
    const model = new CourseModel(api, memoryOf(state));
    const previews = new Previews(app, trans, documents);
    const conversions = new Conversions(
      model,
      documents,
      previews,
      commands,
      trans
    );
    const wishes = { saveBeforeBuild: true, notifyWhenDone: true };

    addCommands({
      app,
      model,
      panelId: PANEL_ID,
      documents,
      browsers,
      conversions,
      previews,
      trans,
      saves: () => wishes.saveBeforeBuild
    });

    const folder = () => model.course?.folder ?? '';
    const panel = new CoursePanel({
      model,
      trans,
      commands,
      choose: candidate => void model.choose(candidate.id),
      openOutput: output => {
        if (isPage(output) && model.course) {
          previews.open(model.course.id, output);
        } else if (documents) {
          openFile(documents, output);
        }
      },
      openProblem: problem => {
        if (documents) {
          void openProblem(documents, folder(), problem);
        }
      },
      openSource: source => {
        if (documents) {
          void openSource(documents, inFolder(folder(), source.path));
        }
      }
    });
    shell.add(panel, 'left', { rank: 600, type: 'Course builder' });
    restorer?.add(panel, panel.id);
    for (const command of PALETTE) {
      palette?.addItem({ command, category: trans.__('Course') });
    }

    serviceManager.events.stream.connect((_, event) =>
      model.hear(event as IEvent)
    );
    serviceManager.contents.fileChanged.connect((_, change) => {
      model.touch(change.newValue?.path);
      model.touch(change.oldValue?.path);
    });
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) {
        void model.refresh(); // nobody asked while the page was hidden
      }
    });
    model.ended.connect((_, build) => {
      previews.refresh();
      if (wishes.notifyWhenDone && !panel.isVisible) {
        const failed = build.state === 'failed' || build.state === 'invalid';
        Notification.emit(ended(trans, build), failed ? 'error' : 'success', {
          autoClose: 10_000
        });
      }
    });

    void settings?.load(PLUGIN_ID).then(loaded => {
      const take = () => Object.assign(wishes, loaded.composite);
      loaded.changed.connect(take);
      take();
    });
    void app.restored.then(() => model.start());
  }
};

export default plugin;
