"""Random decks that hold a secret in every place where a deck can hold text, and who may see which.

The table of who sees what is written from ``docs/kinds.md``, not from the code: it is what the code is held against.
"""

from __future__ import annotations

import base64
import json
import random
import re
from dataclasses import dataclass, field
from typing import Any

import jupytext
from nbformat import from_dict

TOKEN = re.compile(r"Qz[0-9a-z]{10}")
PRIVATE = frozenset({"private", "notes", "voiceover"})
PUBLIC = ("code-along", "student", "completed", "partial", "mine", "grading")
KINDS = (*PUBLIC, "speaker", "trainer")
#: Kinds of a course's own: one that says nothing, one that clears solutions and shows results.
OWN: dict[str, dict[str, Any]] = {
    "mine": {"id": "mine", "remove": ["del"]},
    "grading": {"id": "grading", "remove": ["del"], "blank": ["solution"], "clear_solutions": True, "answer_stub": True},
}
CLEARING = ("code-along", "student", "grading")
RESULTS = ("completed", "partial", "mine", "grading", "speaker", "trainer")
TAGS = ("keep", "start", "alt", "completed", "solution", "answer", "notes", "voiceover", "private", "del")
HIDING = tuple(tag for tag in TAGS if tag not in ("keep", "start"))
OTHER_TAGS = ("slide", "subslide", "fragment", "nodataurl", "global", "my-own:tag", "raises-exception", "remove-input")
SLIPS = {
    "private": ("prviate", "Private", "privat", "PRIVATE", "private_"), "notes": ("note", "Notes", "notess"),
    "voiceover": ("voice-over", "voice_over", "Voiceover"), "solution": ("solutions", "Solution", "soluton"),
    "answer": ("answers", "anwser"), "completed": ("complete", "Completed"), "alt": ("Alt",), "del": ("DEL",),
}  # fmt: skip
EDGES = ("SOLUTION", "HIDDEN TESTS", "MARK SCHEME")


@dataclass
class Plant:
    """A secret: where it stands in its cell."""

    token: str
    place: str
    region: bool = False
    #: It need not be seen by those who may see it (pages leave it out, or the whole cell was read as something else).
    shy: bool = False
    #: A result of another cell shows it too.
    shared: bool = False


@dataclass
class Made:
    """A cell as its author means it."""

    type: str
    tags: set[str]
    language: str = ""
    lines: list[str] = field(default_factory=list)
    plants: list[Plant] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    outputs: list[dict[str, Any]] = field(default_factory=list)
    attachments: dict[str, Any] = field(default_factory=dict)
    inside: bool = False
    #: How the tags are written where not as a list: a slip, or a marker nobody can read.
    written: list[str] | str | None = None
    broken: str = ""
    #: Its output shows a line of this cell.
    betrays: Made | None = None

    @property
    def has_region(self) -> bool:
        return any(plant.region and plant.place == "source" for plant in self.plants)


@dataclass
class Deck:
    """A source, and what is in it."""

    path: str
    text: str
    reader: dict[str, Any]
    cells: list[Made]
    languages: tuple[str, ...]
    prog_lang: str
    #: Regions that do not end: kinds that clear get nothing.
    unclosed: bool = False


def sees(kind: str, cell: Made, plant: Plant, language: str, format: str) -> bool | None:
    """Whether a variant shows a secret; ``None``: it may or may not."""
    if plant.place == "nowhere":
        return False
    if language and cell.language and cell.language != language:
        # In a marker that cannot be read, nobody reads the language either; and what another language shows is no secret.
        open_ = cell.broken or isinstance(cell.written, str) or plant.shared
        return None if open_ and _told(kind, cell, plant) else False
    if not _gets(kind, cell):
        return False
    rule = _rule(kind, cell)
    cleared = rule in CLEARING and cell.has_region
    if plant.region and cleared:
        return False
    whole: bool | None = None if plant.shy or cell.broken or cell.written is not None else True
    if plant.place == "source":
        return whole
    if plant.place == "output":
        if kind not in RESULTS or cleared or format == "code":
            return False
        # Nothing runs where only start cells are left.
        return None if "start" in cell.tags else whole
    if plant.place == "attachment":
        return whole if format == "notebook" else None
    return whole if format == "notebook" and not cleared else None


def _rule(kind: str, cell: Made) -> str:
    return ("code-along" if cell.inside else "completed") if kind == "partial" else kind


