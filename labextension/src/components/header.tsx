import React, { useEffect, useState } from 'react';

import { ICourse } from '../api';
import { CommandIDs } from '../commands';
import { ended, facts, left, progress } from '../words';
import { useEnvironment } from './environment';

/** Title, facts, and the buttons that build. */
export function Header(props: { course: ICourse }): JSX.Element {
  const { model, trans, commands } = useEnvironment();
  const { course } = props;
  const first = !course.built && course.file === '';
  const building = model.building;
  const run = (id: string) => () => void commands.execute(id);
  const { candidates } = model;
  const alone = candidates.length === 1 && candidates[0].id === course.id;
  return (
    <div className="clx-Header">
      <div className="clx-Header-title">
        <h2 title={course.path || course.title}>{course.title}</h2>
        {!alone && (
          <button
            type="button"
            className="clx-Link"
            onClick={run(CommandIDs.chooseCourse)}
          >
            {trans.__('Other course…')}
          </button>
        )}
      </div>
      <div className="clx-Facts">{facts(trans, course)}</div>
      <div className="clx-Buttons">
        <button
          type="button"
          className="clx-Button clx-mod-primary"
          disabled={building || model.busy}
          onClick={run(CommandIDs.buildCourse)}
        >
          {first ? trans.__('Build this folder') : trans.__('Build course')}
        </button>
        {first && (
          <button
            type="button"
            className="clx-Button"
            disabled={building || model.busy}
            onClick={run(CommandIDs.buildWithoutRunning)}
          >
            {trans.__('Build without running')}
          </button>
        )}
        {first && (
          <button
            type="button"
            className="clx-Button"
            title={commands.caption(CommandIDs.createCourseFile)}
            disabled={building || model.busy}
            onClick={run(CommandIDs.createCourseFile)}
          >
            {trans.__('Create course.yaml')}
          </button>
        )}
      </div>
      <Progress />
    </div>
  );
}

/** How far the build is, or how the last one ended. */
function Progress(): JSX.Element | null {
  const { model, trans, commands } = useEnvironment();
  const build = model.build;
  const follower = model.follower;
  const seconds = useCountdown(build?.left ?? null, follower?.heard ?? 0);
  if (build === null) {
    return null;
  }
  if (model.interrupted) {
    return (
      <div className="clx-Progress">
        <span className="clx-Progress-text">
          {trans.__('This build was interrupted; build again to finish it.')}
        </span>
      </div>
    );
  }
  if (follower === null) {
    return (
      <div className="clx-Progress clx-Progress-line">
        <span className="clx-Progress-text">{ended(trans, build)}</span>
        {hasFailed(model.course) && (
          <button
            type="button"
            className="clx-Link"
            disabled={model.busy}
            onClick={() => void commands.execute(CommandIDs.retryFailed)}
          >
            {trans.__('Retry failed')}
          </button>
        )}
      </div>
    );
  }
  const { total, done, failed } = build;
  const text = progress(trans, build);
  const rest = left(trans, seconds);
  const part = (count: number) => `${total ? (100 * count) / total : 0}%`;
  return (
    <div className="clx-Progress">
      <div className="clx-Progress-line">
        <span className="clx-Progress-text">{text}</span>
        <span className="clx-Progress-left">
          {rest}
          <button
            type="button"
            className="clx-Link"
            disabled={model.busy}
            onClick={() => void commands.execute(CommandIDs.cancel)}
          >
            {trans.__('Cancel')}
          </button>
        </span>
      </div>
      <div
        className="clx-Bar"
        role="progressbar"
        aria-label={trans.__('Build progress')}
        aria-valuemin={0}
        aria-valuemax={total || undefined}
        aria-valuenow={total ? done : undefined}
        aria-valuetext={rest ? trans.__('%1, about %2', text, rest) : text}
        data-unknown={total === 0 || undefined}
      >
        <div className="clx-Bar-done" style={{ width: part(done - failed) }} />
        <div className="clx-Bar-failed" style={{ width: part(failed) }} />
      </div>
      {build.paused && (
        <div className="clx-Paused" role="status">
          {build.paused}
        </div>
      )}
    </div>
  );
}

function hasFailed(course: ICourse | null): boolean {
  const sections = course?.sections ?? [];
  return sections.some(section =>
    section.topics.some(topic =>
      topic.sources.some(source => source.state === 'failed')
    )
  );
}

/** Seconds left, counted down between two answers; null where nothing can be said. */
function useCountdown(seconds: number | null, heard: number): number | null {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (seconds === null) {
      return;
    }
    const timer = window.setInterval(() => setNow(Date.now()), 1000);
    return () => window.clearInterval(timer);
  }, [seconds === null]);
  if (seconds === null) {
    return null;
  }
  return Math.max(0, seconds - Math.max(0, now - heard) / 1000);
}
