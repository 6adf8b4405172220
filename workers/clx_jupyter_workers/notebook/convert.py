"""A notebook job from start to end: read, find or make results, write every variant."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from clx_jupyter_workers import inputs, stage
from clx_jupyter_workers.assets import contained, marked
from clx_jupyter_workers.notebook import cells, check, export, links, printing, references, sources
from clx_jupyter_workers.notebook.cells import Shown
from clx_jupyter_workers.notebook.document import Document
from clx_jupyter_workers.notebook.guard import Guard
from clx_jupyter_workers.notebook.loading import Remote
from clx_jupyter_workers.notebook.paths import join
from clx_jupyter_workers.notebook.pictures import Pictures
from clx_jupyter_workers.notebook.results import Outcome, Results, all_files, included
from clx_jupyter_workers.notebook.words import Words
from clx_jupyter_workers.problems import Problem, SourceError
from clx_jupyter_workers.protocol import Header, Link

Variant = Mapping[str, Any]


def convert(job: Header, link: Link) -> Header:
    """Do a job: frames go to *link*; gives the fields of ``done``.

    :raises SourceError: the source as a whole cannot be read
    """
    root = Path(job["root"])
    try:
        named = job["source"]
        source = sources.load(root, named["path"], named.get("sha256", ""), job["reader"], named.get("companion"))
    except sources.Changed:
        return {"status": "changed"}
    conversion = _Conversion(job, source, link)
    try:
        if job.get("check"):
            conversion.look_only()
        else:
            conversion.all()
    except SourceError as error:
        raise check.explained(source, error, job) from error
    results = conversion.results
    return {"status": "ok", "sha256": source.sha256, "executions": results.executions, "kernels": results.executions, "runs": results.runs}


def _name(source: str) -> str:
    """A short name for a cell's text: published files are remembered by what they show, not by the text itself."""
    return hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()[:12]


