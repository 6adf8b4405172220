import { TranslationBundle } from '@jupyterlab/translation';
import { SidePanel } from '@jupyterlab/ui-components';
import { Panel, Widget } from '@lumino/widgets';

import { courseIcon } from './icon';

/** Fixed: saved workspaces find the panel again by this id. */
export const PANEL_ID = 'clx-jupyter-panel';

/** The panel in the left sidebar. */
export class CoursePanel extends SidePanel {
  constructor(trans: TranslationBundle) {
    super({ content: new Panel() });
    const label = trans.__('Course builder');
    this.id = PANEL_ID;
    this.addClass('clx-Panel');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', label);
    this.title.caption = label;
    this.title.icon = courseIcon;
    this.addWidget(new Widget({ node: notice(trans) }));
  }
}

function notice(trans: TranslationBundle): HTMLElement {
  const paragraph = document.createElement('p');
  paragraph.className = 'clx-Panel-notice';
  paragraph.textContent = trans.__(
    'Courses cannot be built from this panel yet. For now, run “%1” in a terminal.',
    'clx build'
  );
  return paragraph;
}
