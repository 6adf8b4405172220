"""The first ``course.yaml`` of a folder: what is found there, written down for people to go on with."""

from __future__ import annotations

import json
import math
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from clx_jupyter.course import yaml_nodes
from clx_jupyter.course.folder import WHITE, Rule, default_formats, look_into, rule_of
from clx_jupyter.course.load import Place, check_named
from clx_jupyter.course.model import Section
from clx_jupyter.course.scan import Scan, decode
from clx_jupyter.course.yaml_spec import BESIDE, NAME
from clx_jupyter.course.yaml_topics import half
from clx_jupyter.errors import CourseError

_PLAIN = re.compile(r"[^\W_][\w./+-]*(?: [\w./+-]+)*")
# Languages of cells stand on their marker lines, or in the options of a text region.
_MARKED = re.compile(
    r"^(?:\W{0,4}%%|<!-- #region|\+\+\+|```)[^\n]*?\blang[\"']?\s*[=:]\s*[\"']([a-z]{2,3}(?:-[A-Za-z]{2,4})?)[\"']", re.MULTILINE
)
_HALF = re.compile(r"(?P<stem>.+)\.(?P<language>[a-z]{2})(?P<suffix>\.\w+)")

_HEAD = """\
# A course: what belongs to it, who gets which version of it, and where that goes.
# Paths are relative to this file. `clx validate` checks it, `clx build` builds it.
"""
_TAIL = """
# More that a course may say (take away the sign to use it):
# author: Ada Example
# organization: Example School
# execute: {cell_timeout: 300, timeout: 1800}   # seconds
# environment: [OPENAI_API_KEY]                 # variables of yours that the code needs
# names: numbered                               # "01 Title" in place of the names of the sources
# Editors complete this file by the JSON Schema that `clx init --schema` prints.
"""
_BESIDE = """\
# What the course file {name} cannot say; it builds without this file as well.
layout: clm   # folders and names as CLM makes them; clx: as CLX does

# More that may stand here (take away the sign to use it):
# navigation: true                              # start pages, previous and next
# execute: {{cell_timeout: 300, timeout: 1800}}   # seconds
# environment: [OPENAI_API_KEY]                 # variables of yours that the code needs
# kinds:                                        # own rules, here those of courses that mark what to hide
#   code-along: {{base: completed, blank: [solution]}}
"""


@dataclass(frozen=True, slots=True)
class Draft:
    """A course file that is not there yet: its absolute path, its text, and what was found in one sentence."""

    path: Path
    text: str
    notice: str

    def write(self) -> None:
        """Write it, whole or not at all. Raises :class:`CourseError` where one has appeared meanwhile, or the folder cannot be written."""
        try:
            with self.path.open("xb") as file:
                try:
                    file.write(self.text.encode())
                    file.flush()
                    os.fsync(file.fileno())
                except BaseException:
                    self.path.unlink()
                    raise
        except FileExistsError:
            raise _is_there(self.path) from None
        except OSError as error:
            raise CourseError(
                f"{self.path.name} cannot be written: {error.strerror}",
                "see who may write to the folder, and whether the disk is full",
                path=self.path.name,
            ) from None


def draft_for(place: Place) -> Draft:
    """The course file that *place* lacks. Raises :class:`CourseError` where there is one already, or nothing to write one for."""
    if place.single or place.chosen:
        raise CourseError("a course file is about a folder, not about one notebook", "give the folder that holds the notebooks")
    if place.file.endswith(".xml"):
        return draft_beside(place.root / place.file)
    return draft(check_named(place).root)


def draft(root: Path) -> Draft:
    """The course file for the folder *root*. Raises :class:`CourseError` where one is there already."""
    path = root / NAME
    _check_new(path)
    sections, scans, _ = look_into(root, root / "output")
    rule, remark = _rule(scans)
    languages = _languages(root, scans)
    lines = [
        _HEAD + "version: 1",
        f"title: {scalar(root.name or 'Course')}",
        *_described(languages, scans),
        "targets:",
        *_targets(rule, remark, default_formats(scans)),
        "sections:",
        *_sections(sections, languages),
    ]
    topics = _number(sum(len(section.topics) for section in sections), "topic")
    notice = f"{topics} in {_number(len(sections), 'section')}; {remark or rule.notice}"
    return Draft(path, "\n".join(lines) + "\n" + _TAIL, notice)


