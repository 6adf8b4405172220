import { JupyterFrontEnd } from '@jupyterlab/application';
import { IFrame, MainAreaWidget } from '@jupyterlab/apputils';
import { PathExt, URLExt } from '@jupyterlab/coreutils';
import { TranslationBundle } from '@jupyterlab/translation';
import { Message } from '@lumino/messaging';

import { IOutput } from './api';
import { courseIcon } from './icon';

/** A page in a tab: whoever opens the tab is in the page, so that the keys of slides work at once. */
class PageFrame extends IFrame {
  constructor(title: string) {
    super({ sandbox: ['allow-scripts', 'allow-popups'] });
    this.addClass('clx-Preview');
    this._frame?.setAttribute('title', title);
    this._frame?.setAttribute('allow', 'fullscreen');
  }

  protected onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    this._frame?.focus();
  }

  private get _frame(): HTMLIFrameElement | null {
    return this.node.querySelector('iframe');
  }
}

/**
 * Shows built pages beside the sources.
 *
 * A page runs in an origin of its own, by the attribute here and by the server's header: its scripts work, and reach nothing of
 * JupyterLab's.
 */
export class Previews {
  constructor(
    private _app: JupyterFrontEnd,
    private _trans: TranslationBundle
  ) {}

  /** Show a page, or bring the tab forward that shows it. */
  open(course: string, output: IOutput, label?: string): void {
    const key = `${course} ${output.name}`;
    const known = this._open.get(key);
    if (known && !known.isDisposed) {
      this._app.shell.activateById(known.id);
      return;
    }
    const content = new PageFrame(output.name);
    content.url = this._url(course, output.name);
    const widget = new MainAreaWidget({ content });
    widget.id = `clx-jupyter-preview-${++this._count}`;
    widget.title.label = label ?? PathExt.basename(output.name);
    widget.title.caption = this._trans.__('Built page: %1', output.name);
    widget.title.icon = courseIcon;
    widget.title.closable = true;
    const beside = [...this._open.values()].find(each => each.isAttached);
    this._open.set(key, widget);
    widget.disposed.connect(() => this._open.delete(key));
    this._app.shell.add(
      widget,
      'main',
      beside ? { ref: beside.id, mode: 'tab-after' } : { mode: 'split-right' }
    );
    this._app.shell.activateById(widget.id);
  }

  /** Load all open pages again: they may have been built anew. */
  refresh(): void {
    for (const { content } of this._open.values()) {
      const { url } = content;
      content.url = url;
    }
  }

  private _url(course: string, name: string): string {
    const { baseUrl } = this._app.serviceManager.serverSettings;
    const path = name.split('/').map(encodeURIComponent).join('/');
    return (
      URLExt.join(baseUrl, 'clx/outputs', path) +
      URLExt.objectToQueryString({ course })
    );
  }

  private _count = 0;
  private _open = new Map<string, MainAreaWidget<IFrame>>();
}
