import React from 'react';

import { ICourse, IOutput, ISource } from '../api';
import { formatName, isThere, kindName, openLabel } from '../words';
import { useEnvironment } from './environment';

/** What is made of the selected source: by target, one row for each kind and language, one button for each format. */
export function Outputs(props: {
  course: ICourse;
  source: ISource;
}): JSX.Element {
  const { trans } = useEnvironment();
  const { course, source } = props;
  const targets = grouped(source.outputs, output => output.target);
  return (
    <section className="clx-Part clx-Outputs">
      <h3>{trans.__('Outputs of “%1”', source.title)}</h3>
      {targets.map(outputs => (
        <React.Fragment key={outputs[0].target}>
          {targets.length > 1 && (
            <div className="clx-Outputs-target">{outputs[0].target}</div>
          )}
          <ul>
            {grouped(
              outputs,
              output => `${output.kind} ${output.language}`
            ).map(row => (
              <Versions key={row[0].name} course={course} outputs={row} />
            ))}
          </ul>
        </React.Fragment>
      ))}
    </section>
  );
}

function grouped<T>(items: T[], keyOf: (item: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    groups.set(key, [...(groups.get(key) ?? []), item]);
  }
  return [...groups.values()];
}

/** One kind in one language, in all its formats. */
function Versions(props: { course: ICourse; outputs: IOutput[] }): JSX.Element {
  const { course, outputs } = props;
  const { kind, language } = outputs[0];
  return (
    <li>
      <span className="clx-Outputs-kind">
        {kindName(course, kind)}
        {course.languages.length > 1 && (
          <span className="clx-Chip">{language}</span>
        )}
      </span>
      <span className="clx-Outputs-formats">
        {outputs.map(output => (
          <OutputButton key={output.name} course={course} output={output} />
        ))}
      </span>
    </li>
  );
}

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
  } else if (!isThere(output)) {
    title = trans.__('%1 is not built yet', output.name);
  } else if (output.state === 'stale' || output.state === 'failed') {
    title = trans.__('%1 is the last good version', output.name);
  }
  return (
    <button
      type="button"
      className="clx-Output"
      disabled={output.path === null || !isThere(output)}
      aria-label={openLabel(trans, course, output)}
      title={title}
      data-output={output.name}
      data-state={output.state}
      onClick={() => openOutput(output)}
    >
      <span
        className="clx-State"
        data-state={output.state}
        aria-hidden="true"
      />
      {formatName(trans, output.format)}
    </button>
  );
}
