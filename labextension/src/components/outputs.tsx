import React from 'react';

import { ICourse, IOutput, ISource } from '../api';
import { formatName, kindName, openLabel } from '../words';
import { useEnvironment } from './environment';

/** What is made of the selected source: one row for each kind and language, one button for each format. */
export function Outputs(props: {
  course: ICourse;
  source: ISource;
}): JSX.Element {
  const { trans } = useEnvironment();
  const { course, source } = props;
  const rows = new Map<string, IOutput[]>();
  for (const output of source.outputs) {
    const key = JSON.stringify([output.kind, output.language, output.target]);
    rows.set(key, [...(rows.get(key) ?? []), output]);
  }
  return (
    <section className="clx-Part clx-Outputs">
      <h3>{trans.__('Outputs of “%1”', source.title)}</h3>
      <ul>
        {[...rows.entries()].map(([key, outputs]) => (
          <li key={key}>
            <span className="clx-Outputs-kind">
              {kindName(course, outputs[0].kind)}
              {course.languages.length > 1 && (
                <span className="clx-Chip">{outputs[0].language}</span>
              )}
            </span>
            <span className="clx-Outputs-formats">
              {outputs.map(output => (
                <OutputButton
                  key={output.name}
                  course={course}
                  output={output}
                />
              ))}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** States in which a file is there to open. */
const THERE = ['fresh', 'built', 'stale', 'failed'];

function OutputButton(props: {
  course: ICourse;
  output: IOutput;
}): JSX.Element {
  const { trans, openOutput } = useEnvironment();
  const { course, output } = props;
  let title = output.name;
  if (output.path === null) {
    title = trans.__(
      '%1 lies outside of the folder that this server shows',
      output.name
    );
  } else if (!THERE.includes(output.state)) {
    title = trans.__('%1 is not built yet', output.name);
  } else if (output.state === 'stale' || output.state === 'failed') {
    title = trans.__('%1 is the last good version', output.name);
  }
  return (
    <button
      type="button"
      className="clx-Output"
      disabled={output.path === null || !THERE.includes(output.state)}
      aria-label={openLabel(trans, course, output)}
      title={title}
      data-output={output.name}
      data-state={output.state}
      onClick={() => openOutput(output)}
    >
      <span className="clx-State" data-state={output.state} aria-hidden="true" />
      {formatName(trans, output.format)}
    </button>
  );
}
