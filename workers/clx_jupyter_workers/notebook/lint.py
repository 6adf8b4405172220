"""Slips of the pen in tags and metadata: found cell by cell, each with what was meant, and with a correction where that is safe.

The rules and their words stand in ``docs/checks.md``. Nothing here changes a file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from clx_jupyter_workers.notebook import cells, tags
from clx_jupyter_workers.notebook.document import Cell, Document
from clx_jupyter_workers.notebook.markers import (
    WORD,
    Editor,
    Fix,
    JsonEditor,
    Lines,
    Marker,
    MarkerEditor,
    in_one_style,
    is_marker,
    literal,
    parse,
)
from clx_jupyter_workers.problems import Problem

SURE = 0.81
"""From this likeness on a misspelled tag is corrected, and told of in notebooks that other programs wrote tags into."""


@dataclass(frozen=True, slots=True)
class Words:
    """What the rules must know of the course."""

    #: Tags that mean something here.
    own: frozenset[str] = tags.OWN
    #: The languages that the source is built in; empty where cells have none.
    languages: tuple[str, ...] = ()
    #: Tags are the language of the course format, so an unknown one is a mistake; elsewhere it belongs to another program.
    strict: bool = True
    #: What starts a comment in the text.
    comment: str = "#"


@dataclass(slots=True)
class _Place:
    """One cell, where it stands, and how it can be corrected."""

    cell: Cell
    has_lines: bool
    marker: Marker | None = None
    editor: Editor = field(default_factory=Editor)
    #: The correction of a marker in two styles at once.
    in_one_style: Fix | None = None
    #: The line of its marker, which is where its metadata stand.
    line: int | None = None

    def problem(self, message: str, hint: str = "", fix: Fix | None = None, severity: str = "warning", category: str = "tag") -> Problem:
        origin = self.cell.origin
        line = self.line or (origin.line if self.has_lines else None)
        return Problem(category, message, hint, severity, origin.path, origin.cell, self.cell.id, line, fix=fix)


def lint(document: Document, words: Words, lines: Lines) -> list[Problem]:
    """All that the tags and the metadata of a notebook's cells get wrong. *lines* reads text sources again, for corrections."""
    places = [_place(cell, document.has_lines, words, lines) for cell in document.cells]
    found = [problem for place in places for problem in _of_cell(place, words)]
    return [*found, *_pairs(places, words), *_slide_ids(places)]


def is_ours(document: Document) -> bool:
    """Whether a text is written with our tags, so that an unknown one is a slip and not another program's."""
    return document.has_lines and any(tags.MARKS.intersection(cell.tags) for cell in document.cells)


def _place(cell: Cell, has_lines: bool, words: Words, lines: Lines) -> _Place:
    if not has_lines:
        index = cell.origin.cell
        return _Place(cell, False, None, JsonEditor(index, cell.metadata) if index is not None else Editor())
    number = (cell.origin.line or 0) - 1
    text = lines(cell.origin.path) if number > 0 else None
    if not text or number > len(text):
        return _Place(cell, True)
    marker = parse(text[number - 1], number, words.comment)
    line = number if is_marker(text[number - 1], words.comment) else None
    return _Place(cell, True, marker, MarkerEditor(marker) if marker else Editor(), in_one_style(text[number - 1], number), line)


# --- one cell -----------------------------------------------------------------


def _of_cell(place: _Place, words: Words) -> Iterator[Problem]:
    odd = [*_keys(place, words), *_unreadable(place, words)]
    yield from odd or _doubtful(place)
    yield from _limit(place)
    if place.marker and words.strict:
        yield from _title(place)
    yield from _tags(place, words)
    if words.languages:
        yield from _language(place, words)


def _keys(place: _Place, words: Words) -> Iterator[Problem]:
    for key, value in place.cell.metadata.items():
        if key in tags.KEYS or not (meant := tags.key_meant(key, value, words.own, words.languages)):
            continue
        taken = meant in place.cell.metadata
        hint = f"Write {meant}= instead." if not taken else f"The cell has {meant} too: put both together."
        yield place.problem(f"The key '{key}' is unknown: it has no effect.", hint, place.editor.rename(key, meant))
    for key in ("tags", "lang"):
        if place.marker and len(place.marker.named(key)) > 1:
            yield place.problem(f"The marker names '{key}' more than once: only the last one counts.", "Put them together.")


