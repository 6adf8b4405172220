import { CodeEditor } from '@jupyterlab/codeeditor';
import { PathExt } from '@jupyterlab/coreutils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { IDocumentWidget } from '@jupyterlab/docregistry';
import { NotebookPanel } from '@jupyterlab/notebook';

import { IOutput, IProblem } from './api';

/** JupyterLab's names of the ways to open a file. */
const NOTEBOOK = 'Notebook';
const EDITOR = 'Editor';

function isNotebook(path: string): boolean {
  return PathExt.extname(path) === '.ipynb';
}

/** The contents path of a path relative to the course's root. */
export function inFolder(folder: string, path: string): string {
  return PathExt.join(folder, path);
}

/** Open a source as its author writes it: text as text, whatever else may open it. */
export async function openSource(
  documents: IDocumentManager,
  path: string
): Promise<IDocumentWidget | undefined> {
  const factory = isNotebook(path) ? NOTEBOOK : EDITOR;
  const widget = documents.openOrReveal(path, factory);
  await widget?.context.ready;
  return widget;
}

/** Open the place of a problem: its cell in a notebook, its line in a text. */
export async function openProblem(
  documents: IDocumentManager,
  folder: string,
  problem: IProblem
): Promise<void> {
  if (problem.path === null) {
    return;
  }
  const path = inFolder(folder, problem.path);
  const widget = await openSource(documents, path);
  if (widget instanceof NotebookPanel) {
    await showCell(widget, problem);
  } else if (widget && problem.line !== null) {
    showLine(widget, problem.line);
  }
}

async function showCell(
  panel: NotebookPanel,
  problem: IProblem
): Promise<void> {
  await panel.revealed;
  const { content } = panel;
  const cells = content.widgets;
  const byId = cells.findIndex(
    cell => problem.cell_id !== null && cell.model.id === problem.cell_id
  );
  // Ids move with their cells; the index is right as long as nothing was inserted since.
  const index = byId >= 0 ? byId : (problem.cell ?? -1);
  if (index < 0 || index >= cells.length) {
    return;
  }
  content.deselectAll();
  content.activeCellIndex = index;
  content.mode = 'command';
  await content.scrollToItem(index, 'center');
  const cell = content.activeCell;
  if (cell && problem.line !== null) {
    await cell.ready;
    const line = problem.line - 1;
    cell.editor?.setCursorPosition({ line, column: 0 });
  }
  content.activate();
}

function showLine(widget: IDocumentWidget, line: number): void {
  const { editor } = widget.content as unknown as {
    editor?: CodeEditor.IEditor;
  };
  if (editor) {
    const position = { line: Math.max(0, line - 1), column: 0 };
    editor.setCursorPosition(position);
    editor.revealPosition(position);
    editor.focus();
  }
}

/** Whether an output is a page, which is previewed; every other one is opened as the file it is. */
export function isPage(output: IOutput): boolean {
  return output.format === 'html' || output.format === 'slides';
}

/** How a built file is opened: what is no text, such as a PDF, as JupyterLab does it by itself. */
function factoryOf(output: IOutput): string | undefined {
  if (output.format === 'notebook') {
    return NOTEBOOK;
  }
  return output.format === 'code' ? EDITOR : undefined;
}

/** Open a built notebook, text or PDF. */
export function openFile(
  documents: IDocumentManager,
  output: IOutput
): IDocumentWidget | undefined {
  return output.path === null
    ? undefined
    : documents.openOrReveal(output.path, factoryOf(output));
}

/** Save these files where they are open and changed, so that what is on the screen is what is built. */
export async function saveOpen(
  documents: IDocumentManager,
  widgets: Iterable<{ id: string }>,
  paths: ReadonlySet<string>
): Promise<void> {
  const contexts = new Set(
    [...widgets].map(widget =>
      documents.contextForWidget(widget as IDocumentWidget)
    )
  );
  for (const context of contexts) {
    if (
      context &&
      paths.has(context.path) &&
      context.model.dirty &&
      !context.model.readOnly
    ) {
      await context.save();
    }
  }
}
