import { JupyterFrontEnd } from '@jupyterlab/application';
import { IFrame, MainAreaWidget, Notification } from '@jupyterlab/apputils';
import { PathExt, URLExt } from '@jupyterlab/coreutils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { TranslationBundle } from '@jupyterlab/translation';
import { Message } from '@lumino/messaging';

import { Api, ICourse } from './api';
import { courseIcon } from './icon';
import { goalOf, IPage } from './links';
import { openFile } from './opening';

/** What the script in a preview calls the message about a link (`preview.py`). */
const LINK = 'clx-jupyter:link';

/** A page in a tab: whoever opens the tab is in the page, so that the keys of slides work at once. */
class PageFrame extends IFrame {
  constructor(title: string) {
    super({ sandbox: ['allow-scripts', 'allow-popups'] });
    this.addClass('clx-Preview');
    this._frame.setAttribute('title', title);
    this._frame.setAttribute('allow', 'fullscreen');
  }

  /** Show another page, in a new frame: the browser's Back would change an old one behind our back. */
  turnTo(title: string, url: string): void {
    const old = this._frame;
    const focused = document.activeElement === old;
    const next = old.cloneNode() as HTMLIFrameElement;
    next.setAttribute('title', title);
    next.setAttribute('src', url);
    old.replaceWith(next);
    if (focused) {
      next.focus();
    }
  }

  /** Whether a message comes from the page itself. */
  sent(event: MessageEvent): boolean {
    return event.source !== null && event.source === this._frame.contentWindow;
  }

  protected onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    this._frame.focus();
  }

  private get _frame(): HTMLIFrameElement {
    return this.node.querySelector('iframe') as HTMLIFrameElement;
  }
}

/** A tab, and what it shows now. */
interface IShown {
  widget: MainAreaWidget<PageFrame>;
  course: string;
  page: IPage;
}

/**
 * Shows built pages beside the sources.
 *
 * A page runs in an origin of its own, by the attribute here and by the server's header: its scripts work, and reach nothing of
 * JupyterLab's. Of a click on a relative link it tells us the address, and we show what the course has there.
 */
export class Previews {
  constructor(
    private _app: JupyterFrontEnd,
    private _trans: TranslationBundle,
    private _documents: IDocumentManager | null = null
  ) {
    this._api = new Api(_app.serviceManager.serverSettings);
  }

  /** Show a page, or bring the tab forward that shows it. */
  open(course: string, page: IPage, label?: string): void {
    const known = this._open.find(
      each => each.course === course && each.page.name === page.name
    );
    if (known) {
      this._app.shell.activateById(known.widget.id);
      return;
    }
    const content = new PageFrame(page.name);
    content.url = this._url(course, page.name);
    const widget = new MainAreaWidget({ content });
    const shown: IShown = { widget, course, page };
    widget.id = `clx-jupyter-preview-${++this._count}`;
    this._name(shown, label);
    widget.title.icon = courseIcon;
    widget.title.closable = true;
    const beside = this._open.find(each => each.widget.isAttached);
    const listen = (event: MessageEvent) => void this._hear(shown, event);
    window.addEventListener('message', listen);
    this._open.push(shown);
    widget.disposed.connect(() => {
      window.removeEventListener('message', listen);
      this._open = this._open.filter(each => each !== shown);
    });
    this._app.shell.add(
      widget,
      'main',
      beside
        ? { ref: beside.widget.id, mode: 'tab-after' }
        : { mode: 'split-right' }
    );
    this._app.shell.activateById(widget.id);
  }

  /** Load all open pages again: they may have been built anew. */
  refresh(): void {
    for (const { widget, course, page } of this._open) {
      // Without the place in the page that a link led to: a browser would only go there, and load nothing.
      widget.content.url = this._url(course, page.name);
    }
  }

  /** A page says which link was clicked: anybody may send anything. */
  private async _hear(shown: IShown, event: MessageEvent): Promise<void> {
    if (shown.widget.isDisposed || !shown.widget.content.sent(event)) {
      return;
    }
    const data: unknown = event.data;
    const { type, href } = (data ?? {}) as { type?: unknown; href?: unknown };
    if (type === LINK && typeof href === 'string') {
      await this._follow(shown, href);
    }
  }

  private async _follow(shown: IShown, href: string): Promise<void> {
    const { page } = shown;
    let course: ICourse;
    try {
      course = await this._api.course(shown.course);
    } catch {
      this._say(this._trans.__('The course cannot be read just now.'));
      return;
    }
    if (shown.widget.isDisposed || shown.page !== page) {
      return; // another click was quicker
    }
    const goal = goalOf(course, page, href);
    if (goal && 'page' in goal) {
      shown.page = goal.page;
      this._name(shown);
      const { name } = goal.page;
      shown.widget.content.turnTo(
        name,
        this._url(shown.course, name, goal.fragment)
      );
    } else if (goal && this._documents && 'output' in goal) {
      openFile(this._documents, goal.output);
    } else if (goal && 'path' in goal && (await this._has(goal.path))) {
      this._documents?.openOrReveal(goal.path);
    } else {
      this._say(this._trans.__('There is nothing built at %1.', href));
    }
  }

  private async _has(path: string): Promise<boolean> {
    try {
      const { contents } = this._app.serviceManager;
      return (
        (await contents.get(path, { content: false })).type !== 'directory'
      );
    } catch {
      return false;
    }
  }

  private _say(words: string): void {
    Notification.info(words, { autoClose: 5_000 });
  }

  private _name({ widget, page }: IShown, label?: string): void {
    widget.title.label = label ?? PathExt.basename(page.name);
    widget.title.caption = this._trans.__('Built page: %1', page.name);
  }

  private _url(course: string, name: string, fragment = ''): string {
    const { baseUrl } = this._app.serviceManager.serverSettings;
    const path = name.split('/').map(encodeURIComponent).join('/');
    return (
      URLExt.join(baseUrl, 'clx/outputs', path) +
      URLExt.objectToQueryString({ course }) +
      (fragment && `#${fragment}`)
    );
  }

  private _api: Api;
  private _count = 0;
  private _open: IShown[] = [];
}
