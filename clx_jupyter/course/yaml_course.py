"""``course.yaml`` and the folder it lies in, as one frozen :class:`Course`."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from clx_jupyter.course.folder import default_formats, default_targets, rule_of, slides_where_marked, source, walk
from clx_jupyter.course.model import Asset, Course, Section, Source, Target, Topic
from clx_jupyter.course.scan import Scan, is_source, scan
from clx_jupyter.course.targets import refused
from clx_jupyter.course.withheld import SECRETS
from clx_jupyter.course.yaml_spec import CourseSpec, SectionSpec, TargetSpec, TopicSpec, read_course
from clx_jupyter.course.yaml_topics import Finder, Includes, Slots, half
from clx_jupyter.errors import CourseError, Problem
from clx_jupyter.languages import named
from clx_jupyter.manifest import MANIFEST


def load(file: Path, output_dir: Path | None = None) -> Course:
    """The course that *file* describes; its folder is the root. *output_dir* holds one folder for each target in place of their own paths.

    Raises :class:`CourseError` where nothing can be built at all; everything else is in :attr:`Course.problems`.
    """
    root, name = file.parent, file.name
    spec = read_course(file, name)
    targets = tuple(_target(spec, each, root, name, output_dir) for each in spec.targets or ())
    output = output_dir or root / "output"
    reading = _Reading(root, name, spec, frozenset(target.path for target in targets) if spec.targets else frozenset({output}))
    sections = reading.listed(spec.sections) if spec.sections is not None else reading.found()
    sections = _ordered(sections, reading, name)
    notice = ""
    if spec.targets is None:
        chosen = [kind for kind in ("student", "code-along") if kind in spec.own]
        rule = rule_of(reading.scans, chosen[0] if len(chosen) == 1 else "")
        targets, notice = default_targets(output, rule, default_formats(reading.scans)), rule.notice
        sections = slides_where_marked(sections, reading.scans)
    problems = reading.finder.problems or [*_empty(sections, name)]
    return Course(
        root=root,
        file=name,
        title=spec.title or {"": root.name},
        languages=spec.languages,
        sections=sections,
        targets=targets,
        prog_lang=named(spec.prog_lang),
        organization=spec.organization,
        kinds=spec.kinds,
        environment=spec.environment,
        env_file=root / SECRETS if (root / SECRETS).is_file() else None,
        templates=("templates",) if (root / "templates").is_dir() else (),
        problems=tuple({problem.id: problem for problem in problems}.values()),
        notice=notice,
        names=spec.names,
        navigation=spec.navigation,
    )


def _target(spec: CourseSpec, target: TargetSpec, root: Path, name: str, output_dir: Path | None) -> Target:
    path = output_dir / target.name if output_dir else root / target.path
    why = refused(path, root, ())
    topics = [topic.path for section in spec.sections or () for topic in section.topics]
    if any((root / topic).is_relative_to(path) for topic in topics):
        why = why or "the sources lie there"
    if spec.sections is None and path.is_dir() and not (path / MANIFEST).exists() and _holds_sources(path, target.kinds):
        why = why or "notebooks lie there"
    if why:
        message = f"target {target.name!r} cannot be {target.path if not output_dir else path}: {why}"
        raise CourseError(message, "choose a folder of its own for the outputs, such as output", path=name, line=target.line)
    return Target(target.name, path, target.kinds, target.formats, target.languages, target.outputs, target.self_contained)


def _empty(sections: tuple[Section, ...], name: str) -> Iterator[Problem]:
    """A warning for a course of nothing, where nothing else says why."""
    if not any(section.topics for section in sections):
        hint = "notebooks are .ipynb files, and text with a jupytext header or percent marks (# %%)"
        yield Problem("bad-course", "there is not one notebook in this course", hint, "warning", path=name)


def _holds_sources(path: Path, kinds: tuple[str, ...]) -> bool:
    """Whether notebooks lie in a folder that no build put there: outputs lie in folders called by their kinds."""
    return any(is_source(file) and file.relative_to(path).parts[0] not in kinds for _, files in walk(path) for file in files)


@dataclass(slots=True)
class _Reading:
    """What is found on the disk for one course file."""

    root: Path
    name: str
    spec: CourseSpec
    outputs: frozenset[Path]
    scans: dict[str, Scan] = field(default_factory=dict)
    #: The sources that a topic stands for, by its path as written and by its id.
    by_topic: dict[str, tuple[str, ...]] = field(default_factory=dict)
    #: What topics say they come after: (sources of the topic, path as written, its line).
    after: list[tuple[tuple[str, ...], str, int]] = field(default_factory=list)
    finder: Finder = field(init=False)
    includes: Includes = field(init=False)
    _taken: dict[str, tuple[int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.finder = Finder(self.root, self.name, self.spec.languages, self.outputs)
        self.includes = Includes(self.root, self.name, self.finder.problems)

    def found(self) -> tuple[Section, ...]:
        """The sections of a file that lists none: every folder with sources."""
        sections = []
        for folder, slots in self.finder.everything():
            name = "" if folder == "." else folder
            topics = [
                self._topic(replace(self.spec.topic, path=slot, id=slot), {slot: versions}, n)
                for n, (slot, versions) in enumerate(slots.items(), 1)
            ]
            sections.append(Section({"": name or self.root.name}, tuple(topics), name))
        return tuple(sections)

    def listed(self, specs: tuple[SectionSpec, ...]) -> tuple[Section, ...]:
        """The sections that the file lists."""
        return tuple(self._section(section, index) for index, section in enumerate(specs))

    def _section(self, spec: SectionSpec, index: int) -> Section:
        topics, number = [], 1
        for topic in spec.topics:
            slots = {
                slot: versions
                for slot, versions in self.finder.find(topic.path, topic.line).items()
                if self._is_new(slot, index, topic.line)
            }
            if slots:
                made = self._topic(topic, slots, number)
                topics += [made] if made.sources else []
                number += len(slots)
        return Section(spec.title, tuple(topics), spec.id)

    def _is_new(self, slot: str, section: int, line: int) -> bool:
        """Whether a slot is not in the course yet; numbered names allow it once in each section."""
        earlier, first = self._taken.get(slot, (None, line))
        if earlier is None or (self.spec.names == "numbered" and earlier != section):
            self._taken[slot] = (section, first)
            return True
        hint = "list it once" if earlier == section else "list it once, or write `names: numbered`"
        self.finder.problems.append(
            Problem(
                "collision",
                f"{slot} is in the course twice, first in line {first}; only the first is built",
                hint,
                path=self.name,
                line=line,
            )
        )
        return False

    def _topic(self, spec: TopicSpec, slots: Slots, number: int) -> Topic:
        sources: list[Source] = []
        assets: list[Asset] = []
        self.finder.check_versions(slots, spec.languages or self.spec.languages)
        for n, (_, versions) in enumerate(slots.items(), number):
            for path, language in versions:
                if language and spec.languages and language not in spec.languages:
                    continue
                made, copies = self._source(spec, path, language, n)
                sources.append(replace(made, title=spec.title) if spec.title and len(slots) == 1 else made)
                assets.extend(copies)
        paths = tuple(each.path for each in sources)
        self.by_topic |= {posixpath.normpath(spec.path): paths, spec.id: paths}
        self.after.extend((paths, path, line) for path, line in spec.after)
        return Topic(spec.id, tuple(sources), tuple(dict.fromkeys(assets)), spec.title)

    def _source(self, spec: TopicSpec, path: str, language: str, number: int) -> tuple[Source, tuple[Asset, ...]]:
        data = (self.root / path).read_bytes()
        found = self.scans[path] = scan(path, data, spec.prog_lang or "python")
        included, assets = self.includes.of(path, spec.includes)
        made = replace(
            source(path, data, found),
            languages=(language,) if language else spec.languages,
            number=number,
            execute=spec.execute,
            author=spec.author,
            includes=included,
        )
        if spec.override:
            made = replace(made, prog_lang=named(spec.override))
        return (made if spec.jinja is None else replace(made, jinja=spec.jinja)), assets


# --- after ------------------------------------------------------------------------


def _ordered(sections: tuple[Section, ...], reading: _Reading, name: str) -> tuple[Section, ...]:
    """The sections with what each source comes after. Raises :class:`CourseError` for sources that wait for each other."""
    known = _spelled(sections) | reading.by_topic
    after: dict[str, dict[str, int]] = {}
    for paths, written, line in reading.after:
        wanted = known.get(written) or known.get(posixpath.normpath(written), ())
        if not wanted and (reading.root / written).is_file() and is_source(reading.root / written):
            reading.finder.wrong(f"`after` names {written}, which this course does not list", "list it as a topic before this one", line)
        elif not wanted:
            reading.finder.unknown(f"`after` names {written}, which is no topic of this course", written, [*known], line)
        elif set(wanted) <= set(paths):
            reading.finder.wrong(f"`after` names {written}, which is this topic itself", "name what must run before it", line)
        for path in paths:
            after.setdefault(path, {}).update({each: line for each in wanted if each not in paths})
    if circle := _circle(after):
        line = after[circle[0]][circle[1]]
        raise CourseError(f"these wait for each other: {' after '.join(circle)}", "remove one `after`", path=name, line=line)
    return tuple(
        replace(section, topics=tuple(replace(topic, sources=tuple(_waiting(each, after) for each in topic.sources)) for topic in section.topics))
        for section in sections
    ) if after else sections  # fmt: skip


def _spelled(sections: tuple[Section, ...]) -> dict[str, tuple[str, ...]]:
    """Sources by everything that may mean them: with and without suffix and language."""
    found: dict[str, dict[str, None]] = {}
    for section in sections:
        for each in (one for topic in section.topics for one in topic.sources):
            slot = half(each.path, each.languages)[0]
            for name in (each.path, slot, posixpath.splitext(slot)[0]):
                found.setdefault(name, {})[each.path] = None
    return {name: tuple(paths) for name, paths in found.items()}


def _waiting(each: Source, after: Mapping[str, Mapping[str, int]]) -> Source:
    return replace(each, after=tuple(after[each.path])) if each.path in after else each


def _circle(after: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Sources that wait for each other, the first again at the end; empty if there are none."""
    done: set[str] = set()
    for start in after:
        path, waiting = [start], [iter(after[start])]
        while waiting:
            following = next(waiting[-1], None)
            if following is None:
                waiting.pop()
                done.add(path.pop())
            elif following in path:
                return [*path[path.index(following) :], following]
            elif following not in done:
                path.append(following)
                waiting.append(iter(after.get(following, ())))
    return []
