"""Where the results of a document come from: kept, run now, stored in the source, or nowhere."""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clx_jupyter_workers.notebook import cells, execution, failures, scratch, written
from clx_jupyter_workers.notebook.document import Cell, Document
from clx_jupyter_workers.notebook.environment import kernel_environment
from clx_jupyter_workers.notebook.execute import Plan, execute
from clx_jupyter_workers.notebook.execution import Execution, Result
from clx_jupyter_workers.notebook.execution_key import key, used_files
from clx_jupyter_workers.notebook.paths import inside, join
from clx_jupyter_workers.notebook.sources import Source
from clx_jupyter_workers.problems import KEPT_FAILURES, Problem
from clx_jupyter_workers.protocol import MAX_BODY, Header, Link

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a document's variants may show."""

    #: By the cells' places in the notebook; ``None``: there are none.
    results: Mapping[int, Result] | None = None
    #: Why there is nothing to show.
    failure: Problem | None = None
    #: Nothing ran because nothing could (no kernel), which is known already.
    skipped: bool = False
    #: ``not executed``, ``stored outputs``, or empty.
    note: str = ""
    warnings: tuple[Problem, ...] = ()
    language_info: Mapping[str, Any] = field(default_factory=dict)


class Results:
    """Finds or makes the results of one job's documents; equal code runs once."""

    def __init__(self, job: Header, source: Source, files: Mapping[str, str], link: Link) -> None:
        self.job = job
        self.source = source
        self.files = files
        self.link = link
        self.root = Path(job["root"])
        self.settings: Mapping[str, Any] = job.get("execute", {})
        self.executions = 0
        #: By language: the key of a run that succeeded, whether its files were handed on, the files it wrote, and those it got from notebooks before it.
        self.runs: dict[str, dict[str, Any]] = {}
        self._done: dict[str, Execution | None] = {}

    def of(self, document: Document, language: str) -> Outcome:
        """The outcome for a document in a language.

        :raises Cancelled: the job was cancelled
        :raises Retry: the kernel did not start
        """
        places = cells.running(document, self.settings.get("kinds", ()), self.job["kinds"], language)
        if not places:
            self.runs[language] = {"key": "", "handed_on": True, "written": {}, "given": {}}
            return Outcome({})
        never = self.settings.get("mode") == "never"
        if self.job.get("kernel") is None:
            return _stored(document) if never else Outcome(skipped=True)
        given, lacking = self._given(language)
        if lacking is not None and not never:
            return Outcome(failure=lacking)
        execution = self._execution(document, places, language, never, given)
        if execution is None or (never and execution.failure is not None):
            return _stored(document)
        return _outcome(execution, [document.cells[place] for place in places], places, document.has_lines)

    def _given(self, language: str) -> tuple[dict[str, str], Problem | None]:
        """The files that the notebooks before this one wrote, and what is wrong where one of them gave none."""
        files: dict[str, str] = {}
        for before in self.job.get("after", ()):
            runs = before["runs"]
            if not runs:
                text = f"{before['path']} {before.get('state') or 'was not run'}, and this notebook needs its files."
                hint = f"It comes after {before['path']}: mend that one first."
                return {}, Problem("missing-file", text, hint, path=self.source.path)
            files |= runs[language] if language in runs else next(iter(runs.values()))
        return files, None

    def _execution(self, document: Document, places: list[int], language: str, never: bool, given: Mapping[str, str]) -> Execution | None:
        ran = [document.cells[place] for place in places]
        used = self._used("\n".join(cell.source for cell in ran))
        name = key(ran, self.job["kernel"], self.settings, used, self.source.folder, given)
        if name not in self._done:
            self._done[name] = self._find(name, never)
            if self._done[name] is None and not never:
                self._done[name] = self._run(name, ran, document.has_lines, language, used, given)
        found = self._done[name]
        if found is not None and found.failure is None:
            self.runs[language] = {"key": name, "handed_on": found.handed_on, "written": found.written, "given": dict(given)}
        return found

    def _used(self, code: str) -> dict[str, str]:
        return dict(self.files) if self.job.get("scope") else used_files(code, self.source.folder, self.files, self._module_text)

    def _module_text(self, path: str) -> str:
        real = inside(self.root, self._real_path(path))
        if real is None or not real.is_file():
            return ""
        return real.read_bytes().decode("utf-8", "replace")

    def _real_path(self, path: str) -> str:
        return included(self.job).get(path, path)

    def _find(self, name: str, never: bool) -> Execution | None:
        """A kept execution, or the failure that an earlier attempt left behind."""
        if problem := self.settings.get("failed", {}).get(name):
            return Execution(failure=Problem.from_json(problem))
        if self.settings.get("mode") == "always":
            return None
        body = self.link.ask(name)
        kept = execution.load(body, name) if body is not None else None
        if kept is not None and kept.failure is not None and kept.failure.category not in KEPT_FAILURES:
            return None
        if kept is not None and kept.failure is None and not never and not self._still_handed_on(kept):
            return None
        return kept

    def _still_handed_on(self, kept: Execution) -> bool:
        """Whether the files of a kept run are there for the notebooks that come after, if there are any."""
        if not self.settings.get("hand_on"):
            return True
        hashes = {sha256 for sha256 in kept.written.values() if sha256}
        if self.link.are_shelved is not None:
            return kept.handed_on and self.link.are_shelved(hashes)
        shelf = Path(self.job["shelf"])
        return kept.handed_on and all(written.on_shelf(shelf, sha256).is_file() for sha256 in hashes)

    def _run(
        self, name: str, ran: list[Cell], has_lines: bool, language: str, used: Mapping[str, str], given: Mapping[str, str]
    ) -> Execution:  # fmt: skip
        self.executions += 1
        place = Path(self.job["scratch"])
        never_link = self.job.get("never_link", ())
        includes = [(source, target) for source, target in self.job.get("includes", ())]
        with (
            scratch.scratch(place, self.root, self.source.folder, self.files, includes, never_link) as folder,
            tempfile.TemporaryDirectory(prefix="clx-kernel-", dir=place.parent) as run_folder,
        ):
            scratch.own(place, scratch.named_paths("\n".join(cell.source for cell in ran), self.source.folder))
            if given:
                written.lay(place, given, Path(self.job["shelf"]))
            before = written.looks(place)
            plan = self._plan(name, ran, has_lines, language, place, folder)
            result = execute(plan, folder, Path(run_folder), self.link)
            self._take(place, before, result)
        failure = result.failure
        if (failure is None or failure.category in KEPT_FAILURES) and self._unchanged(used):
            self._keep(name, result)
        return result

    def _take(self, place: Path, before: written.Looks, result: Execution) -> None:
        """Note the files that the code wrote, and hand them on where a notebook comes after this one."""
        every = written.written(place, before)
        names = every[: written.MAX_FILES]
        result.handed_on = bool(self.settings.get("hand_on")) and result.failure is None
        result.written = written.hand_on(place, names, Path(self.job["stage"])) if result.handed_on else dict.fromkeys(names, "")
        if not result.handed_on:
            return
        if files := sorted({sha256 for sha256 in result.written.values() if sha256}):
            self.link.send("written", files=files)
        lacking = [*(name for name, sha256 in result.written.items() if not sha256), *every[written.MAX_FILES :]]
        if lacking:
            more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
            text = f"{lacking[0]}{more} cannot be handed on to the notebooks that come after: too many or too large files."
            result.warnings.append(
                Problem("missing-file", text, "Write less, or ship it with the course.", "warning", path=self.source.path)
            )

    def _plan(self, name: str, ran: list[Cell], has_lines: bool, language: str, place: Path, folder: Path) -> Plan:
        named = {str(key): str(value) for key, value in self.settings.get("environment", {}).items()}
        return Plan(
            ran, has_lines, self.job["kernel"]["name"], self.source.path, language, kernel_environment(named, place, folder),
            float(self.settings.get("startup_timeout", 60)), bool(self.settings.get("allow_errors")), _cleaner(place, named), name,
            self.job["kernel"].get("argv") or (),
        )  # fmt: skip

    def _unchanged(self, used: Mapping[str, str]) -> bool:
        """A file that changed while the code ran makes the result unfit to keep."""
        return all(_sha256(inside(self.root, self._real_path(path))) == sha256 for path, sha256 in used.items())

    def _keep(self, name: str, result: Execution) -> None:
        body = result.dump(name)
        if len(body) <= MAX_BODY:
            self.link.send("keep", body, key=name)


