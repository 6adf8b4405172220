"""What ``course.yaml`` says, as plain data: everything checked that needs no disk, nothing looked up.

The shape is the published schema's (``schema.py``); here is what a schema cannot say: names that must be known, things that
contradict each other. All that is wrong is said at once.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from clx_jupyter.course import schema, yaml_nodes
from clx_jupyter.course.model import Execute, Text
from clx_jupyter.course.schema import Fault, suggestion
from clx_jupyter.course.yaml_nodes import Node
from clx_jupyter.errors import CourseError
from clx_jupyter.kinds import KINDS, Kind, own_kinds

NAME = "course.yaml"
"""What a course file is called."""

_DEFAULT = Execute()

BESIDE = ".clx.yaml"
"""How the name of a file ends that stands beside a course file in XML."""


@dataclass(frozen=True, slots=True)
class Include:
    """Files from elsewhere in the course that appear beside a source."""

    path: str
    #: The folder, relative to the source's; ``None``: a folder under its own name.
    to: str | None
    optional: bool
    line: int


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic, with what its section and the course add to it."""

    path: str
    line: int
    id: str
    title: Text = field(default_factory=dict)
    execute: Execute = _DEFAULT
    #: Paths as written, with their lines.
    after: tuple[tuple[str, int], ...] = ()
    author: str = ""
    #: What sources that name no language are written in.
    prog_lang: str = ""
    #: The language of all its sources, whatever they say.
    override: str = ""
    jinja: bool | None = None
    includes: tuple[Include, ...] = ()
    #: The human languages it is there in; empty: all of the course's.
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SectionSpec:
    """A part of the course."""

    title: Text
    line: int
    id: str
    topics: tuple[TopicSpec, ...]


@dataclass(frozen=True, slots=True)
class TargetSpec:
    """An output folder; ``path`` is relative to the course's folder."""

    name: str
    line: int
    path: str
    kinds: tuple[str, ...]
    formats: tuple[str, ...]
    languages: tuple[str, ...]
    outputs: bool
    self_contained: bool


@dataclass(frozen=True, slots=True)
class CourseSpec:
    """The whole file. ``topic`` holds what every source has that no section lists."""

    title: Text
    languages: tuple[str, ...]
    organization: Text
    prog_lang: str
    environment: tuple[str, ...]
    names: str
    navigation: bool | None
    #: ``None``: as in a folder without a course file.
    targets: tuple[TargetSpec, ...] | None
    sections: tuple[SectionSpec, ...] | None
    kinds: Mapping[str, Kind]
    #: The ids among ``kinds`` that the file itself describes.
    own: frozenset[str]
    topic: TopicSpec


@dataclass(frozen=True, slots=True)
class BesideSpec:
    """What stands beside a course file in XML; ``None`` and ``""``: nothing is said."""

    layout: str = ""
    names: str = ""
    jinja: bool | None = None
    navigation: bool | None = None
    environment: tuple[str, ...] = ()
    execute: Execute = _DEFAULT
    kinds: Mapping[str, Kind] = field(default_factory=lambda: KINDS)


def read_course(file: Path, name: str) -> CourseSpec:
    """What the course file says. Raises :class:`CourseError`, with all that is wrong in it."""
    node = yaml_nodes.read(file, name)
    _raise(schema.faults(node), name)
    kinds, wrong = _kinds(node)
    spec = _course(node, kinds)
    _raise([*wrong, *_faults(spec, node)], name)
    return spec


def read_beside(file: Path, name: str) -> BesideSpec:
    """What the file beside a course file in XML says. Raises :class:`CourseError`, with all that is wrong in it."""
    node = yaml_nodes.read(file, name)
    _raise(schema.faults(node, "#/definitions/beside"), name)
    kinds, wrong = _kinds(node)
    _raise(wrong, name)
    given = node.plain()
    return BesideSpec(
        layout=given.get("layout", ""),
        names=given.get("names", ""),
        jinja=given.get("jinja"),
        navigation=given.get("navigation"),
        environment=tuple(given.get("environment", ())),
        execute=_execute(node, _DEFAULT),
        kinds=kinds,
    )


