import { nullTranslator } from '@jupyterlab/translation';

import { CoursePanel, PANEL_ID } from '../sidebar';

describe('CoursePanel', () => {
  const panel = new CoursePanel(nullTranslator.load('clx_jupyter'));

  afterAll(() => panel.dispose());

  it('is a region that a screen reader can name', () => {
    expect(panel.node.getAttribute('role')).toBe('region');
    expect(panel.node.getAttribute('aria-label')).toBe('Course builder');
  });

  it('keeps the id that saved workspaces know', () => {
    expect(panel.id).toBe(PANEL_ID);
    expect(PANEL_ID).toBe('clx-jupyter-panel');
  });

  it('has an icon that follows the theme', () => {
    expect(panel.title.icon).toHaveProperty('svgstr');
    expect(panel.title.caption).toBe('Course builder');
  });

  it('says how to build a course', () => {
    expect(panel.node.textContent).toContain('clx build');
  });
});
