import { JupyterFrontEnd } from '@jupyterlab/application';
import { MainAreaWidget, Notification } from '@jupyterlab/apputils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { nullTranslator } from '@jupyterlab/translation';
import { MessageLoop } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';

import { Previews } from '../previews';
import {
  course,
  FakeServer,
  output,
  settle,
  source,
  startPage
} from './server';

describe('Previews', () => {
  let previews: Previews;
  let added: Widget[];
  let activated: string[];
  let documents: string[];
  let there: string[];
  let server: FakeServer;

  beforeEach(() => {
    added = [];
    activated = [];
    documents = [];
    there = [];
    server = new FakeServer();
    const app = {
      shell: {
        add: (widget: Widget) => added.push(widget),
        activateById: (id: string) => activated.push(id)
      },
      serviceManager: {
        serverSettings: server.settings,
        contents: {
          get: async (path: string) => {
            if (!there.includes(path)) {
              throw new Error('404');
            }
            return { type: 'file' };
          }
        }
      }
    } as unknown as JupyterFrontEnd;
    const manager = {
      openOrReveal: (path: string) => documents.push(path)
    } as unknown as IDocumentManager;
    previews = new Previews(app, nullTranslator.load('clx_jupyter'), manager);
  });

  afterEach(() => added.forEach(each => each.dispose()));

  const frame = (of: Widget) =>
    of.node.querySelector('iframe') as HTMLIFrameElement;

  it('show a page from below the base URL, with a name of any kind', () => {
    previews.open('one', output('students/a b/50%?.html'));

    const url = new URL(frame(added[0]).src);
    expect(url.pathname).toBe(
      '/lab-base/clx/outputs/students/a%20b/50%25%3F.html'
    );
    expect(url.searchParams.get('course')).toBe('one');
    expect(frame(added[0]).title).toBe('students/a b/50%?.html');
  });

  it('keep the page apart from JupyterLab', () => {
    previews.open('one', output('a.html'));

    expect(frame(added[0]).getAttribute('sandbox')).toBe(
      'allow-scripts allow-popups'
    );
  });

  it('take the keys, and may fill the screen: slides need both', () => {
    previews.open('one', output('a.slides.html', { format: 'slides' }));
    Widget.attach(added[0], document.body);

    (added[0] as MainAreaWidget).content.activate();
    MessageLoop.flush();

    expect(document.activeElement).toBe(frame(added[0]));
    expect(frame(added[0]).getAttribute('allow')).toBe('fullscreen');
  });

  it('show each page once', () => {
    previews.open('one', output('a.html'));
    previews.open('one', output('b.html'));
    previews.open('one', output('a.html'));

    expect(added.map(each => each.title.label)).toEqual(['a.html', 'b.html']);
    const [a, b] = added.map(each => each.id);
    expect(activated).toEqual([a, b, a]);
  });

  describe('a click on a link', () => {
    const topics = () => [
      { id: 'a', title: 'a', sources: [source('a.py', { outputs })] }
    ];
    const outputs = [
      output('students/html/a.html'),
      output('students/html/two/b c.html'),
      output('students/html/gone.html', { state: 'missing' }),
      output('students/nb/a.ipynb', { format: 'notebook' }),
      output('staff/html/a.html', { target: 'staff' })
    ];
    const pages = [startPage('students/html/index.html')];
    const src = () => new URL(frame(added[0]).src);

    /** What the page of the tab says, or *source* in its place. */
    const say = async (data: unknown, from?: Window | null) => {
      const source = from === undefined ? frame(added[0]).contentWindow : from;
      window.dispatchEvent(new MessageEvent('message', { data, source }));
      await settle();
    };
    const follow = (href: string) => say({ type: 'clx-jupyter:link', href });
    const messages = () =>
      Notification.manager.notifications.map(each => each.message);

    beforeEach(() => {
      const sections = [{ title: 'One', topics: topics() }];
      server.courses.set('one', course('one', { pages, sections }));
      previews.open('one', outputs[0]);
      Widget.attach(added[0], document.body);
    });

    afterEach(() => Notification.dismiss());

    it('shows the page in the same tab, and the next counts from there', async () => {
      await follow('two/b%20c.html#part');
      expect(src().pathname).toBe(
        '/lab-base/clx/outputs/students/html/two/b%20c.html'
      );
      expect(src().hash).toBe('#part');
      expect(added[0].title.label).toBe('b c.html');
      expect(frame(added[0]).title).toBe('students/html/two/b c.html');

      await follow('../index.html');
      expect(src().pathname).toBe(
        '/lab-base/clx/outputs/students/html/index.html'
      );
      expect(added[0].title.caption).toBe(
        'Built page: students/html/index.html'
      );
      expect(added.length).toBe(1);
      expect(frame(added[0]).getAttribute('sandbox')).toBe(
        'allow-scripts allow-popups'
      );
    });

    it('opens a built notebook, and a file that is there, as what it is', async () => {
      there = ['week/output/students/data.csv'];

      await follow('../nb/a.ipynb');
      await follow('../data.csv');

      expect(documents).toEqual([
        'week/output/students/nb/a.ipynb',
        'week/output/students/data.csv'
      ]);
    });

    it.each([
      'gone.html',
      'no.csv',
      '../../staff/html/a.html',
      '../../../secret.ipynb',
      '/students/html/index.html',
      '..%2f..%2fstaff/html/a.html',
      'two\\b c.html',
      '%',
      '%00',
      'https://example.com/a.html',
      'javascript:alert(1)'
    ])('goes nowhere else: %s', async href => {
      there = ['week/secret.ipynb', 'week/output/staff/html/a.html'];
      const before = src().href;

      await follow(href);

      expect(src().href).toBe(before);
      expect(documents).toEqual([]);
      expect(messages()).toEqual([`There is nothing built at ${href}.`]);
    });

    it('counts only where the page itself says it', async () => {
      const before = src().href;
      const asked = server.requests.length;

      const href = 'two/b%20c.html';
      await say({ type: 'clx-jupyter:link', href }, window);
      await say({ type: 'clx-jupyter:link', href }, null);
      await say({ type: 'another', href });
      await say({ type: 'clx-jupyter:link', href: 1 });
      await say(null);
      await say('text');

      expect(src().href).toBe(before);
      expect(server.requests.length).toBe(asked);
      expect(messages()).toEqual([]);
    });
  });

  it('show a page anew that was closed', () => {
    previews.open('one', output('a.html'));
    added[0].dispose();

    previews.open('one', output('a.html'));

    expect(added.length).toBe(2);
  });
});
