import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import { Message } from '@lumino/messaging';
import React from 'react';

import { EnvironmentProvider, IEnvironment } from './components/environment';
import { Panel } from './components/panel';
import { courseIcon } from './icon';

/** Fixed: saved workspaces find the panel again by this id. */
export const PANEL_ID = 'clx-jupyter-panel';

/** The panel in the left sidebar. */
export class CoursePanel extends ReactWidget {
  constructor(private _environment: IEnvironment) {
    super();
    const { model, trans } = _environment;
    const label = trans.__('Course builder');
    this.id = PANEL_ID;
    this.addClass('clx-Panel');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', label);
    this.title.caption = label;
    this.title.icon = courseIcon;
    model.changed.connect(this._mark, this);
    this._mark();
  }

  dispose(): void {
    this._environment.model.changed.disconnect(this._mark, this);
    super.dispose();
  }

  protected onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    const first = this.node.querySelector<HTMLElement>(
      'button:not(:disabled), [tabindex="0"]'
    );
    first?.focus();
  }

  protected render(): JSX.Element {
    return (
      <EnvironmentProvider value={this._environment}>
        <UseSignal signal={this._environment.model.changed}>
          {() => <Panel />}
        </UseSignal>
      </EnvironmentProvider>
    );
  }

  /** The state as attributes of the node, for themes and for whoever looks from outside. */
  private _mark(): void {
    const { model } = this._environment;
    const { dataset } = this.node;
    dataset.view = model.view;
    dataset.buildState = model.interrupted
      ? 'interrupted'
      : (model.build?.state ?? 'none');
  }
}
