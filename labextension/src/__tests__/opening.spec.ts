import { IDocumentManager } from '@jupyterlab/docmanager';
import { IDocumentWidget } from '@jupyterlab/docregistry';
import { NotebookPanel } from '@jupyterlab/notebook';
import { NBTestUtils } from '@jupyterlab/notebook/lib/testutils';

import {
  isPage,
  openFile,
  openProblem,
  openSource,
  saveOpen
} from '../opening';
import { output, problem } from './server';

/** Notes what is opened how, and gives the widgets it was made with. */
class Documents {
  opened: [string, string | undefined][] = [];

  constructor(private _widget?: unknown) {}

  openOrReveal(path: string, factory?: string): IDocumentWidget | undefined {
    this.opened.push([path, factory]);
    return this._widget as IDocumentWidget | undefined;
  }

  get asManager(): IDocumentManager {
    return this as unknown as IDocumentManager;
  }
}

describe('openSource', () => {
  it.each([
    ['week/a.ipynb', 'Notebook'],
    ['week/a.py', 'Editor'],
    ['week/a.md', 'Editor']
  ])('opens %s in the %s', async (path, factory) => {
    const documents = new Documents();

    await openSource(documents.asManager, path);

    expect(documents.opened).toEqual([[path, factory]]);
  });
});

describe('openFile', () => {
  it.each([
    ['notebook', 'x.ipynb', 'Notebook'],
    ['code', 'x.py', 'Editor'],
    ['pdf', 'x.pdf', undefined],
    ['slides-pdf', 'x.slides.pdf', undefined]
  ])('opens %s as people work on it', (format, path, factory) => {
    const documents = new Documents();

    openFile(documents.asManager, output(path, { format, path }));

    expect(documents.opened).toEqual([[path, factory]]);
  });

  it('cannot open what the server does not show', () => {
    const documents = new Documents();

    openFile(documents.asManager, output('x.py', { path: null }));

    expect(documents.opened).toEqual([]);
  });

  it('is not for pages', () => {
    const formats = ['html', 'slides', 'notebook', 'code', 'pdf', 'slides-pdf'];

    const pages = formats.filter(format => isPage(output('x', { format })));

    expect(pages).toEqual(['html', 'slides']);
  });
});

describe('openProblem', () => {
  describe('in a text', () => {
    const calls: unknown[] = [];
    const editor = {
      setCursorPosition: (position: unknown) => calls.push(position),
      revealPosition: (position: unknown) => calls.push(position),
      focus: () => calls.push('focus')
    };
    const text = { content: { editor }, context: { ready: Promise.resolve() } };

    beforeEach(() => {
      calls.length = 0;
    });

    it('goes to the line, which people count from 1', async () => {
      const documents = new Documents(text);
      const where = { path: 'decks/a.py', cell: 3, line: 12 };

      await openProblem(documents.asManager, 'a course', problem('p', where));

      expect(documents.opened).toEqual([['a course/decks/a.py', 'Editor']]);
      const position = { line: 11, column: 0 };
      expect(calls).toEqual([position, position, 'focus']);
    });

    it('stays at the top where no line is told', async () => {
      const documents = new Documents(text);

      await openProblem(
        documents.asManager,
        '',
        problem('p', { path: 'a.py' })
      );

      expect(documents.opened).toEqual([['a.py', 'Editor']]);
      expect(calls).toEqual([]);
    });
  });

  describe('in a notebook', () => {
    let panel: NotebookPanel;

    beforeEach(async () => {
      // The mocked document warns about its own making.
      jest.spyOn(console, 'warn').mockImplementation(() => undefined);
      const context = await NBTestUtils.createMockContext();
      panel = NBTestUtils.createNotebookPanel(context);
      context.model.fromJSON({
        nbformat: 4,
        nbformat_minor: 5,
        metadata: {},
        cells: ['zero', 'one', 'two', 'three'].map(id => ({
          id,
          cell_type: 'code',
          metadata: {},
          source: `${id} = 1\n1 / 0`,
          outputs: [],
          execution_count: null
        }))
      });
      // The rest of a document widget settles without a server.
      Object.defineProperty(panel, 'revealed', { value: Promise.resolve() });
      Object.defineProperty(context, 'ready', { value: Promise.resolve() });
    });

    afterEach(() => {
      panel.dispose();
      jest.restoreAllMocks();
    });

    const open = (cell: number | null, cell_id: string | null) =>
      openProblem(
        new Documents(panel).asManager,
        '',
        problem('p', { path: 'a.ipynb', cell, cell_id })
      );

    it('goes to the cell, in command mode', async () => {
      panel.content.mode = 'edit';

      await open(2, null);

      expect(panel.content.activeCellIndex).toBe(2);
      expect(panel.content.mode).toBe('command');
    });

    it('finds the cell by its id where cells were inserted since', async () => {
      await open(1, 'three');

      expect(panel.content.activeCellIndex).toBe(3);
    });

    it('keeps to the index where the id is gone', async () => {
      await open(1, 'gone');

      expect(panel.content.activeCellIndex).toBe(1);
    });

    it('leaves the selection alone where the cell is gone', async () => {
      await open(9, null);

      expect(panel.content.activeCellIndex).toBe(0);
    });
  });

  it('opens nothing where no file is meant', async () => {
    const documents = new Documents();

    await openProblem(documents.asManager, '', problem('p'));

    expect(documents.opened).toEqual([]);
  });
});

describe('saveOpen', () => {
  it('saves what is open, changed, ours and may be written, once for each document', async () => {
    const saved: string[] = [];
    const context = (path: string, dirty: boolean, readOnly = false) => ({
      path,
      model: { dirty, readOnly },
      save: async () => saved.push(path)
    });
    const twice = context('a.py', true);
    const contexts = [
      twice,
      twice,
      context('b.py', false),
      context('c.py', true, true),
      context('elsewhere.py', true),
      undefined
    ];
    const documents = {
      contextForWidget: (widget: { id: string }) => contexts[Number(widget.id)]
    } as unknown as IDocumentManager;
    const widgets = contexts.map((_, index) => ({ id: String(index) }));

    await saveOpen(documents, widgets, new Set(['a.py', 'b.py', 'c.py']));

    expect(saved).toEqual(['a.py']);
  });
});