def _gets(kind: str, cell: Made) -> bool:
    rule, tags = _rule(kind, cell), cell.tags
    if "del" in tags or (kind in PUBLIC and tags & PRIVATE) or (kind == "trainer" and "voiceover" in tags):
        return False
    if "start" in tags and rule in ("completed", "speaker", "trainer"):
        return False
    if rule in ("student", "grading") and tags & {"solution", "answer"}:
        return False
    if rule == "code-along":
        if tags & {"alt", "completed", "solution"} or (cell.type != "code" and "answer" in tags):
            return False
        return cell.type != "code" or bool(tags & {"keep", "start"})
    return True


def betrayed(kind: str, deck: Deck, language: str, format: str) -> bool:
    """Whether a result that the variant would show has a line of a cell that it does not get."""
    for cell in deck.cells:
        if cell.betrays is not None and kind in RESULTS and format != "code":
            shown = _gets(kind, cell) and not (cell.language and language and cell.language != language)
            line = next(plant for plant in cell.betrays.plants if plant.place == "source")
            if shown and not (_rule(kind, cell) in CLEARING and cell.has_region) and not _told(kind, cell.betrays, line):
                return True
    return False


def _told(kind: str, cell: Made, plant: Plant) -> bool:
    return _gets(kind, cell) and not (plant.region and _rule(kind, cell) in CLEARING)


