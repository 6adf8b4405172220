import React, { useEffect, useRef, useState } from 'react';

import { ICourse, IProblem, ISource } from '../api';
import { sourceState } from '../words';
import { useEnvironment } from './environment';

/** A visible row: a group (section, or topic of several sources) or a source. */
interface IRow {
  key: string;
  level: number;
  title: string;
  source: ISource | null;
  /** Sources below a group. */
  count: number;
}

function rowsOf(course: ICourse, collapsed: ReadonlySet<string>): IRow[] {
  const rows: IRow[] = [];
  course.sections.forEach((section, index) => {
    const key = `section:${index}`;
    const count = section.topics.reduce(
      (sum, topic) => sum + topic.sources.length,
      0
    );
    rows.push({ key, level: 1, title: section.title, source: null, count });
    if (collapsed.has(key)) {
      return;
    }
    section.topics.forEach((topic, number) => {
      const topicKey = `${key}:${number}`;
      const several = topic.sources.length > 1;
      if (several) {
        const { title, sources } = topic;
        const count = sources.length;
        rows.push({ key: topicKey, level: 2, title, source: null, count });
      }
      if (!collapsed.has(topicKey)) {
        for (const source of topic.sources) {
          const level = several ? 3 : 2;
          const { place, title } = source;
          rows.push({ key: place, level, title, source, count: 0 });
        }
      }
    });
  });
  return rows;
}

/** The course as a tree: one tab stop, arrows move, Enter opens. */
export function Tree(props: { course: ICourse }): JSX.Element {
  const { model, trans, openSource } = useEnvironment();
  const [collapsed, setCollapsed] = useState<ReadonlySet<string>>(new Set());
  const [active, setActive] = useState<string | null>(null);
  const node = useRef<HTMLDivElement>(null);
  const moved = useRef(false);
  const rows = rowsOf(props.course, collapsed);
  const found = rows.findIndex(row => row.key === active);
  const at = found < 0 ? 0 : found;
  const problems = firstProblems(model.problems);

  useEffect(() => {
    if (moved.current) {
      moved.current = false;
      node.current
        ?.querySelector<HTMLElement>('[role=treeitem][tabindex="0"]')
        ?.focus();
    }
  });

  const go = (index: number) => {
    const row = rows[Math.min(Math.max(index, 0), rows.length - 1)];
    moved.current = true;
    setActive(row.key);
  };
  const fold = (key: string, closed: boolean) => {
    const next = new Set(collapsed);
    if (closed) {
      next.add(key);
    } else {
      next.delete(key);
    }
    setCollapsed(next);
  };
  const touch = (row: IRow) => {
    if (row.source) {
      model.select(row.key);
    } else {
      fold(row.key, !collapsed.has(row.key));
    }
  };
  const press = (event: React.KeyboardEvent) => {
    if (event.ctrlKey || event.altKey || event.metaKey) {
      return;
    }
    const row = rows[at];
    const closed = collapsed.has(row.key);
    switch (event.key) {
      case 'ArrowDown':
        go(at + 1);
        break;
      case 'ArrowUp':
        go(at - 1);
        break;
      case 'Home':
        go(0);
        break;
      case 'End':
        go(rows.length - 1);
        break;
      case 'ArrowRight':
        if (row.source === null) {
          if (closed) {
            fold(row.key, false);
          } else {
            go(at + 1);
          }
        }
        break;
      case 'ArrowLeft':
        if (row.source === null && !closed) {
          fold(row.key, true);
        } else {
          go(parentOf(rows, at));
        }
        break;
      case 'Enter':
        if (row.source) {
          model.select(row.key);
          openSource(row.source);
        } else {
          fold(row.key, !closed);
        }
        break;
      case ' ':
        touch(row);
        break;
      default:
        if (event.key.length !== 1) {
          return;
        }
        go(startingWith(rows, at, event.key));
    }
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div
      ref={node}
      className="clx-Tree"
      role="tree"
      aria-label={trans.__('Course content')}
      onKeyDown={press}
    >
      {rows.map((row, index) => (
        <Row
          key={row.key}
          row={row}
          closed={collapsed.has(row.key)}
          focusable={index === at}
          problem={row.source ? problems.get(row.source.path) : undefined}
          onClick={() => {
            setActive(row.key);
            touch(row);
          }}
        />
      ))}
    </div>
  );
}

function Row(props: {
  row: IRow;
  closed: boolean;
  focusable: boolean;
  problem: IProblem | undefined;
  onClick: () => void;
}): JSX.Element {
  const { model, trans, openSource } = useEnvironment();
  const { row, closed, focusable, problem, onClick } = props;
  const { source } = row;
  const common = {
    role: 'treeitem',
    'aria-level': row.level,
    tabIndex: focusable ? 0 : -1,
    style: { paddingInlineStart: 4 + 12 * (row.level - 1) },
    onClick
  };
  if (source === null) {
    return (
      <div
        {...common}
        className="clx-Row clx-mod-group"
        aria-expanded={!closed}
        data-section={row.level === 1 ? row.title : undefined}
      >
        <span className="clx-Caret" aria-hidden="true">
          {closed ? '▸' : '▾'}
        </span>
        <span className="clx-Row-title">{row.title}</span>
        <span className="clx-Row-state">{row.count}</span>
      </div>
    );
  }
  const now = model.now(source);
  const words = sourceState(trans, source, now, problem);
  return (
    <div
      {...common}
      className="clx-Row"
      aria-selected={model.selected?.place === row.key}
      data-path={source.path}
      data-state={now.state}
      data-cell={now.state === 'running' ? now.cell : undefined}
      data-cells={now.state === 'running' ? now.cells : undefined}
      title={`${source.title} (${source.path}): ${words}`}
      onDoubleClick={() => openSource(source)}
    >
      <span className="clx-State" data-state={now.state} aria-hidden="true" />
      <span className="clx-Row-title">{row.title}</span>
      {now.cells > 0 && (
        <span className="clx-Mini" aria-hidden="true">
          <span style={{ width: `${(100 * now.cell) / now.cells}%` }} />
        </span>
      )}
      <span className="clx-Row-state">{words}</span>
    </div>
  );
}

/** The first error of each source, else its first problem. */
function firstProblems(problems: IProblem[]): Map<string, IProblem> {
  const first = new Map<string, IProblem>();
  for (const problem of problems) {
    if (problem.path !== null && !first.has(problem.path)) {
      first.set(problem.path, problem);
    }
  }
  return first;
}

function parentOf(rows: IRow[], at: number): number {
  const { level } = rows[at];
  for (let index = at - 1; index >= 0; index--) {
    if (rows[index].level < level) {
      return index;
    }
  }
  return at;
}

/** The next row whose title starts with a letter, wrapping around. */
function startingWith(rows: IRow[], at: number, letter: string): number {
  const wanted = letter.toLowerCase();
  for (let step = 1; step <= rows.length; step++) {
    const index = (at + step) % rows.length;
    if (rows[index].title.toLowerCase().startsWith(wanted)) {
      return index;
    }
  }
  return at;
}
