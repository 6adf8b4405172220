"""From a course and a choice to jobs: what there is to make, what of it is fresh, and why the rest is not. Pure.

Nothing here writes, starts or waits; files are only read and hashed.
"""

from __future__ import annotations

import difflib
import os
import posixpath
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from clx_jupyter.after import Order, Site, Whole, joined, may_differ, require, sites
from clx_jupyter.collisions import without_collisions, without_long_names
from clx_jupyter.course.folder import bytes_of, names_below
from clx_jupyter.course.model import PRINTED, Course, Source
from clx_jupyter.course.scan import decode, scan
from clx_jupyter.errors import KEPT_FAILURES, Problem
from clx_jupyter.fingerprint import FileHashes, Parts, digest, reason
from clx_jupyter.job_spec import job_spec, variant_spec
from clx_jupyter.kernels import Kernel, choose, with_course_python
from clx_jupyter.languages import LANGUAGES
from clx_jupyter.links import Links
from clx_jupyter.navigation import Navigation
from clx_jupyter.plan import Known, Options, Output, Plan, Row, SourcePlan
from clx_jupyter.variants import PAGES, Choice, Variant, address_of_assets, twins_of, variants
from clx_jupyter_workers import VERSION, assets
from clx_jupyter_workers.browsers import NO_BROWSER, Found
from clx_jupyter_workers.inputs import Files, mentioned, modules


