import { JupyterFrontEnd } from '@jupyterlab/application';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { FileBrowser, IFileBrowserFactory } from '@jupyterlab/filebrowser';
import { TranslationBundle } from '@jupyterlab/translation';
import { downloadIcon, refreshIcon, stopIcon } from '@jupyterlab/ui-components';
import { CommandRegistry } from '@lumino/commands';
import { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import { Conversions } from './conversions';
import { download } from './downloads';
import { courseIcon } from './icon';
import { CourseModel } from './model';
import { inFolder, openSource, saveOpen } from './opening';
import { Previews } from './previews';
import { openStartPage, targetsWithStart } from './starts';

/** The commands of the course builder. */
export namespace CommandIDs {
  export const open = 'clx-jupyter:open';
  export const buildCourse = 'clx-jupyter:build-course';
  export const buildWithoutRunning = 'clx-jupyter:build-without-running';
  export const cancel = 'clx-jupyter:cancel';
  export const retryFailed = 'clx-jupyter:retry-failed';
  export const chooseCourse = 'clx-jupyter:choose-course';
  export const openCourse = 'clx-jupyter:open-course';
  export const convert = 'clx-jupyter:convert';
  export const createCourseFile = 'clx-jupyter:create-course-file';
  export const download = 'clx-jupyter:download';
  export const openStartPage = 'clx-jupyter:open-start-page';
}

/** Those that the palette lists; the others are about a selection in the file browser. */
export const PALETTE = [
  CommandIDs.open,
  CommandIDs.buildCourse,
  CommandIDs.buildWithoutRunning,
  CommandIDs.cancel,
  CommandIDs.retryFailed,
  CommandIDs.download,
  CommandIDs.openStartPage,
  CommandIDs.chooseCourse,
  CommandIDs.createCourseFile
];

/** Suffixes of notebooks and of text that may be one; only the server can tell for sure. */
const SOURCE = /\.(ipynb|py|md|cpp|c|cs|java|ts|rs|r|jl)$/i;

/** What the commands work on. */
export interface ICommandOptions {
  app: JupyterFrontEnd;
  model: CourseModel;
  panelId: string;
  documents: IDocumentManager | null;
  browsers: IFileBrowserFactory | null;
  conversions: Conversions;
  previews: Previews;
  trans: TranslationBundle;
  /** Whether open documents are saved before they are built. */
  saves: () => boolean;
}

const NO_ARGUMENTS = { args: { type: 'object' as const, properties: {} } };

/** Add all commands to the registry of the application. */
export function addCommands(options: ICommandOptions): void {
  const { app, model, panelId, conversions, previews, trans } = options;
  const { commands } = app;

  const add = (id: string, command: CommandRegistry.ICommandOptions) =>
    commands.addCommand(id, { describedBy: NO_ARGUMENTS, ...command });

  const target = {
    args: {
      type: 'object' as const,
      properties: {
        target: {
          type: 'string' as const,
          description: trans.__('The name of a target; without it, ask')
        }
      }
    }
  };
  const named = ({ target }: ReadonlyPartialJSONObject) =>
    typeof target === 'string' ? target : undefined;

  const build = async (execute: boolean) => {
    app.shell.activateById(panelId);
    await saveSources(options);
    await model.startBuild(execute);
  };
  const canBuild = () =>
    model.course !== null && !model.busy && !model.building;

  add(CommandIDs.open, {
    label: trans.__('Open Course Builder'),
    caption: trans.__('Show the course builder in the sidebar'),
    icon: courseIcon,
    execute: () => app.shell.activateById(panelId)
  });
  add(CommandIDs.buildCourse, {
    label: trans.__('Build Course'),
    caption: trans.__('Build everything of the course that changed'),
    icon: courseIcon,
    isEnabled: canBuild,
    execute: () => build(true)
  });
  add(CommandIDs.buildWithoutRunning, {
    label: trans.__('Build Course Without Running'),
    caption: trans.__('Build the course from kept results; no code runs'),
    isEnabled: canBuild,
    execute: () => build(false)
  });
  add(CommandIDs.cancel, {
    label: trans.__('Cancel Build'),
    caption: trans.__('End the build; what is finished stays'),
    icon: stopIcon,
    isEnabled: () => model.building && !model.busy,
    execute: () => model.cancel()
  });
  add(CommandIDs.retryFailed, {
    label: trans.__('Retry Failed'),
    caption: trans.__('Build again what failed in this course'),
    icon: refreshIcon,
    isEnabled: canBuild,
    execute: async () => {
      await saveSources(options);
      await model.retry();
    }
  });
  add(CommandIDs.createCourseFile, {
    label: trans.__('Create course.yaml'),
    caption: trans.__(
      'Write down what was found in this folder, to change it: order, titles, who gets what'
    ),
    icon: courseIcon,
    isEnabled: () => canBuild() && model.course?.file === '',
    execute: async () => {
      app.shell.activateById(panelId);
      const path = await model.createCourseFile();
      if (path !== null && options.documents) {
        await openSource(options.documents, path);
      }
    }
  });
  add(CommandIDs.download, {
    label: trans.__('Download Archive…'),
    caption: trans.__(
      'Download all that was built for students, or for others, as one archive'
    ),
    describedBy: target,
    icon: downloadIcon,
    isEnabled: () => model.course?.built === true,
    execute: args => download(model, trans, named(args))
  });
  add(CommandIDs.openStartPage, {
    label: trans.__('Open Start Page…'),
    caption: trans.__(
      'Show the page by which students, or others, enter the built course'
    ),
    describedBy: target,
    icon: courseIcon,
    isEnabled: () =>
      model.course !== null && targetsWithStart(model.course).length > 0,
    execute: args => openStartPage(model.course, previews, trans, named(args))
  });
  add(CommandIDs.chooseCourse, {
    label: trans.__('Choose Course…'),
    caption: trans.__('List the courses in the folder of this server'),
    isEnabled: () => model.view !== 'missing-server',
    execute: () => {
      app.shell.activateById(panelId);
      return model.leave();
    }
  });
  add(CommandIDs.openCourse, {
    label: trans.__('Open as Course'),
    caption: trans.__('Show this folder in the course builder'),
    icon: courseIcon,
    isVisible: () => selection(options).length === 1,
    execute: () => {
      const [folder] = selection(options);
      app.shell.activateById(panelId);
      return folder && model.look(folder.path);
    }
  });
  add(CommandIDs.convert, {
    label: trans.__('Convert with Course Builder'),
    caption: trans.__('Build all versions of this notebook'),
    icon: courseIcon,
    isVisible: () => {
      const items = selection(options);
      return items.length > 0 && items.every(item => SOURCE.test(item.path));
    },
    execute: async () => {
      const paths = selection(options).map(item => item.path);
      await save(options, new Set(paths));
      for (const path of paths) {
        await conversions.convert(path);
      }
    }
  });

  model.changed.connect(() => commands.notifyCommandChanged());
}

/** What is selected in the file browser that has the focus. */
function selection(options: ICommandOptions): { path: string }[] {
  const browser: FileBrowser | null =
    options.browsers?.tracker.currentWidget ?? null;
  return browser ? [...browser.selectedItems()] : [];
}

/** Save open sources of the course. */
async function saveSources(options: ICommandOptions): Promise<void> {
  const course = options.model.course;
  const sections = course?.sections ?? [];
  const sources = sections.flatMap(section =>
    section.topics.flatMap(topic => topic.sources)
  );
  const folder = course?.folder ?? '';
  await save(
    options,
    new Set(sources.map(source => inFolder(folder, source.path)))
  );
}

async function save(
  options: ICommandOptions,
  paths: ReadonlySet<string>
): Promise<void> {
  if (options.documents && options.saves()) {
    await saveOpen(options.documents, options.app.shell.widgets('main'), paths);
  }
}