class _Conversion:
    def __init__(self, job: Header, source: sources.Source, link: Link) -> None:
        self.job = job
        self.source = source
        self.link = link
        self.style: Mapping[str, Any] = job.get("style") or {}
        self.prog_lang = str(job["reader"].get("prog_lang", ""))
        self.files = all_files(job)
        self.results = Results(job, source, self.files, link)
        self.look = references.Files(source.root, source.folder, self.files, included(job))
        self.pictures = Pictures(self.style, self.look)
        self._linker = links.Linker(job.get("links") or {}, self.look, self.report, self._is_published)
        self._remote = Remote(self.report)
        self._reported: set[str] = set()
        self._regions: dict[int, list[Problem]] = {}
        self._guards: dict[tuple[int, str], Guard] = {}
        self._printer = printing.Printer(job.get("browser") or "", Path(job.get("scratch", "")) / "browser", link.check)

    def all(self) -> None:
        """Write all variants: first those that need no results, so that they exist early; last those that are printed."""
        printed = [variant for variant in self.job["variants"] if variant["format"] in printing.PAGE_OF]
        variants = [variant for variant in self.job["variants"] if variant not in printed]
        self._progress("read")
        documents = {variant["id"]: self._document(variant) for variant in self.job["variants"]}
        self._check()
        self._progress("write")
        for variant in sorted(variants, key=self._shows_results):
            self.link.check()
            self._variant(variant, documents[variant["id"]])
        self._look_into_data()
        for language in self.job["execute"].get("run", ()):
            self._run_for_others(language)
        try:
            for variant in printed:
                self.link.check()
                self._variant(variant, documents[variant["id"]])
        finally:
            self._printer.close()

    def _document(self, variant: Variant) -> Document:
        return self.source.document(variant["language"], printing.page_of(variant["format"]))

    def _look_into_data(self) -> None:
        """Report files of the topic, which are published whatever the cells say, that hold what a kind must not see."""
        guards = list(self._guards.values())
        elsewhere = included(self.job).values()
        for name in sorted(self.files.keys() - set(elsewhere)) if self.job.get("scope") and guards else ():
            self.link.check()
            beside = posixpath.relpath(name, self.source.folder or ".")
            text = self.look.text(beside)
            for guard in guards if text else ():
                if warning := guard.in_file(beside, text, given=True):
                    self.report(warning)

    def _run_for_others(self, language: str) -> None:
        """Run the code for notebooks that come after this one, whether or not a variant shows its results."""
        self.link.check()
        outcome = self.results.of(self.source.document(language, "html"), language)
        for problem in (*outcome.warnings, *([outcome.failure] if outcome.failure else [])):
            self.report(problem)

    def look_only(self) -> None:
        """Report all that a build would without running anything, and write nothing."""
        variants = self.job["variants"]
        languages = self.job["source"].get("languages") or [""]
        documents = {language: self.source.document(language, "html") for language in languages}
        shown = [(variant, self._document(variant)) for variant in variants]
        self._check()
        clears = any(rule.get("clear_solutions") for rule in self.job["kinds"].values())
        for language, document in documents.items():
            self.link.check()
            broken = self._regions[id(document)] if clears else ()
            halves = check.between_halves(self.source, document, self.job) if self.job.get("halves") else ()
            for problem in (*broken, *halves, *check.undescribed(document)):
                self.report(problem)
            everything = cells.apply(document, check.EVERYTHING, {}, language, self.style, self.prog_lang)
            self._look_up(everything, document, {"language": language, "format": "html"})
        for variant, document in shown:
            if not (self._clears(variant) and self._regions[id(document)]):
                self._link(self._shown(variant, document), document, variant)

    def _progress(self, phase: str) -> None:
        self.link.send("progress", **self.link.name, phase=phase, cell=0, cells=0, source_cell=None, language="")

    def report(self, problem: Problem) -> Problem:
        """Send a problem once, however many variants have it."""
        if problem.id not in self._reported:
            self._reported.add(problem.id)
            self.link.send("problem", problem=problem.to_json())
        return problem

    def _check(self) -> None:
        for problem in self.source.problems:
            self.report(problem)
        for document in self.source.documents():
            for problem in check.problems(self.source, document, self.job):
                self.report(problem)
            self._regions[id(document)] = cells.check_regions(document)

    def _shows_results(self, variant: Variant) -> bool:
        return bool(variant.get("outputs")) and bool(self._rule(variant).get("executed", True))

    def _rule(self, variant: Variant) -> cells.Rule:
        rule: cells.Rule = self.job["kinds"][variant["kind"]]
        return rule

    def _variant(self, variant: Variant, document: Document) -> None:
        if self._clears(variant) and (broken := self._regions[id(document)]):
            for problem in broken:
                self.report(problem)
            self._missing(variant, document, broken[0].id, "failed")
            return
        if variant["format"] in printing.PAGE_OF and not self.job.get("browser"):
            # Whoever made the job knows that there is no browser, and said so.
            self._missing(variant, document, None, "skipped")
            return
        outcome = self.results.of(document, variant["language"]) if self._shows_results(variant) else Outcome()
        for warning in outcome.warnings:
            self.report(warning)
        if outcome.failure is not None:
            self._missing(variant, document, self.report(outcome.failure).id, "failed")
        elif outcome.skipped:
            # The supervisor knows which kernel is missing, and said so.
            self._missing(variant, document, None, "skipped")
        else:
            self._write(variant, document, outcome)

    def _clears(self, variant: Variant) -> bool:
        rule = self._rule(variant)
        inner = self.job["kinds"].get(rule.get("workshop"), {})
        return bool(rule.get("clear_solutions") or inner.get("clear_solutions"))

    def _missing(self, variant: Variant, document: Document, problem: str | None, state: str) -> None:
        """Say that a variant could not be made, and which cells an older file of it must no longer show."""
        hidden = set(map(_name, cells.hidden_texts(document, self._rule(variant), self.job["kinds"], variant["language"])))
        self.link.send("missing", variant=variant["id"], problem=problem, state=state, hidden=sorted(hidden))

    def _write(self, variant: Variant, document: Document, outcome: Outcome) -> None:
        page = printing.as_page(variant)
        shown = self._shown(variant, document)
        texts = [each.cell for each in shown if each.cell.type != "code"]
        for cell in texts:
            cell.source = self.pictures.drawn(cell.source)
        assets, missing = self._look_up(shown, document, page)
        linked = self._linked(shown) if page["format"] != variant["format"] else set()
        self._link(shown, document, variant)
        for cell in texts:
            cell.source = self.pictures.placed(cell.source, cell.tags, page)
        guard = self._guard(variant, document)
        for name in assets:
            if warning := guard.in_file(name, self.look.text(name)):
                self.report(warning)
        if page["format"] in export.PAGES:
            self._remote.of_results(shown, outcome.results or {}, document)
        metadata = export.metadata_of(document.metadata, self.job.get("metadata"))
        data, loads = self._bytes(page, shown, metadata, outcome, missing)
        if leak := guard.problem(data, page["format"], shown, metadata, outcome.results):
            self._missing(variant, document, self.report(leak).id, "failed")
            return
        if page.get("self_contained"):
            # Only now: scripts of others are long, and hold no text of the course.
            data, loads = contained(data), []
        if page["format"] != variant["format"]:
            made = self._printed(variant, data, assets)
            if isinstance(made, Problem):
                self._missing(variant, document, self.report(made).id, "failed")
                return
            # The pictures are in it.
            data, assets = made, [name for name in assets if name in linked]
        sha256, size = stage.put(Path(self.job["stage"]), data)
        names = sorted({_name(document.cells[each.index].source) for each in shown if each.complete})
        self.link.send(
            "output", variant=variant["id"], sha256=sha256, size=size, assets=[*marked(loads), *assets], shown=names, note=outcome.note
        )

    def _printed(self, variant: Variant, page: bytes, assets: list[str]) -> bytes | Problem:
        """The PDF of a page, which may show the files that are published beside it."""
        placed = self.pictures.places(variant)

        def beside(name: str) -> Path | None:
            there = name in placed or name in assets or (self._is_published(name) and not references.may_be_source(name))
            return self.look.real(placed.get(name, name)) if there else None

        made = self._printer.pdf(page, variant["format"], self._title(variant["language"]), beside)
        return made.with_(path=self.source.path) if isinstance(made, Problem) else made

    def _linked(self, shown: list[Shown]) -> set[str]:
        """The files that text only links to, relative to the source's folder."""
        texts = [each.cell.source for each in shown if each.cell.type == "markdown"]
        return {posixpath.normpath(found.target) for text in texts for found in references.references(text) if not found.shown}

    def _shown(self, variant: Variant, document: Document) -> list[Shown]:
        # Pages have better boxes than a coloured element around the text.
        style = {**self.style, "boxed": variant["format"] in ("notebook", "code")}
        return cells.apply(document, self._rule(variant), self.job["kinds"], variant["language"], style, self.prog_lang)

    def _link(self, shown: list[Shown], document: Document, variant: Variant) -> None:
        """Make links to sources lead to outputs of the same kind."""
        name = "/".join(filter(None, (variant["kind"], variant["language"], variant["format"])))
        for each in shown:
            if each.cell.type == "markdown":
                each.cell.source = self._linker.rewritten(each.cell.source, name, variant["format"], document.cells[each.index], document)

    def _is_published(self, target: str) -> bool:
        """Whether a file is copied to the outputs whatever links to it: the data of a topic."""
        return bool(self.job.get("scope")) and join(self.source.folder, target) in self.files

    def _guard(self, variant: Variant, document: Document) -> Guard:
        name = (id(document), variant["kind"])
        if name not in self._guards:
            named = self.job["source"]
            titles = (*(named.get("titles") or {}).values(), *(named.get("course_titles") or {}).values(), *self._neighbours())
            self._guards[name] = Guard(document, self._rule(variant), self.job["kinds"], titles)
        return self._guards[name]

    def _neighbours(self) -> list[str]:
        """The titles that links to other pages show: all of them are public headings."""
        return [str(link["title"]) for variant in self.job["variants"] for link in (variant.get("navigation") or {}).values()]

    def _bytes(
        self, variant: Variant, shown: list[Shown], metadata: Mapping[str, Any], outcome: Outcome, missing: Mapping[str, str]
    ) -> tuple[bytes, list[str]]:  # fmt: skip
        if variant["format"] in export.PAGES:
            return export.PAGES[variant["format"]](shown, metadata, outcome.results, self._page(variant, outcome), missing)
        if variant["format"] == "code":
            return export.code(shown, metadata, variant.get("code_format") or "py:percent"), []
        return export.notebook(shown, metadata, outcome.results), []

    def _page(self, variant: Variant, outcome: Outcome) -> dict[str, Any]:
        """What a page says around its cells."""
        language, rule = variant["language"], self._rule(variant)
        return {
            "title": self._title(language),
            "course": _in(self.job["source"].get("course_titles") or {}, language),
            "language": language,
            "kind": {"id": rule.get("id", ""), "label": rule.get("label", ""), "public": bool(rule.get("public", True))},
            "note": Words(language)[outcome.note] if outcome.note else "",
            "assets": variant.get("assets", ""),
            "prog_lang": self.prog_lang,
            **(variant.get("navigation") or {}),
        }

    def _title(self, language: str) -> str:
        titles = self.job["source"].get("titles") or {}
        title = titles.get(language) or titles.get("") or next(iter(titles.values()), "")
        return title or posixpath.splitext(posixpath.basename(self.source.path))[0]

    def _look_up(self, shown: list[Shown], document: Document, variant: Variant) -> tuple[list[str], dict[str, str]]:
        """Files to publish beside the variant, and shown files that are not there with the text of their box."""
        assets, missing = set(), {}
        for each in shown:
            for reference in references.references(each.cell.source) if each.cell.type == "markdown" else ():
                held = reference.shown and self.pictures.held(reference.target, variant)
                if not held and self.look.is_asset(reference) and not self.pictures.moved(reference.target):
                    assets.add(posixpath.normpath(reference.target))
                if reference.shown and (state := self.look.state(reference.target)) in ("missing", "lfs"):
                    missing[reference.target] = f"{Words(variant['language'])['missing image']}: {reference.target}"
                    self._report_image(reference.target, each, document, state)
            if each.cell.type == "markdown":
                if variant["format"] in export.PAGES:
                    self._remote.of_text(each.cell.source, document.cells[each.index], document)
                for name in references.attached(each.cell.source) - {unquote(name) for name in each.cell.attachments}:
                    self._report_attachment(name, each, document)
        if variant["format"] not in export.PAGES:
            assets |= self._named_by_code(shown)
        return sorted(assets), missing

    def _report_image(self, target: str, shown: Shown, document: Document, state: str) -> None:
        where = links.place(document.cells[shown.index], document, target, quote(target))
        text, hint = f"The image {target} is not there.", "Put it there, or mend its path."
        if state == "lfs":
            text, hint = f"The image {target} is only a pointer of git LFS.", "Fetch the files: git lfs pull"
        self.report(Problem("image", text, hint, "warning", **where))

    def _report_attachment(self, name: str, shown: Shown, document: Document) -> None:
        where = links.place(document.cells[shown.index], document, quote(name), name)
        text, hint = f"The image {name} is not attached to this cell.", "Paste it into the cell again, or take its line away."
        self.report(Problem("image", text, hint, "warning", **where))

    def _named_by_code(self, shown: list[Shown]) -> set[str]:
        """Data files and modules that the code of the variant needs, relative to the source's folder."""
        text = "\n".join(each.cell.source for each in shown if each.cell.type == "code")
        folder = self.source.folder
        named = inputs.mentioned(text, folder, self.files) | inputs.modules(text, folder, self.files)
        return {posixpath.relpath(path, folder or ".") for path in named if not path.endswith(".ipynb") and path != self.source.path}


def _in(texts: Mapping[str, str], language: str) -> str:
    return texts.get(language) or texts.get("") or next(iter(texts.values()), "")