class Planner:
    """Plans one course. *known* and *rows* come from the database, *kernels* from the machine, *whole* looks at the kept files."""

    def __init__(
        self, course: Course, hashes: FileHashes, kernels: Mapping[str, Kernel], known: Mapping[str, Known], rows: Mapping[str, Row],
        options: Options, whole: Whole = lambda run: True, browser: Found = NO_BROWSER,
    ) -> None:  # fmt: skip
        self.course, self.hashes, self.browser = course, hashes, browser
        self.kernels, self.unusable = with_course_python(kernels, course.kernel_python)
        self.known, self.rows, self.options = known, rows, options
        self.twins, self.whole, self.order = twins_of(course), whole, Order(course)
        # Each lists the packages of an environment: once is enough for a plan.
        self.fingerprints: dict[str, str] = {}
        self.files = Files(self._course_files())
        self.links = Links(course, self.twins)
        #: Every variant of the course, by place.
        self.found = {site.place: list(variants(course, site.section, site.source, self.twins)) for site in sites(course)}
        self.navigation = Navigation(course, self.found)
        self._renders: dict[tuple[str, str, str, bool, str], str] = {}

    def _course_files(self) -> set[str]:
        """Every file that notebooks without a scope of their own may mention."""
        if all(source.scope is not None for _, _, source in self.course.sources()):
            return set()
        outputs = tuple(f"{target.path}{os.sep}" for target in self.course.targets)
        found: set[str] = set()
        for folder, names in names_below(self.course.root, hidden=(".",)):  # ``__init__.py`` counts
            if not f"{self.course.root / folder}{os.sep}".startswith(outputs):
                found.update(f"{folder}/{name}" if folder else name for name in names)
        return found

    def plan(self, choice: Choice) -> Plan:
        """The plan for *choice*."""
        targets: dict[str, set[str]] = {target.name: set() for target in self.course.targets}
        plan = Plan(self.course, choice, [], targets, [*self.course.problems, *self.order.problems])
        plan.navigation, found = self.navigation, self.found
        chosen: dict[str, Site] = {}
        for site in sites(self.course):
            for variant in found[site.place]:
                plan.all_paths[variant.target.name].add(variant.path)
            if choice.takes(site.index, site.topic, site.source):
                chosen[site.place] = site
        made: dict[str, SourcePlan] = {}
        for site in self.order.with_all_before(chosen.values()):
            every = found[site.place] if site.place in chosen else []
            asked = [each for each in every if choice.allows(each.target, each.kind, each.language, each.format)]
            made[site.place] = self._source(site, [made[each.place] for each in self.order.before(site)], found[site.place], asked)
        plan.sources = [made[place] for place in chosen]
        plan.problems.extend(self.links.problems)
        plan.problems.extend(without_long_names(plan.sources))
        plan.problems.extend(without_collisions(plan.sources))
        require(made.values(), self.whole)
        plan.needed = [place for name, place in made.items() if name not in chosen and place.needed_by]
        for place in (*plan.needed, *plan.sources):
            if self.options.execute and place.source.execute.mode != "never":
                plan.problems.extend(_kernel_problems(place, self.unusable))
        plan.problems.extend(self._browser_problems(plan))
        return plan

    def _browser_problems(self, plan: Plan) -> Iterator[Problem]:
        """One warning for all that cannot be printed."""
        printed = [output for place in plan.sources for output in place.outputs if output.variant.format in PRINTED]
        lacking = sum(1 for output in printed if output.reason or output.state == "skipped")
        if lacking and not self.browser.program:
            what = "the PDF is" if lacking == 1 else f"{lacking} PDFs are"
            yield Problem("tool-missing", f"{what} left out: {self.browser.message}", self.browser.hint, "warning")

    def _source(self, site: Site, before: list[SourcePlan], found: list[Variant], chosen: list[Variant]) -> SourcePlan:
        source = site.source
        kernel = choose(self.kernels, source.kernel, source.prog_lang)
        text = self._text(source)
        inputs = self._inputs(source, text)
        fingerprint = self._fingerprint(kernel)
        leads = self.order.leads(source.path)
        spec = job_spec(self.course, source, self.options, self.hashes, kernel, fingerprint, found, inputs, leads)
        links = self.links.of(site.index, source, self.links.names(source, text), found)
        settings = digest([
            [spec[name] for name in ("titles", "course_titles", "reader", "metadata", "style", "kinds")],
            [spec["execute"]["kinds"], source.execute.allow_errors, source.execute.mode, dict(self.options.environment)],
        ])  # fmt: skip
        beside = {source.companion: self.hashes[source.companion]} if source.companion else {}
        needed = inputs | beside | self.links.fingerprints(links)
        parts = joined(Parts(self.hashes[source.path], needed, fingerprint, settings, VERSION), before)
        place = SourcePlan(site.section, site.index, site.topic, source, parts, [], spec, kernel, before=before)
        place.languages = tuple(dict.fromkeys(variant.language for variant in found))
        known = self.known.get(place.place)
        why = reason(known.parts if known else None, parts)
        left_out = self.options.failed and not any(self._failed_before(variant) for variant in chosen)
        place.outputs = [self._output(variant, place, why, known, left_out) for variant in chosen]
        place.problems = list(known.problems) if known and not why else []
        place.runs = known.runs if known and not why else {}
        renders = {output.render: output for output in place.wanted}
        spec["links"] = self.links.addresses(links, found, [output.variant for output in renders.values()])
        spec["variants"] = [
            variant_spec(name, output.variant, self.course, self.navigation.links(output.variant)) for name, output in renders.items()
        ]
        return place

    def _fingerprint(self, kernel: Kernel | None) -> str:
        if kernel is None:
            return ""
        if kernel.name not in self.fingerprints:
            self.fingerprints[kernel.name] = kernel.fingerprint
        return self.fingerprints[kernel.name]

    def _failed_before(self, variant: Variant) -> bool:
        row = self.rows.get(_name(variant))
        return row is not None and row.state != "built"

    def _output(self, variant: Variant, place: SourcePlan, why: str, known: Known | None, left_out: bool) -> Output:
        render = self._render_name(variant)
        key = self._key(variant, place, render, "run" if self.options.execute else "kept")
        name = _name(variant)
        row = self.rows.get(name)
        output = Output(variant, name, render, key, "")
        if left_out:  # only what failed before is asked for, and nothing of this source did
            output.state = "fresh" if row is not None and not why else "stale"
        elif row is not None and self._is_unprintable(variant, row, key):
            output.state = "skipped"
        elif self.options.force or self.options.rerun:
            output.reason = "asked for"
        elif row is None:
            output.reason = why or "new output"
        elif row.key != key and not (row.state == "built" and row.key == self._key(variant, place, render, "run")):
            output.reason = why or _what_changed(row.key, key, self._key(variant, place, render, "kept"))
        elif row.state == "stale":
            # Somebody's own file lies there: it stays, until it is moved away.
            output.state, output.reason = ("stale", "") if row.fresh else ("stale", "output missing")
        elif row.state != "built":
            self._not_built(output, row, known, place.before)
        elif not row.fresh:
            output.reason = "output missing or changed"
        return output

    def _key(self, variant: Variant, place: SourcePlan, render: str, mode: str) -> str:
        """What an output was made from; *mode*: with results of its code as it is ``run`` now, or as they were ``kept``."""
        key = digest([place.parts.key, render, mode if variant.outputs else ""])
        links = self.navigation.links(variant)  # of this page only: a title that changes elsewhere runs no code here
        return f"{key}.{digest(links)[:12]}" if links else key

    def _is_unprintable(self, variant: Variant, row: Row, key: str) -> bool:
        """Whether a build said already that nothing can print this version of an output."""
        return variant.format in PRINTED and not self.browser.program and row.state == "skipped" and row.key == key

    def _render_name(self, variant: Variant) -> str:
        """The name of what is written once for all targets that have it."""
        address = address_of_assets(self.course, variant)
        key = (variant.kind.id, variant.language, variant.format, variant.outputs, address)
        if key not in self._renders:
            held = assets.digest() if variant.format in PAGES and not address else ""
            self._renders[key] = digest([variant.kind.to_json(), *key[1:], held])[:12]
        return self._renders[key]

    def _not_built(self, output: Output, row: Row, known: Known | None, before: list[SourcePlan]) -> None:
        """A failure that would only repeat itself stays as it is; every other one is tried again."""
        cause = next((problem for problem in (known.problems if known else ()) if problem.id == row.problem), None)
        if (
            not self.options.failed
            and cause
            and not may_differ(cause, before)
            and (cause.category in KEPT_FAILURES or cause.category == "bad-source")
            and row.state == "failed"
        ):
            output.state, output.problem = row.state, row.problem
        else:
            output.reason = "failed before" if row.state == "failed" else f"{row.state} before"

    def _text(self, source: Source) -> str:
        """What the source says, as far as planning needs to know."""
        data = bytes_of(self.course.root / source.path)
        return decode(data) if source.scope is not None else "\n".join(cell.source for cell in scan(source.path, data).cells)

    def _inputs(self, source: Source, text: str) -> dict[str, str]:
        """Files the source may depend on, with their hashes."""
        whole = source.scope is not None
        paths = {*(source.scope or ()), *(origin for origin, _ in source.includes)} if whole else self._mentioned(source, text)
        if source.jinja:
            paths |= self._templates()
        paths.discard(source.path)
        return {path: self.hashes[path] for path in sorted(paths)}

    def _templates(self) -> set[str]:
        root = self.course.root
        return {
            path.relative_to(root).as_posix() for folder in self.course.templates for path in sorted((root / folder).rglob("*")) if path.is_file()
        }  # fmt: skip

    def _mentioned(self, source: Source, text: str) -> set[str]:
        """Mentioned files and imported modules, these with what they mention and import in turn."""
        folder = posixpath.dirname(source.path)
        # Included files are mentioned by the names they have beside the source.
        origins = {posixpath.normpath(posixpath.join(folder, at)): origin for origin, at in source.includes}
        files = Files(self.files.paths | origins.keys()) if origins else self.files
        paths = mentioned(text, folder, files)
        queue = [(text, folder)] if source.prog_lang == "python" else []
        read: set[str] = set()
        while queue:
            code, base = queue.pop()
            # Relative imports count from the module's own folder, the others from the notebook's and the root.
            for path in (modules(code, folder, files) | modules(code, base, files)) - read:
                read.add(path)
                content = bytes_of(self.course.root / origins.get(path, path)).decode(errors="replace")
                paths |= {path} | mentioned(content, folder, files)
                queue.append((content, posixpath.dirname(path)))
        return {origins.get(path, path) for path in paths if PurePosixPath(path).suffix != ".ipynb"}


