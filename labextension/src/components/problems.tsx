import React, { useState } from 'react';

import { IProblem } from '../api';
import { cellOf, className } from '../words';
import { useEnvironment } from './environment';

/** More are shown only when asked for. */
const FIRST = 50;

/** All that is wrong, errors first; each one opens its place. */
export function Problems(props: { problems: IProblem[] }): JSX.Element | null {
  const { trans } = useEnvironment();
  const [all, setAll] = useState(false);
  const { problems } = props;
  if (!problems.length) {
    return null;
  }
  const shown = all ? problems : problems.slice(0, FIRST);
  return (
    <section className="clx-Part clx-Problems">
      <h3>
        {trans.__('Problems')}
        <span className="clx-Count">{problems.length}</span>
      </h3>
      <ul>
        {shown.map(problem => (
          <li key={problem.id}>
            <Problem problem={problem} />
          </li>
        ))}
      </ul>
      {shown.length < problems.length && (
        <button type="button" className="clx-Link" onClick={() => setAll(true)}>
          {trans.__('Show all %1', problems.length)}
        </button>
      )}
    </section>
  );
}

function Problem(props: { problem: IProblem }): JSX.Element {
  const { trans, openProblem } = useEnvironment();
  const { problem } = props;
  const place = [problem.path?.split('/').pop(), cellOf(trans, problem)];
  const [first] = problem.message.split('\n');
  return (
    <button
      type="button"
      className="clx-Problem"
      disabled={problem.path === null}
      title={problem.path ?? undefined}
      data-problem={problem.id}
      data-class={problem.class}
      data-severity={problem.severity}
      data-path={problem.path ?? undefined}
      data-cell={problem.cell ?? undefined}
      data-line={problem.line ?? undefined}
      onClick={() => openProblem(problem)}
    >
      <span
        className="clx-State"
        data-state={problem.severity}
        aria-hidden="true"
      />
      <span className="clx-Problem-body">
        <span className="clx-Problem-message">
          <strong>{className(trans, problem.class)}</strong> {first}
        </span>
        {problem.path !== null && (
          <span className="clx-Problem-place">
            {place.filter(Boolean).join(' · ')}
          </span>
        )}
        {problem.hint && (
          <span className="clx-Problem-hint">{problem.hint}</span>
        )}
      </span>
    </button>
  );
}
