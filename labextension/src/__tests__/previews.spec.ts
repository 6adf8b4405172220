import { JupyterFrontEnd } from '@jupyterlab/application';
import { MainAreaWidget } from '@jupyterlab/apputils';
import { nullTranslator } from '@jupyterlab/translation';
import { MessageLoop } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';

import { Previews } from '../previews';
import { FakeServer, output } from './server';

describe('Previews', () => {
  let previews: Previews;
  let added: Widget[];
  let activated: string[];

  beforeEach(() => {
    added = [];
    activated = [];
    const app = {
      shell: {
        add: (widget: Widget) => added.push(widget),
        activateById: (id: string) => activated.push(id)
      },
      serviceManager: { serverSettings: new FakeServer().settings }
    } as unknown as JupyterFrontEnd;
    previews = new Previews(app, nullTranslator.load('clx_jupyter'));
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

  it('show a page anew that was closed', () => {
    previews.open('one', output('a.html'));
    added[0].dispose();

    previews.open('one', output('a.html'));

    expect(added.length).toBe(2);
  });
});