def _kernel_problems(place: SourcePlan, unusable: tuple[str, str]) -> Iterator[Problem]:
    """Missing kernels are known before anything starts; a stand-in for the one that a notebook names is told."""
    source = place.source
    shows = [output for output in place.outputs if output.variant.outputs]
    if place.kernel is None and (place.needed_by or any(output.reason or output.state == "skipped" for output in shows)):
        why, hint = unusable if source.prog_lang == "python" else ("", "")
        named = f" (the notebook names {source.kernel})" if source.kernel else ""
        why = why or f"no kernel for {source.prog_lang} is installed{named}"
        near = difflib.get_close_matches(source.prog_lang.lower(), LANGUAGES, n=1) if source.prog_lang not in LANGUAGES else []
        hint = hint or (f"did you mean {near[0]}? Else " if near else "") + "install one, or build without running: --no-execute"
        yield Problem("missing-kernel", why, hint, path=source.path)
    elif place.kernel and source.kernel and place.kernel.name != source.kernel and any(output.reason for output in shows):
        message = f"the kernel {source.kernel} is not installed; {place.kernel.name} runs {source.prog_lang} instead"
        yield Problem("missing-kernel", message, severity="info", path=source.path)


def _what_changed(old: str, new: str, kept: str) -> str:
    """Why an output is made again whose source is as it was; by its keys."""
    if old == kept:
        return "its code was not run"
    return "its links to other pages changed" if old.partition(".")[0] == new.partition(".")[0] else "settings changed"


def _name(variant: Variant) -> str:
    """The absolute path of an output, by which the database knows it."""
    return f"{variant.target.path.as_posix()}/{variant.path}"
