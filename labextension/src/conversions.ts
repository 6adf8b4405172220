import { Notification } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { TranslationBundle } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';

import { IBuild, IOutput, IProblem, ProblemError } from './api';
import { BuildFollower } from './follower';
import { CourseModel } from './model';
import { isPage, openFile, openProblem } from './opening';
import { Previews } from './previews';

/** How long a notification of something that went well stays, in milliseconds. */
const STAYS = 15_000;

/** Converts single notebooks and says how it goes, wherever the user is. */
export class Conversions {
  constructor(
    private _model: CourseModel,
    private _documents: IDocumentManager | null,
    private _previews: Previews,
    private _commands: CommandRegistry,
    private _trans: TranslationBundle
  ) {}

  /** Build one notebook and follow it to its end; never rejects. */
  async convert(path: string): Promise<void> {
    const name = PathExt.basename(path);
    const id = Notification.emit(
      this._trans.__('Converting %1…', name),
      'in-progress',
      { autoClose: false }
    );
    try {
      const follower = await this._model.convert(path);
      follower.changed.connect(() => this._progress(id, name, follower));
      const build = await follower.ended;
      await this._refreshBrowser();
      this._end(id, path, build);
    } catch (error) {
      const problem = error instanceof ProblemError ? error.problem : null;
      this._failed(id, name, problem, PathExt.dirname(path));
    }
  }

  private _progress(id: string, name: string, follower: BuildFollower): void {
    const job = [...follower.jobs.values()].find(
      each => each.state === 'running' && each.cells > 0
    );
    if (job) {
      const { cell, cells } = job;
      const message = this._trans.__(
        'Converting %1… cell %2 of %3',
        name,
        cell,
        cells
      );
      Notification.update({ id, message });
    }
  }

  private _end(id: string, path: string, build: IBuild): void {
    const name = PathExt.basename(path);
    const problems = build.problems ?? [];
    const error = problems.find(problem => problem.severity === 'error');
    if (build.state === 'cancelled') {
      const message = this._trans.__('Converting %1 was cancelled.', name);
      instead(id, message, 'default', { autoClose: STAYS });
    } else if (error || build.error || build.state !== 'succeeded') {
      // Paths of problems count from the folder of the course.
      const single = build.request.single || build.request.sources[0] || name;
      const folder = path.slice(0, path.length - single.length);
      this._failed(id, name, error ?? build.error, folder.replace(/\/$/, ''));
    } else {
      this._succeeded(id, name, build);
    }
  }

  private _succeeded(id: string, name: string, build: IBuild): void {
    const outputs = build.outputs ?? [];
    const shown = outputs.filter(output => output.path !== null);
    const page = shown.find(isPage) ?? shown[0];
    const warnings = (build.problems ?? []).filter(
      problem => problem.severity === 'warning'
    ).length;
    const files = this._trans._n(
      '%2 is converted: %1 file.',
      '%2 is converted: %1 files.',
      outputs.length,
      name
    );
    const warned = this._trans._n('%1 warning.', '%1 warnings.', warnings);
    const message = warnings ? `${files} ${warned}` : files;
    instead(id, message, warnings ? 'warning' : 'success', {
      autoClose: STAYS,
      actions: page ? this._actions(build.course, page) : []
    });
  }

  private _actions(course: string, page: IOutput) {
    const documents = this._documents;
    const open = {
      label: this._trans.__('Open'),
      displayType: 'accent' as const,
      callback: () => {
        if (isPage(page)) {
          this._previews.open(course, page);
        } else if (documents) {
          openFile(documents, page);
        }
      }
    };
    const show = {
      label: this._trans.__('Show Files'),
      callback: () => {
        void this._commands.execute('filebrowser:go-to-path', {
          // The folder that holds the targets, not the depth where one page lies.
          path: (page.path ?? '').slice(0, -page.name.length - 1)
        });
      }
    };
    return [open, show];
  }

  private _failed(
    id: string,
    name: string,
    problem: IProblem | null,
    folder: string
  ): void {
    const documents = this._documents;
    const why = problem
      ? [problem.message.split('\n')[0], problem.hint].filter(Boolean)
      : [this._trans.__('the server did not answer')];
    const open = {
      label: this._trans.__('Show Error'),
      displayType: 'accent' as const,
      callback: () => {
        if (documents && problem) {
          void openProblem(documents, folder, problem);
        }
      }
    };
    const message = this._trans.__(
      '%1 could not be converted whole: %2',
      name,
      why.join(' · ')
    );
    instead(id, message, 'error', {
      autoClose: false,
      actions: documents && problem?.path ? [open] : []
    });
  }

  private async _refreshBrowser(): Promise<void> {
    if (this._commands.hasCommand('filebrowser:refresh')) {
      await this._commands.execute('filebrowser:refresh');
    }
  }
}

/**
 * Say something in place of what a notification says.
 *
 * As one of its own: JupyterLab drops a change of a notification whose toast
 * it has not drawn yet, so that this one would go on converting for ever.
 */
function instead(
  id: string,
  message: string,
  type: Notification.TypeOptions,
  options: Notification.IOptions<null>
): void {
  Notification.dismiss(id);
  Notification.emit(message, type, options);
}
