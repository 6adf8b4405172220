import React from 'react';

import { ICourse, IProblem } from '../api';
import { CommandIDs } from '../commands';
import { cellOf, ended, summary } from '../words';
import { useEnvironment } from './environment';
import { Header } from './header';
import { Outputs } from './outputs';
import { Problems } from './problems';
import { Targets } from './targets';
import { Tree } from './tree';

/** The whole panel, by what there is to show. */
export function Panel(): JSX.Element {
  const { model } = useEnvironment();
  return (
    <>
      <Status />
      {model.view === 'course' && model.course && (
        <Course course={model.course} />
      )}
      {model.view === 'choose' && <Chooser />}
      {model.view !== 'course' && model.view !== 'choose' && <Notice />}
    </>
  );
}

/** What a screen reader is told, and what everybody must know: that the connection is lost. */
function Status(): JSX.Element {
  const { model, trans } = useEnvironment();
  const lost = !model.connected;
  let said = '';
  if (lost) {
    said = trans.__('No connection to the server; trying again.');
  } else if (model.build && !model.interrupted && model.course) {
    said = model.building
      ? trans.__('Building %1', model.course.title)
      : ended(trans, model.build);
  }
  return (
    <div
      role="status"
      aria-live="polite"
      className={lost ? 'clx-Lost' : 'clx-mod-hidden'}
    >
      {said}
    </div>
  );
}

function Course(props: { course: ICourse }): JSX.Element {
  const { model, trans } = useEnvironment();
  const { course } = props;
  const first = !course.built && course.file === '' && !model.building;
  const { selected } = model;
  return (
    <div
      className="clx-Course"
      data-stale={!model.connected || undefined}
      aria-busy={model.building}
    >
      <Header course={course} />
      {model.error && <Refusal problem={model.error} />}
      <div className="clx-Body">
        {first ? (
          <div className="clx-Summary">
            {summary(trans, course).map(part => (
              <p key={part}>{part}</p>
            ))}
          </div>
        ) : (
          <Tree course={course} />
        )}
      </div>
      {/* An archive made in the middle of a build would hold old and new. */}
      {course.built && !model.building && <Targets course={course} />}
      {selected && <Outputs course={course} source={selected} />}
      <Problems problems={model.problems} />
    </div>
  );
}

/** Why the last request was refused. */
function Refusal(props: { problem: IProblem }): JSX.Element {
  const { model, trans, openProblem } = useEnvironment();
  const { message, hint, path } = props.problem;
  const place = [path, cellOf(trans, props.problem)].filter(Boolean);
  return (
    <div role="alert" className="clx-Refusal">
      <strong>{message}</strong>
      {hint && <span>{hint}</span>}
      {path !== null && model.course !== null && (
        <button
          type="button"
          className="clx-Link"
          onClick={() => openProblem(props.problem)}
        >
          {place.join(' · ')}
        </button>
      )}
    </div>
  );
}

function Chooser(): JSX.Element {
  const { model, trans, choose } = useEnvironment();
  return (
    <div className="clx-Chooser">
      <h2>{trans.__('Which course?')}</h2>
      <ul aria-label={trans.__('Courses found')}>
        {model.candidates.map(candidate => (
          <li key={candidate.id}>
            <button
              type="button"
              className="clx-Candidate"
              onClick={() => choose(candidate)}
            >
              <span className="clx-Row-title">{candidate.title}</span>
              <span className="clx-Candidate-path">
                {candidate.path || trans.__('this whole folder')}
              </span>
            </button>
          </li>
        ))}
      </ul>
      <p>
        {model.more
          ? trans.__(
              'There are too many files to look at all of them. Right-click a folder in the file browser and choose “Open as Course”.'
            )
          : trans.__(
              'Another folder: right-click it in the file browser and choose “Open as Course”.'
            )}
      </p>
    </div>
  );
}

/** What is shown instead of a course. */
function Notice(): JSX.Element {
  const { model, trans, commands } = useEnvironment();
  switch (model.view) {
    case 'missing-server':
      return (
        <div role="alert" className="clx-Notice">
          {trans.__(
            'The build service is not running in this server. Run pip install clx-jupyter in the environment that starts JupyterLab, then restart the server.'
          )}
        </div>
      );
    case 'empty':
      return (
        <div className="clx-Notice">
          <h2>{trans.__('No course here yet')}</h2>
          <p>
            {trans.__(
              'A folder of notebooks is a course; so is a course file of CLX or CLM. Right-click a folder in the file browser and choose “Open as Course”.'
            )}
          </p>
        </div>
      );
    case 'error':
      return (
        <div className="clx-Notice">
          {model.error && <Refusal problem={model.error} />}
          <button
            type="button"
            className="clx-Link"
            onClick={() => void commands.execute(CommandIDs.chooseCourse)}
          >
            {trans.__('Other course…')}
          </button>
        </div>
      );
    default:
      return <div className="clx-Notice">{trans.__('Looking around…')}</div>;
  }
}