def _unreadable(place: _Place, words: Words) -> Iterator[Problem]:
    """What jupytext could not read: a bracket, a quote or a sign is missing."""
    read = place.cell.metadata
    told = False
    for attribute in place.marker.attributes if place.marker else ():
        wanted = _wanted(attribute.key, attribute.words, words)
        # Of what jupytext gave up on, only the attribute at fault is told of.
        broken = not attribute.readable and (attribute.raw in place.cell.unreadable if "=" in attribute.sign else attribute.key not in read)
        if wanted is None or not broken or (attribute.raw and not attribute.words):
            continue
        told = True
        hint = f"Write {attribute.key}={literal(wanted)}"
        yield place.problem(
            _not_understood(attribute.key + attribute.sign + attribute.raw), hint, place.editor.value(attribute.key, wanted)
        )
    if place.cell.unreadable and not told:
        hint = 'Look for a missing quote or bracket, as in tags=["slide"] lang="en".'
        if place.in_one_style:
            hint = f"Write {place.in_one_style['new']}"
        yield place.problem(_not_understood(place.cell.unreadable), hint, place.in_one_style)


def _doubtful(place: _Place) -> Iterator[Problem]:
    """What hides a cell although it is no tag: better a cell too few in public than one too many."""
    cell = place.cell
    if not set(cell.tags).intersection(tags.HIDING) and (found := set(re.findall(r"[\w-]+", cell.doubtful)).intersection(tags.HIDING)):
        hint = f"Write tags={literal(sorted(found))}, or say it in other words; until then the cell is hidden."
        yield place.problem(f"This looks as if it were to hide the cell, and is no tag: {cell.doubtful[:200]}", hint)


def _limit(place: _Place) -> Iterator[Problem]:
    cell = place.cell
    if "timeout" in cell.metadata and cell.limit is None:
        yield place.problem(
            f"The cell's timeout {cell.metadata['timeout']!r} is no number of seconds: it has no effect.", "Write timeout=60"
        )


def _not_understood(text: str) -> str:
    return f"The cell's metadata cannot be understood: {text}"


def _wanted(key: str, found: list[str], words: Words) -> Any:
    """What the broken value of *key* was meant to be; ``None`` where that is not certain."""
    if (
        key in ("tags", "tag")
        and found
        and all(word in words.own or tags.is_foreign(word) or tags.meant(word, words.own) for word in found)
    ):
        return found
    if key == "lang" and len(found) == 1:
        return tags.language_meant(found[0], words.languages)
    return None


_TYPE = re.compile(r"(\[?)([A-Za-z]+)(\]?)")


def _title(place: _Place) -> Iterator[Problem]:
    """A cell type that is none makes text into code."""
    marker = place.marker
    assert marker is not None
    found = _TYPE.match(marker.title)
    if found is None or found.group() in ("[markdown]", "[md]", "[raw]"):
        return
    word = found[2]
    sure = bool(found[1] or found[3]) or marker.title == word
    meant = "md" if word.lower() == "md" else tags.meant(word, ("markdown", "raw"))
    if sure and meant and not (word == "raw" and not found[1] and not found[3]):
        fix = marker.change(marker.title_start, found.group(), f"[{meant}]")
        yield place.problem(f"'{found.group()}' is no type of cell: the cell counts as code.", f"Write [{meant}]", fix)


def _tags(place: _Place, words: Words) -> Iterator[Problem]:
    cell = place.cell
    for tag in dict.fromkeys(cell.tags):
        if tag in words.own or tags.is_foreign(tag):
            continue
        sure = tags.meant(tag, words.own, SURE)
        nearly = sure or tags.hides_as(tag) or (tags.meant(tag, words.own) if words.strict else None)
        if nearly or words.strict:
            hint = (
                f"Did you mean '{nearly}'?"
                if nearly
                else "The kinds of a course may give tags a meaning; docs/kinds.md lists those there are."
            )
            if hiding := tags.hides_as(tag):
                hint += f" Until it is mended the cell is hidden as '{hiding}' hides it."
            text = f"The tag '{tag}' is unknown." if nearly else f"The tag '{tag}' is unknown: it has no effect."
            yield place.problem(text, hint, _respelled(place, tag, sure) if sure else None)
    yield from _contradictions(place, words)