def title_of(file: Path) -> Text:
    """The title in a course file, empty where it has none. Raises :class:`CourseError` where it is no YAML."""
    node = yaml_nodes.read(file, file.name)
    found = node.get("title") if isinstance(node.value, dict) else None
    return _text(found) if found and not [*schema.faults(found, "#/definitions/text")] else {}


def _raise(faults: Iterable[Fault], name: str) -> None:
    """The first fault as the error, the others in its hint."""
    found = sorted(faults, key=lambda fault: fault.line)
    if found:
        first, *others = found
        more = "".join(f"\n  also line {fault.line}: {fault.message} ({fault.hint})" for fault in others[:20])
        more += f"\n  and {len(others) - 20} more" if len(others) > 20 else ""
        raise CourseError(first.message, first.hint + more, path=name, line=first.line)


def _course(node: Node, kinds: Mapping[str, Kind]) -> CourseSpec:
    given = node.plain()
    everywhere = TopicSpec(
        path="",
        line=node.line,
        id="",
        execute=_execute(node, _DEFAULT),
        author=given.get("author", ""),
        prog_lang=given.get("prog_lang", ""),
        jinja=given.get("jinja"),
        includes=_includes(node),
    )
    targets, sections = node.get("targets"), node.get("sections")
    return CourseSpec(
        title=_text(node.get("title")),
        languages=tuple(given.get("languages", ())),
        organization=_text(node.get("organization")),
        prog_lang=given.get("prog_lang", ""),
        environment=tuple(given.get("environment", ())),
        names=given.get("names", "source"),
        navigation=given.get("navigation"),
        targets=tuple(_target(name, inner, targets.keys[name]) for name, inner in targets.value.items()) if targets else None,
        sections=tuple(_section(inner, everywhere) for inner in sections.value) if sections else None,
        kinds=kinds,
        own=frozenset(given.get("kinds", ())),
        topic=everywhere,
    )


def _text(node: Node | None) -> Text:
    if node is None:
        return {}
    value = node.plain()
    return value if isinstance(value, dict) else {"": value}


def _execute(node: Node, outer: Execute) -> Execute:
    """How code runs where *outer* holds, and *node* says more."""
    given = (node.get("execute") or Node({}, node.line)).plain()
    names = {name: given.get(name, getattr(outer, name)) for name in ("mode", "cell_timeout", "timeout", "startup_timeout", "preload")}
    return Execute(**{**names, "preload": tuple(names["preload"])})


def _includes(node: Node) -> tuple[Include, ...]:
    found = node.get("include")
    return tuple(_include(inner) for inner in found.value) if found else ()


def _include(node: Node) -> Include:
    given = node.plain()
    to = given.get("to")
    return Include(posixpath.normpath(given["from"]), to and posixpath.normpath(to), given.get("optional", False), node.line)


def _section(node: Node, outer: TopicSpec) -> SectionSpec:
    given = node.plain()
    inner = TopicSpec(
        path="",
        line=node.line,
        id="",
        execute=_execute(node, outer.execute),
        author=given.get("author", outer.author),
        prog_lang=given.get("prog_lang", outer.prog_lang),
        jinja=outer.jinja,
        includes=(*outer.includes, *_includes(node)),
        languages=tuple(given.get("languages", ())),
    )
    topics = tuple(_topic(topic, inner) for topic in node.value["topics"].value)
    return SectionSpec(_text(node.get("title")), node.line, given.get("id", ""), topics)


