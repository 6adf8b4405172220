"""Rows of the job database as objects."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from clx_jupyter.errors import DamagedError, Problem
from clx_jupyter.jobs import Job, JobState
from clx_jupyter.plan import Known

Statement = tuple[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class StoredOutput:
    """A row of ``outputs``; see ``schema.sql``."""

    name: str
    course: str
    place: str
    variant: str
    key: str
    state: str
    reason: str
    sha256: str | None = None
    size: int | None = None
    mtime_ns: int | None = None
    assets: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    note: str = ""
    problem: str = ""
    built: float | None = None


class NewJob(NamedTuple):
    """A job to be added."""

    type: str
    place: str
    path: str
    priority: int
    spec: Mapping[str, Any]
    reason: str
    #: Equal for equal work, which is done once; ``""``: equal to none.
    key: str = ""


OUTPUT_COLUMNS = "name, course, place, variant, key, state, reason, sha256, size, mtime_ns, assets, shown, note, problem, built"
SPEC = "(SELECT spec FROM specs WHERE job = jobs.id)"
"""The spec of a row of ``jobs``, as a column."""
JOB_COLUMNS = f"id, build, type, place, path, state, priority, not_before, attempt, deaths, {SPEC}, reason"


def row_json(text: str | None, otherwise: Any = None) -> Any:
    """What a column says in JSON, *otherwise* where it is empty. Raises :class:`DamagedError`."""
    with _AS_WRITTEN:
        return json.loads(text) if text else otherwise


class _AsWritten:
    """We wrote what is read here: if it makes no sense, the file is damaged, though SQLite does not see it."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, (ValueError, TypeError, KeyError, AttributeError)):
            hint = "build again: the job database is set aside by itself, and nothing is lost but time"
            raise DamagedError(f"the job database is damaged: a row cannot be read ({error})", hint) from error


_AS_WRITTEN = _AsWritten()


def job_of(row: Sequence[Any]) -> Job:
    id, build, type, place, path, state, priority, not_before, attempt, deaths, spec, reason = row
    with _AS_WRITTEN:
        died = tuple(json.loads(deaths)) if deaths != "[]" else ()
        return Job(id, build, type, place, path, JobState(state), priority, not_before, attempt, died, json.loads(spec), reason)


def output_of(row: Sequence[Any]) -> StoredOutput:
    values = list(row)
    with _AS_WRITTEN:
        values[10], values[11] = tuple(json.loads(values[10])), tuple(json.loads(values[11]))
    return StoredOutput(*values)


def quoted(states: Iterable[str]) -> str:
    return ", ".join(f"'{state}'" for state in sorted(states))


def upsert_output(output: StoredOutput) -> Statement:
    values = [getattr(output, name) for name in output.__slots__]
    values[10], values[11] = json.dumps(list(output.assets)), json.dumps(list(output.shown))
    return f"INSERT OR REPLACE INTO outputs ({OUTPUT_COLUMNS}) VALUES ({', '.join('?' * len(values))})", values


def known_of(parts: str, problems: str, runs: str) -> Known:
    with _AS_WRITTEN:
        return Known(json.loads(parts), tuple(map(Problem.from_json, json.loads(problems))), json.loads(runs))
