"""One build's publishing: what its jobs made, the files that go beside it, and what left the course."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from clx_jupyter.assets import Copy, copies_of_ours, mentioned_copies, needed_by_page, static_copies, stays_private
from clx_jupyter.attempts import Attempt
from clx_jupyter.course.model import Target
from clx_jupyter.course.walk import leads_outside
from clx_jupyter.errors import Problem, RequestError
from clx_jupyter.fingerprint import file_digest
from clx_jupyter.former_targets import FormerTargets
from clx_jupyter.job_rows import StoredOutput
from clx_jupyter.manifest import MANIFEST, Entry, mark_of, sweep, write_atomically
from clx_jupyter.plan import Output, Plan, SourcePlan
from clx_jupyter.publish import ASSET, Tree, check_target, owned_by_others, tree_of_course
from clx_jupyter.requests import Request
from clx_jupyter.start_pages import LOADS, Made, Page, made_pages
from clx_jupyter.variants import PAGES, language_in
from clx_jupyter_workers import assets


@dataclass(frozen=True, slots=True)
class Asset:
    """A copied file, for the report."""

    target: str
    path: str
    source: str
    state: str
    sha256: str


class Publishing:
    """Publishes for one build. Every method blocks and belongs in a thread; the service calls one at a time."""

    def __init__(self, plan: Plan, request: Request, rows: Mapping[str, StoredOutput], former: FormerTargets) -> None:
        self.plan, self.request, self.course = plan, request, plan.course
        self.problems: list[Problem] = []
        self.assets: dict[str, Asset] = {}
        self.pages: dict[str, Page] = {}
        self.stored = dict(rows)
        self._former = former
        self._hashes_of_ours: dict[str, tuple[str, int]] = {}
        self._spared: set[str] = set()
        self._targets: dict[str, Target] = {str(target.path): target for target in self.course.targets}
        for target in self.course.targets:
            check_target(target.path, self.course.root)
        self._trees = {path: self._tree(Path(path)) for path in self._targets}
        if not request.adopt:
            self._refuse_occupied()
        self._leave_to_others()

    def _tree(self, target: Path) -> Tree:
        return tree_of_course(target, self.course.root, self.request.single or self.course.file, adopt=self.request.adopt)

    def _refuse_occupied(self) -> None:
        for path, tree in self._trees.items():
            wanted = self.plan.all_paths.get(self._targets[path].name, set())
            if not any(name.startswith(f"{path}/") for name in self.stored) and (found := tree.occupied(sorted(wanted))):
                raise RequestError(
                    f"{tree.root} holds {found}, and no record says that it was built from here",
                    "`clx build --adopt` takes them over, nothing is deleted; or choose another folder with -o",
                )

    def _leave_to_others(self) -> None:
        """Outputs at paths of another course are not made: one error for each source and course."""
        for source in self.plan.sources:
            found: dict[tuple[str, str], list[Output]] = {}
            for output in source.outputs:
                tree = self._trees[str(output.variant.target.path)]
                for other in tree.others(output.variant.path)[:1]:
                    found.setdefault((tree.course, other), []).append(output)
            for (course, other), outputs in found.items():
                source.outputs = [output for output in source.outputs if output not in outputs]
                made = {output.render for output in source.wanted}
                source.spec["variants"] = [variant for variant in source.spec["variants"] if variant["id"] in made]
                names = tuple(f"{output.variant.target.name}/{output.variant.path}" for output in outputs)
                problem = owned_by_others(names[0], course, other, source.source.path)
                self.problems.append(problem.with_(outputs=names))

    def start(self) -> None:
        """Before any job: what a killed build left goes, and the files that do not depend on a job come.

        Raises :class:`RequestError` where a job could not put its outputs anywhere.
        """
        self._refuse_read_only()
        for tree in self._trees.values():
            tree.tidy()
        if not self.request.output_dir:
            self._former.add(self._targets)
        self._ignore_outputs()
        if any(not set(PAGES).isdisjoint(target.formats) for target in self.course.targets) and (names := assets.missing()):
            self.problems.append(_incomplete(names))
        self._copy_all(static_copies(self.course, self.plan.choice))

    def _ignore_outputs(self) -> None:
        """Outputs of a plain folder stay out of version control unless the user says otherwise: written once."""
        if self.course.layout != "source" or self.request.single:
            return
        prefix = f".clx-{mark_of(self.course.root)}-"
        for parent in {target.path.parent for target in self.course.targets} - {self.course.root}:
            sweep(parent, prefix)
            if not parent.exists() or next(parent.iterdir(), None) is None:  # empty: whoever made it was killed
                write_atomically(parent / ".gitignore", b"*\n", prefix=prefix)

    def _refuse_read_only(self) -> None:
        """Find out before any work that a folder cannot be written; asking changes nothing there."""
        wanted = {output.variant.target.path for source in self.plan.sources for output in source.wanted}
        for target in sorted(wanted):
            there = next(folder for folder in (target, *target.parents) if folder.exists())
            if not os.access(there, os.W_OK | os.X_OK):
                raise RequestError(
                    f"the outputs cannot be written: {there} is read-only", "make it writable, or choose another folder with -o"
                )

    # --- jobs ---------------------------------------------------------------

    def spec(self, source: SourcePlan) -> dict[str, Any]:
        """The job of a source, with all that is needed to publish it even after a restart."""
        outputs: dict[str, list[list[str]]] = {}
        for output in source.wanted:
            variant = output.variant
            outputs.setdefault(output.render, []).append([str(variant.target.path), variant.path, variant.name, output.key, output.reason])
        root = self.course.root
        return {
            **source.spec,
            "course": self.course.file,
            "parts": source.parts.to_json(),
            "outputs": outputs,
            "environment": {"names": list(self.course.environment), "file": str(self.course.env_file) if self.course.env_file else None},
            "never_link": sorted({path.relative_to(root).as_posix() for path in map(Path, self._targets) if path.is_relative_to(root)}),
        }

    def rows(self, attempt: Attempt) -> list[StoredOutput]:
        """What an attempt means for each output, as rows to record."""
        cause = next((problem.id for problem in attempt.problems if problem.severity == "error"), "")
        return [
            self._row(attempt, f"{target}/{path}", render, variant, key, reason, cause)
            for render, wanted in attempt.job.spec["outputs"].items()
            for target, path, variant, key, reason in wanted
        ]

    def _row(self, attempt: Attempt, name: str, render: str, variant: str, key: str, reason: str, cause: str) -> StoredOutput:
        job, made, missed = attempt.job, attempt.outputs.get(render), attempt.missing.get(render)
        fresh = StoredOutput(name, job.spec["course"], job.place, variant, key, "failed", reason)
        last = self.stored.get(name, fresh)
        base = replace(last, course=fresh.course, place=fresh.place, variant=variant, key=key, reason=reason)
        if made and attempt.status == "ok":
            return replace(
                base, state="built", sha256=made["sha256"], size=made["size"], assets=tuple(made.get("assets") or ()),
                shown=tuple(made.get("shown") or ()), note=made.get("note") or "", problem="", built=time.time(),
                mtime_ns=None,  # of what lies there until this one is published: it must not pass for it
            )  # fmt: skip
        if missed is None:
            return replace(base, state="failed", problem=cause)
        # The last good file stays, unless it shows what is hidden now.
        hidden = set(missed.get("hidden") or ()) & set(last.shown)
        return replace(base, state="withdrawn" if hidden else missed["state"], problem=missed.get("problem") or cause)

    def publish(self, attempt: Attempt, rows: Iterable[StoredOutput]) -> list[StoredOutput]:
        """Publish the accepted rows of an attempt; gives them as they lie there now."""
        published = []
        for row in rows:
            target, path = self._split(row.name)
            tree = self._trees[target]
            accepted = old.sha256 if (old := self.stored.get(row.name)) else None
            if row.state == "built":
                assert row.sha256 is not None and row.size is not None
                entry = Entry(row.sha256, row.size, row.course, attempt.job.path, row.variant, row.key, row.reason)
                done = tree.put(path, attempt.stage / row.sha256, entry, accepted)
                row = _as_published(row, done)
                language = language_in(row.variant)
                for name in row.assets:
                    self._copy_all(needed_by_page(self.course, self._targets[target], path, language, attempt.job.path, name))
            elif row.state == "withdrawn":
                tree.remove(path, accepted)
            self.stored[row.name] = row
            published.append(row)
        return published

    def _split(self, name: str) -> tuple[str, str]:
        target = next(target for target in self._targets if name.startswith(f"{target}/"))
        return target, name[len(target) + 1 :]

    # --- assets -------------------------------------------------------------

    def _copy_all(self, copies: Iterable[Copy]) -> None:
        hashes: dict[str, tuple[str, int]] = {}
        for copy in copies:
            self._copy(copy, hashes)

    def _copy(self, copy: Copy, hashes: dict[str, tuple[str, int]]) -> None:
        name = f"{copy.target.path}/{copy.dest}"
        if name in self.assets or copy.dest.startswith("../"):
            return
        if copy.ours:
            self._copy_ours(copy, name)
            return
        source = self.course.root / copy.path
        if copy.mentioned and stays_private(self.course.root, copy.path):
            return
        if copy.path not in hashes:
            if not source.is_file() or leads_outside(self.course.root, copy.path):
                return
            hashes[copy.path] = file_digest(source), source.stat().st_size
        self._put(copy, name, source, copy.path, *hashes[copy.path])

    def _copy_ours(self, copy: Copy, name: str) -> None:
        """One of the files that pages load. Where this installation lacks it, the one that an earlier build published stays."""
        source = assets.path(copy.path)
        if not source.is_file():
            self._spared.add(name)
            return
        if copy.path not in self._hashes_of_ours:
            self._hashes_of_ours[copy.path] = file_digest(source), source.stat().st_size
        self._put(copy, name, source, f"{assets.FOLDER}/{copy.path}", *self._hashes_of_ours[copy.path])

    def _put(self, copy: Copy, name: str, content: Path, source: str, sha256: str, size: int) -> None:
        entry = Entry(sha256, size, self.course.file, source, ASSET, sha256, "mentioned")
        tree = self._trees[str(copy.target.path)]
        done = tree.put(copy.dest, content, entry)
        state = {"written": "built", "same": "fresh", "kept": "stale"}[done]
        self.assets[name] = Asset(copy.target.name, copy.dest, source, state, sha256 if done == "kept" else tree.entries[copy.dest].sha256)

    # --- the end ------------------------------------------------------------

    def finish(self, rows: Mapping[str, StoredOutput], *, complete: bool) -> list[str]:
        """Copy what pages refer to, write start pages, remove what left the course, write the manifests. Gives the names of removed outputs.

        A build that was cancelled (not *complete*) or that chose a part removes nothing.
        """
        self._copy_all(mentioned_copies(self.course, self.plan.sources, rows))
        for made in made_pages(self.plan.navigation, self.plan.choice, rows) if self.plan.navigation else ():
            self._start_page(made)
        gone = []
        if complete and self.plan.choice.everything and not self.request.failed:
            for path, tree in self._trees.items():
                wanted = self.plan.all_paths[self._targets[path].name]
                others = (*self.assets, *self._spared, *self.pages)
                copied = {name.removeprefix(f"{path}/") for name in others if name.startswith(f"{path}/")}
                removed = tree.prune((wanted | copied).__contains__)
                gone += [f"{path}/{name}" for name in removed]
            gone += [name for name in rows if self._left(name)]
            if not self.request.output_dir:
                gone += self._leave_former(rows)
        for tree in self._trees.values():
            tree.save()
            self.problems += tree.problems
        return gone

    def _leave_former(self, rows: Mapping[str, StoredOutput]) -> list[str]:
        """Remove what is ours from folders that are targets no more; not what a target above or below them holds now."""
        names = {f"{path}/{name}" for path in self._targets for name in self.plan.all_paths[self._targets[path].name]}
        names |= {*self.assets, *self.pages}
        gone, stay = [], []
        for folder in self._former.besides(self._targets):
            tree = self._tree(folder)
            tree.leave(lambda path, folder=folder: f"{folder}/{path}" in names)  # type: ignore[misc]
            self.problems += tree.problems
            gone += [name for name in rows if name.startswith(f"{folder}/") and name not in names]
            stay += [str(folder)] if not tree.entries and (folder / MANIFEST).exists() else []  # until what people left there is gone
        self._former.keep([*self._targets, *stay])
        return gone

    def _start_page(self, made: Made) -> None:
        name, tree = f"{made.target.path}/{made.path}", self._trees[str(made.target.path)]
        if name in self.assets:  # the course brings a page of its own
            return
        if (not made.kind and tree.shared()) or tree.others(made.path):  # it would lead to one of several courses only
            return
        key = made.key
        if (sha256 := tree.holds(made.path, key)) is None:
            content = made.html()
            sha256 = hashlib.sha256(content).hexdigest()
            done = tree.put(made.path, content, Entry(sha256, len(content), self.course.file, "", made.variant, key, "start page"))
        else:
            done = "same"
        state = {"written": "built", "same": "fresh", "kept": "stale"}[done]
        if not made.target.self_contained:
            self._copy_all(copies_of_ours(made.target, made.loads_from, LOADS))
        self.pages[name] = Page(made.target.name, made.path, made.kind, made.language, state, sha256)

    def _left(self, name: str) -> bool:
        """Whether an output's row belongs to a target of this build but its path is no longer asked for."""
        for path, target in self._targets.items():
            if name.startswith(f"{path}/"):
                return name[len(path) + 1 :] not in self.plan.all_paths[target.name]
        return False


def _incomplete(names: list[str]) -> Problem:
    """The warning for an installation that lacks files which pages load: a checkout that was never installed, or not since it changed."""
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return Problem(
        "tool-missing",
        f"this installation of clx_jupyter lacks {names[0]}{more}, which pages load; they are built all the same",
        "in a checkout run `make setup` or `python -m pip install --editable .`; otherwise `pip install --force-reinstall clx-jupyter`",
        "warning",
    )


def _as_published(row: StoredOutput, done: str) -> StoredOutput:
    if done == "kept":
        return replace(row, state="stale", mtime_ns=None)
    status = Path(row.name).stat()
    return replace(row, mtime_ns=status.st_mtime_ns)