def _respelled(place: _Place, tag: str, new: str) -> Fix | None:
    if new in place.cell.tags:  # the same tag twice makes a notebook invalid
        return place.editor.value("tags", [each for each in place.cell.tags if each != tag])
    return place.editor.tag(tag, new)


def _contradictions(place: _Place, words: Words) -> Iterator[Problem]:
    cell = place.cell
    slides = [tag for tag in dict.fromkeys(cell.tags) if tag in tags.SLIDE_TAGS]
    if len(slides) > 1:
        text = f"The tags {' and '.join(map(repr, slides))} contradict each other; {slides[0]!r} is taken."
        yield place.problem(text, "Keep one of them.")
    slideshow = cell.metadata.get("slideshow")
    type = slideshow.get("slide_type") if isinstance(slideshow, dict) else None
    if words.strict and len(slides) == 1 and type not in (None, "", "-", slides[0]):
        yield place.problem(f"The tag {slides[0]!r} and slide_type={type!r} contradict each other; the tag is taken.", "Keep one of them.")
    if words.strict and cell.type == "code" and "workshop" in cell.tags:
        yield place.problem("The tag 'workshop' opens no workshop on a code cell.", "Give it to the text cell with the workshop's heading.")


def _language(place: _Place, words: Words) -> Iterator[Problem]:
    metadata = place.cell.metadata
    if "lang" not in metadata or metadata["lang"] in words.languages:
        return
    value = metadata["lang"]
    if value in ("", None):
        fix = place.editor.remove("lang") if value == "" else None
        yield place.problem("The cell's language is empty: it is shown in every language.", "Leave lang out, or name one.", fix, "info")
        return
    parts = [value] if isinstance(value, str) else value if isinstance(value, list) and len(value) == 1 else []
    meant = tags.language_meant(parts[0], words.languages) if parts and isinstance(parts[0], str) else None
    names = " or ".join(f'lang="{name}"' for name in words.languages)
    text = f"The language {value!r} is none of this notebook's: the cell is shown nowhere."
    yield place.problem(
        text, f'Did you mean lang="{meant}"?' if meant else f"Write {names}.", place.editor.value("lang", meant) if meant else None
    )


# --- cells that belong together -------------------------------------------------


def _pairs(places: list[_Place], words: Words) -> Iterator[Problem]:
    """A beginning without its end, and the other way round, in each language by itself."""
    opened = False
    open_starts: dict[str, _Place] = {}
    for place in places:
        own, language = place.cell.tags, place.cell.language
        if cells.opens_workshop(place.cell):
            opened = True
        elif "end-workshop" in own and not opened:
            yield place.problem(
                "No workshop is open here: the tag 'end-workshop' has no effect.", "Tag the text cell that opens it 'workshop'."
            )
        if {"completed", "alt"}.intersection(own):
            before = open_starts.pop(language, None)
            if "completed" in own and before is None and words.strict:
                hint = "A solution that replaces nothing is tagged 'alt'; what it replaces is tagged 'start'."
                yield place.problem("The tag 'completed' follows no cell tagged 'start'.", hint, severity="info")
        if "start" in own and words.strict:  # a notebook may be the code-along of another course
            if language in open_starts:
                yield _unfinished(open_starts[language])
            open_starts[language] = place
    yield from map(_unfinished, open_starts.values())


def _unfinished(place: _Place) -> Problem:
    text = "No cell tagged 'completed' follows this 'start': the solution has nothing in its place."
    return place.problem(text, "Tag the cell that completes it 'completed', or this one 'keep'.")


