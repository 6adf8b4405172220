import React from 'react';

import { ICourse, ITarget } from '../api';
import { CommandIDs } from '../commands';
import { startPageOf } from '../links';
import { audienceName, isThere, targetFor } from '../words';
import { useEnvironment } from './environment';

/** What was built for whom, each target with its download. */
export function Targets(props: { course: ICourse }): JSX.Element {
  const { trans } = useEnvironment();
  const { course } = props;
  return (
    <section className="clx-Part clx-Targets">
      <h3>{trans.__('Hand out')}</h3>
      <ul>
        {course.targets.map(target => (
          <Target key={target.name} course={course} target={target} />
        ))}
      </ul>
    </section>
  );
}

function Target(props: { course: ICourse; target: ITarget }): JSX.Element {
  const { trans, commands } = useEnvironment();
  const { course, target } = props;
  const { name, audience } = target;
  const there = hasOutputs(course, name);
  const whom = targetFor(trans, course, target);
  return (
    <li data-target={name} data-audience={audience}>
      <span className="clx-Target-words" title={`${target.folder}: ${whom}`}>
        {name}
        <span className="clx-Target-whom">{whom}</span>
      </span>
      {startPageOf(course, name) && (
        <button
          type="button"
          className="clx-Button"
          aria-label={trans.__(
            'Open start page of %1 (%2)',
            name,
            audienceName(trans, audience)
          )}
          title={trans.__('Show the start page of %1', target.folder)}
          onClick={() =>
            void commands.execute(CommandIDs.openStartPage, { target: name })
          }
        >
          {trans.__('Open start page')}
        </button>
      )}
      <button
        type="button"
        className="clx-Button"
        disabled={!there || target.path === null}
        aria-label={trans.__(
          'Download %1 (%2)',
          name,
          audienceName(trans, audience)
        )}
        title={
          there
            ? trans.__('Download %1 as one archive', target.folder)
            : trans.__('%1 is not built yet', name)
        }
        onClick={() =>
          void commands.execute(CommandIDs.download, { target: name })
        }
      >
        {audience === 'private' ? trans.__('Download…') : trans.__('Download')}
      </button>
    </li>
  );
}

function hasOutputs(course: ICourse, target: string): boolean {
  return course.sections.some(section =>
    section.topics.some(topic =>
      topic.sources.some(source =>
        source.outputs.some(
          output => output.target === target && isThere(output)
        )
      )
    )
  );
}