def included(job: Header) -> dict[str, str]:
    """Files that stand in the notebook's folder under another name: that path to their own."""
    folder = posixpath.dirname(job["source"]["path"])
    return {join(folder, name): source for source, name in job.get("includes", ())}


def all_files(job: Header) -> dict[str, str]:
    """The files the source may depend on, with their hashes; included ones also under the name they have there."""
    files = dict(job.get("files", {}))
    root = Path(job["root"])
    for name, source in included(job).items():
        files.setdefault(name, files.get(source) or _sha256(inside(root, source)))
    return files


def _sha256(path: Path | None) -> str:
    if path is None or not path.is_file():
        return ""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while part := stream.read(_CHUNK):
            digest.update(part)
    return digest.hexdigest()


def _cleaner(place: Path, named: Mapping[str, str]) -> Callable[[str], str]:
    """Takes the scratch folder's path and the values of the course's variables out of texts, JSON included."""
    replacements = {f"{folder}{os.sep}": "" for folder in (str(place), os.path.realpath(place))}
    replacements |= dict.fromkeys((str(place), os.path.realpath(place)), ".")
    secrets = {form for value in named.values() for form in (value, json.dumps(value)[1:-1])}
    return lambda text: failures.without(text, replacements, secrets)


def _stored(document: Document) -> Outcome:
    """What the notebook file itself holds."""
    found = {
        place: Result(cell.outputs, cell.execution_count)
        for place, cell in enumerate(document.cells)
        if cell.type == "code" and (cell.outputs or cell.execution_count is not None)
    }
    return Outcome(found or None, note="stored outputs" if any(result.outputs for result in found.values()) else "not executed")


def _outcome(execution: Execution, ran: list[Cell], places: list[int], has_lines: bool) -> Outcome:
    warnings = tuple(execution.warnings)
    if execution.failure is None:
        shown = dict(zip(places, execution.cells, strict=False))
        return Outcome(shown, warnings=warnings, language_info=execution.language_info)
    failure = execution.failure
    if execution.failed_cell is not None and execution.failed_cell < len(ran):
        # The code is the same, but it may have moved since: the place is the one in the document of now.
        where = failures.at(ran[execution.failed_cell], execution.failed_line, has_lines)
        failure = failure.with_(**where)
    return Outcome(failure=failure, warnings=warnings)