def _slide_ids(places: list[_Place]) -> Iterator[Problem]:
    """Two slides of one language with one name."""
    seen: dict[tuple[str, str], _Place] = {}
    for place in places:
        cell = place.cell
        name = cell.metadata.get("slide_id")
        if not isinstance(name, str) or not name or not {"slide", "subslide"}.intersection(cell.tags):
            continue
        key = name.lstrip("!"), cell.language
        first = seen.setdefault(key, place)
        if first is not place:
            number = first.line or first.cell.origin.line
            where = f" (line {number})" if number else ""
            yield place.problem(f"The slide_id '{key[0]}' belongs to an earlier slide{where}.", "Each slide has a name of its own.")


# --- the text as a whole --------------------------------------------------------

_ALMOST = {
    "#": (re.compile(r"(?P<old>#{2,}\s*%%)(?:\s|$)"), re.compile(r"(?P<old># ?%%)(?P<rest>\[(?:markdown|md|raw)\])"),
          re.compile(r"(?P<old># ?%)\s*\[(?:markdown|md|raw)\]")),
    "//": (re.compile(r"(?P<old>/{3,}\s*%%)(?:\s|$)"), re.compile(r"(?P<old>// ?%%)(?P<rest>\[(?:markdown|md|raw)\])"),
           re.compile(r"(?P<old>// ?%)\s*\[(?:markdown|md|raw)\]")),
}  # fmt: skip


def almost_markers(path: str, lines: list[str], comment: str) -> list[Problem]:
    """Lines of a percent text that were meant to begin a cell, and do not: two cells become one."""
    found = []
    for number, line in enumerate(lines, 1):
        for pattern in _ALMOST.get(comment, ()):
            if match := pattern.match(line):
                blank = " " if match.groupdict().get("rest") else ""
                fix = {"line": number, "was": line, "column": 0, "old": match["old"], "new": f"{comment} %%{blank}"}
                message = f"This line begins no cell: '{match.group().strip()}'."
                found.append(Problem("tag", message, f"A cell begins with '{comment} %%'.", "warning", path, line=number, fix=fix))
                break
    return found


def refused_tags(path: str, lines: list[str], comment: str) -> Problem | None:
    """The reason why jupytext refuses a percent text as a whole: tags that are no list of different names."""
    for number, line in enumerate(lines, 1):
        marker = parse(line, number, comment)
        attribute = marker.one("tags") if marker else None
        if marker is None or attribute is None:
            continue
        # What cannot be read at all does not disturb jupytext, and the cell's own rule tells of it.
        if attribute.readable and not _are_tags(attribute.value):
            wanted = list(dict.fromkeys(attribute.words))
            return _refused(attribute.raw, wanted, path, MarkerEditor(marker).value("tags", wanted) if wanted else None, line=number)
    return None


def refused_tags_of_notebook(path: str, cells: Iterable[Any]) -> Problem | None:
    """The same for the cells of an ``.ipynb``."""
    for index, cell in enumerate(cells):
        metadata = cell.get("metadata") if isinstance(cell, dict) else None
        if not isinstance(metadata, dict) or "tags" not in metadata or _are_tags(metadata["tags"]):
            continue
        raw = json.dumps(metadata["tags"], ensure_ascii=False)
        wanted = list(dict.fromkeys(WORD.findall(raw)))
        return _refused(raw, wanted, path, JsonEditor(index, metadata).value("tags", wanted) if wanted else None, cell=index)
    return None


def _refused(raw: str, wanted: list[str], path: str, fix: Fix | None, *, cell: int | None = None, line: int | None = None) -> Problem:
    text = f"The tags are no list of different names: {raw}"
    return Problem("bad-source", text, f"Write {literal(wanted)}", path=path, cell=cell, line=line, fix=fix)


def _are_tags(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(tag, str) for tag in value) and len(set(value)) == len(value)


def words_of(job: Mapping[str, Any], document: Document) -> Words:
    """What a job says of its course."""
    style, reader = job.get("style") or {}, job["reader"]
    own = tags.own_tags(job["kinds"]) | frozenset(style.get("tags") or ())
    strict = bool(style.get("slide_types")) or is_ours(document)
    return Words(own, tuple(job["source"].get("languages") or ()), strict, str(reader.get("comment") or "#"))
