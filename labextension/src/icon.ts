import { LabIcon } from '@jupyterlab/ui-components';

import courseSvg from '../style/course.svg';

/** The course builder's icon; its class `jp-icon3` makes it follow the theme. */
export const courseIcon = new LabIcon({
  name: 'clx-jupyter:course',
  svgstr: courseSvg
});