def _topic(node: Node, outer: TopicSpec) -> TopicSpec:
    if isinstance(node.value, str):
        node = Node({"path": node}, node.line)
    given, after = node.plain(), node.get("after")
    return TopicSpec(
        path=given["path"],
        line=node.line,
        id=given.get("id") or given["path"],
        title=_text(node.get("title")),
        execute=_execute(node, outer.execute),
        after=tuple((each.value, each.line) for each in after.value) if after else (),
        author=given.get("author", outer.author),
        prog_lang=outer.prog_lang,
        override=given.get("prog_lang", ""),
        jinja=given.get("jinja", outer.jinja),
        includes=(*outer.includes, *_includes(node)),
        languages=tuple(given.get("languages", outer.languages)),
    )


def _target(name: str, node: Node, line: int) -> TargetSpec:
    given = node.plain()
    return TargetSpec(
        name=name,
        line=line,
        path=posixpath.normpath(given.get("path", f"output/{name}")),
        kinds=tuple(given["kinds"]),
        formats=tuple(given.get("formats", ("html", "notebook"))),
        languages=tuple(given.get("languages", ())),
        outputs=given.get("outputs", False),
        self_contained=given.get("self_contained", False),
    )


# --- what a schema cannot say ---------------------------------------------------


def _kinds(node: Node) -> tuple[dict[str, Kind], list[Fault]]:
    found = node.get("kinds")
    kinds, wrong = own_kinds(found.plain() if found else {})
    return kinds, [Fault(found.keys[id], str(error), error.hint) for id, error in wrong.items() if found]


def _faults(spec: CourseSpec, node: Node) -> Iterator[Fault]:
    targets = node.get("targets")
    for target in spec.targets or ():
        inner = targets.value[target.name] if targets else node
        for what, known in (("kinds", [*spec.kinds]), ("languages", [*spec.languages])):
            yield from _unknown(inner, f"target {target.name!r}", what, known)
    sections = node.get("sections")
    for section in sections.value if sections else ():
        for inner in (section, *(topic for topic in section.value["topics"].value if isinstance(topic.value, dict))):
            path = inner.get("path")
            yield from _unknown(inner, f"topic {path.value!r}" if path else "section", "languages", spec.languages)
    listed = node.get("languages")
    for n, each in enumerate(listed.value if listed else ()):
        for other in spec.languages[:n]:
            if each.value.casefold() == other.casefold():
                yield Fault(each.line, f"languages {other!r} and {each.value!r} differ in case only", "keep one of the two")
    yield from _shared_folders(spec.targets or ())
    topics = [topic for section in spec.sections or () for topic in section.topics]
    yield from _twice("topic", ((topic.id, topic.line) for topic in topics if topic.id != topic.path))
    yield from _twice("section", ((section.id, section.line) for section in spec.sections or () if section.id))


def _unknown(node: Node, where: str, what: str, known: Sequence[str]) -> Iterator[Fault]:
    """What is listed under *what* and is not *known*."""
    listed = node.get(what)
    for each in listed.value if listed else ():
        if each.value not in known:
            hint = suggestion(each.value, [*known]) if known else "list the course's languages under `languages:`"
            yield Fault(each.line, f"{where}: {each.value!r} is no {what[:-1]} of this course", hint)


def _shared_folders(targets: tuple[TargetSpec, ...]) -> Iterator[Fault]:
    for n, target in enumerate(targets):
        for other in targets[:n]:
            inner, outer = sorted((target.path.casefold(), other.path.casefold()), key=len, reverse=True)
            if inner == outer:
                yield Fault(
                    target.line, f"targets {other.name!r} and {target.name!r} have the same path", "give each target its own folder"
                )
            elif inner.startswith(f"{outer}/"):
                message = f"the folders of targets {other.name!r} and {target.name!r} lie inside each other"
                yield Fault(target.line, message, "give each target a folder of its own")


def _twice(what: str, ids: Iterable[tuple[str, int]]) -> Iterator[Fault]:
    seen: dict[str, int] = {}
    for id, line in ids:
        if id in seen:
            yield Fault(line, f"two {what}s have the id {id!r}, the first in line {seen[id]}", "give one of them another id")
        seen.setdefault(id, line)