def draft_beside(spec: Path) -> Draft:
    """The file beside a CLX or CLM course file that holds what XML cannot say."""
    path = spec.with_name(spec.stem + BESIDE)
    _check_new(path)
    return Draft(path, _BESIDE.format(name=spec.name), f"{spec.name} builds as it is; what it cannot say goes into {path.name}")


def _check_new(path: Path) -> None:
    if path.exists() or path.is_symlink():
        raise _is_there(path)


def _is_there(path: Path) -> CourseError:
    return CourseError(f"there is a {path.name} already", "edit it, or move it away first", path=path.name)


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _rule(scans: Mapping[str, Scan]) -> tuple[Rule, str]:
    """The rule that the marks ask for; where two meet, the one that shows students less, with a remark."""
    try:
        return rule_of(dict(scans)), ""
    except CourseError as error:
        return WHITE, f"{error.problem.message}; the Code-along hides what either of them hides"


def _described(languages: list[str], scans: Mapping[str, Scan]) -> Iterator[str]:
    if languages:
        yield f"languages: [{', '.join(languages)}]   # the first is the default"
    prog_langs = Counter(found.prog_lang or "python" for found in scans.values())
    most, _ = prog_langs.most_common(1)[0]
    if most != "python":
        yield f"prog_lang: {scalar(most)}"


def _targets(rule: Rule, remark: str, formats: tuple[str, ...]) -> Iterator[str]:
    yield f"  # {remark or rule.notice}"
    for name, kinds, outputs in (("students", rule.students, "false"), ("staff", rule.staff, "true")):
        if kinds:
            yield f"  {name}:"
            yield f"    path: output/{name}"
            yield f"    kinds: [{', '.join(kinds)}]"
            yield f"    formats: [{', '.join(formats)}]"
            yield f"    outputs: {outputs}   # whether notebooks hold results"


def _sections(sections: Iterable[Section], languages: list[str]) -> Iterator[str]:
    for section in sections:
        yield f"  - title: {scalar(section.title[''])}"
        yield "    topics:"
        # The versions of a notebook in several languages are one topic.
        slots = Counter(half(topic.id, languages)[0] for topic in section.topics)
        for slot in dict.fromkeys(slot if slots[slot := half(topic.id, languages)[0]] > 1 else topic.id for topic in section.topics):
            yield f"      - {scalar(slot)}"


def _languages(root: Path, scans: Iterable[str]) -> list[str]:
    """The human languages that cells or file names tell, the most frequent first."""
    found: Counter[str] = Counter()
    halves: dict[str, list[str]] = {}
    for path in scans:
        text = decode((root / path).read_bytes())
        found.update(_cell_languages(text) if path.endswith(".ipynb") else _MARKED.findall(text))
        if match := _HALF.fullmatch(path):
            halves.setdefault(match["stem"] + match["suffix"], []).append(match["language"])
    for languages in halves.values():
        found.update(languages if len(languages) > 1 else ())
    return [language for language, _ in found.most_common()]


def _cell_languages(text: str) -> Iterator[str]:
    try:
        cells = json.loads(text)["cells"]
        languages = [cell["metadata"].get("lang") for cell in cells]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return  # the build says what is wrong with it
    yield from (language for language in languages if isinstance(language, str) and re.fullmatch(r"[a-z]{2,3}(-[A-Za-z]{2,4})?", language))


def scalar(text: str) -> str:
    """*text* as YAML that reads back as just this text, on one line, whichever version of YAML the reader knows."""
    if _PLAIN.fullmatch(text) and yaml.safe_load(text) == text == yaml_nodes.parse(text.encode(), NAME).value:
        return text
    return yaml.safe_dump(text, default_style='"', allow_unicode=True, width=math.inf).rstrip("\n")