class Generator:
    """Makes one deck from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.format = self.random.choices(
            ("ipynb", "py:percent", "cpp:percent", "md", "md:myst", "Rmd", "py:light"), (8, 6, 1, 1, 1, 1, 1)
        )[0]
        self.comment = "//" if self.format.startswith("cpp") else "#"
        self.jinja = self.format == "py:percent" and self.random.random() < 0.2
        self._betrayal = self.format == "ipynb" and self.random.random() < 0.25

    def token(self) -> str:
        return "Qz" + "".join(self.random.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=10))

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def deck(self) -> Deck:
        languages = self.random.choice(((), (), ("de", "en")))
        cells = [self._cell(languages) for _ in range(self.random.randint(2, 9))]
        self._workshops(cells)
        if self._betrayal:
            self._betray(cells)
        unclosed = self.format in ("ipynb", "py:percent") and self.chance(0.04)
        if unclosed:
            edge = self.random.choice(("### BEGIN SOLUTION", "# BEGIN SOLUTION", "### begin hidden tests", "### END MARK SCHEME"))
            cells[-1].lines.append(edge)
        text = self._text(cells)
        suffix = {"ipynb": "ipynb", "cpp:percent": "cpp", "md": "md", "md:myst": "md", "Rmd": "Rmd"}.get(self.format, "py")
        reader = {
            "format": self.format,
            "comment": self.comment,
            "jinja": self.jinja,
            "templates": [],
            "globals": {},
            "prog_lang": "python",
        }
        if self.comment == "//":
            reader["prog_lang"] = "cpp"
        return Deck(f"deck.{suffix}", text, reader, cells, languages, str(reader["prog_lang"]), unclosed)

    # --- cells ---

    def _cell(self, languages: tuple[str, ...]) -> Made:
        kind = self.random.choices(("code", "markdown", "raw"), (6, 5, 1))[0]
        count = self.random.choices((0, 1, 2, 3), (4, 6, 3, 1))[0]
        cell = Made(kind, set(self.random.sample(TAGS, count)), self.random.choice(("", *languages)))
        cell.tags |= set(self.random.sample(OTHER_TAGS, self.random.choice((0, 0, 1, 2))))
        for _ in range(self.random.randint(1, 3)):
            cell.lines.append(self._line(cell, region=False))
        if self.chance(0.2) and kind != "raw":
            self._region(cell)
        elif self.chance(0.1) and kind != "raw" and self.format == "ipynb":
            self._nbgrader(cell)
        if self.chance(0.3) and self.format not in ("cpp:percent", "py:light"):
            cell.metadata[self.random.choice(("author_note", "hint", "solution2"))] = self._plant(cell, "metadata")
        if self.format == "ipynb":
            self._results(cell)
        if self.format.endswith("percent") or self.format == "ipynb":
            self._slip(cell)
        return cell

    def _plant(self, cell: Made, place: str, region: bool = False, shy: bool = False) -> str:
        plant = Plant(self.token(), place, region, shy)
        cell.plants.append(plant)
        return plant.token

    def _line(self, cell: Made, region: bool) -> str:
        if cell.type == "code":
            sign = self.comment
            form = self.random.choice(('{} = compute("{}")', "{} " + sign + " {}", 'print("{}", {})', "x{0} = y{1}"))
            form = form if sign == "#" else self.random.choice(("int {} = f({});", "// {} {}"))
            return form.format(self._plant(cell, "source", region), self._plant(cell, "source", region))
        hidden_on_pages = self.random.random() < 0.2
        token = self._plant(cell, "source", region, shy=hidden_on_pages or cell.type == "raw")
        if self.jinja and self.chance(0.3):
            return f"text {{# {self._plant(cell, 'nowhere')} #}} {token}"
        if hidden_on_pages:
            return f"<!-- {token} -->"
        return self.random.choice(
            ("# A heading {}", "* **{}** in bold", "[{}](https://example.org)", "[link](https://example.org/{})", '<b title="{}">b</b>', "$x^2$ {}",
             "| a | {} |", "1. first {}", "`{}`", "some text & {} <i>more</i>", "![{}](https://example.org/a.png)")
        ).format(token)  # fmt: skip

    def _region(self, cell: Made) -> None:
        sign = self.comment if cell.type == "code" else "###"
        name = self.random.choice(EDGES)
        mark = "###" if sign in ("#", "###") else "// ###"
        inner = [self._line(cell, region=True) for _ in range(self.random.randint(1, 2))]
        cell.lines += [f"{mark} BEGIN {name}", *inner, f"{mark} END {name}"]

    def _nbgrader(self, cell: Made) -> None:
        """A solution cell without a region: all of it is the solution."""
        cell.metadata["nbgrader"] = {"grade": True, "grade_id": "a1", "locked": False, "schema_version": 3, "solution": True}
        for plant in cell.plants:
            plant.region = plant.place == "source"

    def _slip(self, cell: Made) -> None:
        hiding = [tag for tag in cell.tags if tag in HIDING]
        if not hiding or not self.chance(0.35):
            return
        tag = self.random.choice(hiding)
        # Where several tags hide the cell, the others may be right: all but one are left out to see what this one does.
        cell.tags -= set(hiding) - {tag}
        rest = sorted(cell.tags - {tag})
        if self.format == "ipynb" or self.chance(0.5):
            cell.written = [*rest, self.random.choice(SLIPS[tag])]
        elif self.jinja or self.chance(0.6):
            names = ", ".join(f'"{name}"' for name in [*rest, tag])
            cell.written = self.random.choice(
                (f"tags=[{names}", f"tags=[{names.replace(chr(34), '')}]", f'tags="{tag}"', f"tags='{tag}'", f"tags: [{names}]", f"tags={names}]",
                 f"tags = [{names}]", f"tags=({names})",
                 f"tag=[{names}]", f"Tags=[{names}]", f"tss=[{names}]")
            )  # fmt: skip
        elif not cell.has_region and tag != "answer":  # kept code that answers is kept
            cell.broken = self.random.choice(("%", "%%[markdown]", "%%[", "region", "+"))

    def _workshops(self, cells: list[Made]) -> None:
        opened = False
        for cell in cells:
            if cell.type == "markdown" and self.chance(0.1) and cell.written is None and not cell.broken:
                cell.tags.add("workshop")
                opened = True
            elif self.chance(0.1) and cell.written is None and not cell.broken:
                cell.tags.add("end-workshop")
                opened = False
            cell.inside = opened

    # --- results ---

    def _results(self, cell: Made) -> None:
        if cell.type == "code":
            for _ in range(self.random.choice((0, 1, 1, 2))):
                cell.outputs.append(self._output(cell))
        elif self.chance(0.3):
            used = self.chance(0.5)
            # What nothing refers to any more goes with the solution.
            token = self._plant(cell, "attachment", region="nbgrader" in cell.metadata or not used)
            cell.attachments = {"picture.png": {"image/png": base64.b64encode(f"picture {token} end".encode()).decode()}}
            if used:
                cell.lines.append("![p](attachment:picture.png)")

    def _output(self, cell: Made) -> dict[str, Any]:
        form = self.random.choice(("stream", "error", "text", "html", "png", "json", "svg", "latex", "script", "markdown"))
        token = self._plant(cell, "output", shy=form in ("png", "json", "script", "svg", "latex"))
        if form == "stream":
            return {"output_type": "stream", "name": self.random.choice(("stdout", "stderr")), "text": f"result {token}\n"}
        if form == "error":
            trace = [f"\x1b[0;31mValueError\x1b[0m: {token}"]
            return {"output_type": "error", "ename": "ValueError", "evalue": token, "traceback": trace}
        png = base64.b64encode(b"\x89PNG\r\n\x1a\n tEXt Title\0" + token.encode()).decode()
        data: dict[str, Any] = {
            "text": {"text/plain": token}, "html": {"text/html": f"<b>{token}</b>", "text/plain": "b"},
            "png": {"image/png": png, "text/plain": "<Figure>"}, "json": {"application/json": {"a": [token]}, "text/plain": "json"},
            "svg": {"image/svg+xml": f"<svg><title>{token}</title></svg>"}, "latex": {"text/latex": f"${token}$"},
            "script": {"application/javascript": f"let x = '{token}'"}, "markdown": {"text/markdown": f"*{token}*"},
        }[form]  # fmt: skip
        return {"output_type": "display_data", "data": data, "metadata": {}}

    def _betray(self, cells: list[Made]) -> None:
        """A result that shows the code of another cell: a traceback, a history, a source."""
        code = [cell for cell in cells if cell.type == "code" and cell.written is None]
        lines = [(cell, line) for cell in code for line in cell.lines if "compute(" in line]
        if len(code) < 2 or not lines:
            return
        betrayed, line = self.random.choice(lines)
        if self.chance(0.7):
            betrayed.tags.add(self.random.choice(("private", "solution")))
        cell = self.random.choice([cell for cell in code if cell is not betrayed])
        token = TOKEN.search(line)
        assert token is not None
        first = next(plant for plant in betrayed.plants if plant.token == token.group())
        betrayed.plants.remove(first)
        betrayed.plants.insert(0, first)
        cell.betrays = betrayed
        for plant in betrayed.plants:
            plant.shared = plant.token in line
        form = self.random.choice(("trace", "repr", "text", "html", "colours"))
        coloured = line.replace("compute(", "\x1b[38;5;28mcompute\x1b[39m(").replace(" = ", " \x1b[38;5;241m=\x1b[39m ")
        cell.outputs.append({
            "trace": {"output_type": "error", "ename": "E", "evalue": "", "traceback": [f"Cell In[1], line 1\n----> 1 {line}\n", "E: "]},
            "colours": {"output_type": "error", "ename": "E", "evalue": "", "traceback": [f"----> 1 {coloured}\n", "E: "]},
            "repr": {"output_type": "stream", "name": "stdout", "text": repr(["", f"a\n{line}\nb"])},
            "text": {"output_type": "stream", "name": "stdout", "text": f"def f():\n    {line}\n"},
            "html": {"output_type": "display_data", "data": {"text/html": f"<pre><span class='n'>{line.replace('(', '<b>(</b>')}</span></pre>"},
                     "metadata": {}},
        }[form])  # fmt: skip

    # --- writing ---

    def _text(self, cells: list[Made]) -> str:
        if self.format.endswith("percent"):
            return self._percent(cells)
        rows = []
        for cell in cells:
            metadata = dict(cell.metadata)
            if cell.tags:
                metadata["tags"] = cell.written if cell.written is not None else sorted(cell.tags)
            if cell.language:
                metadata["lang"] = cell.language
            row: dict[str, Any] = {"cell_type": cell.type, "metadata": metadata, "source": "\n".join(cell.lines)}
            if cell.type == "code":
                row |= {"outputs": cell.outputs, "execution_count": None}
            elif cell.attachments:
                row["attachments"] = cell.attachments
            rows.append(row)
        node = {"nbformat": 4, "nbformat_minor": 4, "metadata": {"widgets": {"x": "y"}}, "cells": rows}
        if self.format == "ipynb":
            return json.dumps(node)
        node["metadata"] = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        text: str = jupytext.writes(from_dict(node), self.format)
        return text

    def _percent(self, cells: list[Made]) -> str:
        parts = []
        for number, cell in enumerate(cells):
            kind = "" if cell.type == "code" else f" [{cell.type}]"
            options = [f'lang="{cell.language}"'] if cell.language else []
            options += [f"{key}={json.dumps(value)}" for key, value in cell.metadata.items()]
            tags = cell.written if isinstance(cell.written, str) else f"tags={json.dumps(cell.written or sorted(cell.tags))}"
            sign = "%%"
            if cell.broken:
                sign, kind = cell.broken, ""
                # Its text stands in the cell before, which goes with it.
                for plant in cells[number - 1].plants if number else ():
                    plant.shy = True
                for earlier in cells[:number]:
                    for plant in earlier.plants:
                        plant.shy = True
            marker = " ".join(filter(None, [f"{self.comment} {sign}{kind}", *options, tags if cell.tags or cell.written else ""]))
            body = cell.lines if cell.type == "code" else [f"{self.comment} {line}".rstrip() for line in cell.lines]
            parts.append("\n".join([marker, *body]))
        return "\n\n".join(parts) + "\n"
