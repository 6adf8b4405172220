"""A CLX or CLM course file and the folder it is about, as one frozen :class:`Course`."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from clx_jupyter.course import safe_xml
from clx_jupyter.course.beside import beside_of, strays
from clx_jupyter.course.clm_layout import Places, sanitised_path, variant_path
from clx_jupyter.course.model import CLM_FORMATS, Asset, Course, DirGroup, Images, Section, Source, Target, Text, Topic
from clx_jupyter.course.targets import refused
from clx_jupyter.course.topics import (
    SLIDES,
    Contents,
    Deck,
    Place,
    contents,
    file_type,
    find_topics,
    numbers,
    picture_of,
    resolve,
)
from clx_jupyter.course.walk import IGNORED_FOLDERS, OUTSIDE, Walk, leads_outside, walk
from clx_jupyter.course.withheld import SECRETS, UNPUBLISHED_FOLDERS, copied, copies_of, copy_kept, is_secret, secret_kept
from clx_jupyter.course.xml_oddities import warnings
from clx_jupyter.course.xml_spec import LANGUAGES, CourseSpec, DirGroupSpec, TargetSpec, TopicSpec, read_spec
from clx_jupyter.course.yaml_spec import BesideSpec
from clx_jupyter.errors import CourseError, Problem
from clx_jupyter.kernels import interpreter_in
from clx_jupyter.kinds import KINDS, Kind
from clx_jupyter.languages import BY_SUFFIX, named

_ORGANIZATION: Text = {"de": "Coding-Akademie München", "en": "Coding-Academy Munich"}

_IMPLICIT = {
    "clm": (
        TargetSpec("shared", 0, "output/shared", ("code-along", "completed")),
        TargetSpec("trainer", 0, "output/trainer", ("code-along", "completed", "trainer")),
        TargetSpec("speaker", 0, "output/speaker", ("speaker",)),
    ),
    "clx": (
        TargetSpec("public", 0, "output/public", ("code-along", "completed")),
        TargetSpec("speaker", 0, "output/speaker", ("speaker",)),
    ),
}
"""The targets of a course that names none."""

_ALL_KINDS = {
    "clm": ("code-along", "completed", "trainer", "speaker", "partial"),
    "clx": ("code-along", "completed", "speaker"),
}


def load(
    spec_path: Path,
    data_dir: Path | None = None,
    output_dir: Path | None = None,
    *,
    layout: str = "clm",
    kinds: Mapping[str, Kind] = KINDS,
    images: Mapping[str, Any] | None = None,
) -> Course:
    """The course that the file *spec_path* describes.

    *data_dir* is the course root where it is not the file's folder or the one above; *output_dir* holds one folder for each
    target in place of their own paths; *layout* is ``clm`` or ``clx``; *kinds* are those a target may ask for. What a file
    ``<name>.clx.yaml`` beside it says comes before these two. *images* are fields of :class:`Images` that count instead of
    the course's own.
    Raises :class:`CourseError` where nothing can be built at all; everything else is in :attr:`Course.problems`.
    """
    file = _absolute(spec_path)
    root = root_of(file, data_dir)
    name = Path(os.path.relpath(file, root)).as_posix()
    beside = beside_of(file, root, BesideSpec(layout, kinds=kinds))
    layout, kinds = beside.layout or layout, beside.kinds
    tree = safe_xml.read(file, name)
    spec = read_spec(tree, name, kinds)
    targets = _targets(spec, name, root, output_dir, layout)
    languages = tuple(language for language in LANGUAGES if any(language in target.languages for target in targets))
    pictures = Images(spec.image_options.format, spec.image_options.inline)
    pictures = replace(pictures, **images) if images else pictures
    sections, problems = _sections(root, spec, name, Places(root, languages, layout, pictures.mode == "shared"), beside, pictures)
    groups, group_problems = _dir_groups(root, spec, name, layout, targets)
    course = Course(
        root=root,
        file=name,
        title=spec.name if any(spec.name.values()) else {"": file.stem},
        languages=languages,
        sections=sections,
        targets=targets,
        layout=layout,
        prog_lang=named(spec.prog_lang),
        organization=_ORGANIZATION if spec.organization is None and layout == "clm" else spec.organization or {},
        slug=spec.slug,
        dir_groups=groups,
        kinds=kinds,
        images=pictures,
        env_file=_env_file(root, file),
        environment=beside.environment,
        kernel_python=_kernel_python(root, file, spec.kernel_python),
        templates=_templates(root, file),
        notice="" if spec.targets else f"no output targets: {', '.join(target.name for target in targets)} as in {layout.upper()}",
        names="" if beside.names == "numbered" else beside.names,  # numbers are what the layouts have anyway
        navigation=beside.navigation,
    )
    found = (*warnings(tree, name), *strays(file, root), *_no_author(spec, name), *problems, *group_problems, *_collisions(course))
    return replace(course, problems=_once(found))


def _once(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """The problems without repetitions: a topic of two sections is read twice."""
    unique: dict[str, Problem] = {}
    for problem in problems:
        unique.setdefault(problem.id, problem)
    return tuple(unique.values())


def root_of(file: Path, data_dir: Path | None) -> Path:
    """The folder that holds ``slides``: the one given, else the file's, else the one above."""
    beside = file.parent if (file.parent / SLIDES).is_dir() else file.parent.parent
    root = _absolute(data_dir) if data_dir else beside
    if not file.is_file():
        raise CourseError(f"there is no course file {file.name}", f"look in {file.parent}", path=file.name)
    if not (root / SLIDES).is_dir():
        raise CourseError(f"there is no folder {SLIDES} in {root}", "name the course's folder with --data-dir", path=file.name)
    return root


def _absolute(path: Path) -> Path:
    """The path from the root of the disk, links as they are."""
    return Path(os.path.normpath(path.absolute()))


def _templates(root: Path, file: Path) -> tuple[str, ...]:
    """Folders of the course's own macros: beside the file, then at the root."""
    folders = dict.fromkeys((file.parent / "templates", root / "templates"))
    return tuple(folder.relative_to(root).as_posix() for folder in folders if folder.is_dir() and folder.is_relative_to(root))


def _env_file(root: Path, file: Path) -> Path | None:
    """The nearest ``.env`` from the course file up to the root; CLM looks further up, where it would find what is not the course's."""
    folders = [folder for folder in (file.parent, *file.parent.parents) if folder.is_relative_to(root)] or [file.parent]
    return next((folder / SECRETS for folder in folders if (folder / SECRETS).is_file()), None)


_PROJECT = (".git", "pyproject.toml", "clm.toml")


def _kernel_python(root: Path, file: Path, value: str) -> Path | None:
    """The interpreter that the course names: relative to its root, its file, or, as in CLM, the project that it lies in."""
    if not value:
        return None
    around = [folder for folder in root.parents if any((folder / name).exists() for name in _PROJECT)]
    places = [folder / Path(value).expanduser() for folder in (root, file.parent, *around[:1])]
    return interpreter_in(next((place for place in places if place.exists()), places[0]))


def _no_author(spec: CourseSpec, name: str) -> Iterator[Problem]:
    if spec.author is None:
        yield Problem("bad-course", "the course names no author: title slides show none", "add <author>", "info", path=name)


def _targets(spec: CourseSpec, name: str, root: Path, output_dir: Path | None, layout: str) -> tuple[Target, ...]:
    targets = []
    for target in spec.targets or _IMPLICIT[layout]:
        _check_path(target, name, layout)
        path = _absolute(output_dir / target.name if output_dir else root / target.path)
        if why := refused(path, root, [root / SLIDES]):
            hint = "choose a folder of its own for the outputs, such as output"
            raise CourseError(f"target {target.name!r} cannot be {path}: {why}", hint, path=name, line=target.line or None)
        kinds = _ALL_KINDS[layout] if target.kinds is None else target.kinds
        formats = CLM_FORMATS if target.formats is None else target.formats
        targets.append(Target(target.name, path, kinds, formats, target.languages or LANGUAGES))
    return tuple(targets)


def _check_path(target: TargetSpec, name: str, layout: str) -> None:
    """CLM's rule: what a course file says stays below the course root. CLX had none."""
    if layout == "clm" and (target.path.startswith("/") or re.match("[A-Za-z]:", target.path) or ".." in target.path.split("/")):
        message = f"target {target.name!r}: {target.path} leads outside the course"
        hint = "give a path below the course root, or build elsewhere with --output-dir"
        raise CourseError(message, hint, path=name, line=target.line)


def _sections(
    root: Path, spec: CourseSpec, name: str, places: Places, beside: BesideSpec, pictures: Images
) -> tuple[tuple[Section, ...], list[Problem]]:
    found, outside = find_topics(root)
    problems = list(outside)
    sections = []
    for section in spec.sections:
        topics = []
        for topic in section.topics:
            place, place_problems = resolve(found, topic, name)
            problems.extend(place_problems)
            if place:
                topics.append((topic, place, contents(root, place, topic.includes, named(spec.prog_lang), name)))
        numbered = numbers(deck.path for _, _, inside in topics for deck in inside.decks)
        built = []
        for topic, place, inside in topics:
            assets, renames, asset_problems = places.settle(section.name, topic.id, inside.files)
            problems.extend((*inside.problems, *asset_problems))
            made = _topic(spec, topic, place, inside, numbered, assets, beside)
            moved, shared = ((), renames) if places.shared else (renames, ())
            drawn = _drawn(inside, pictures.format)
            built.append(replace(made, sources=tuple(replace(each, renames=moved, shared=shared, drawn=drawn) for each in made.sources)))
        sections.append(Section(section.name or {"": ""}, tuple(built), section.id, section.number))
    return tuple(sections), problems


def _topic(
    spec: CourseSpec,
    topic: TopicSpec,
    place: Place,
    inside: Contents,
    numbered: Mapping[str, int],
    assets: tuple[Asset, ...],
    beside: BesideSpec,
) -> Topic:
    common = Source(
        path="",
        title={},
        prog_lang="",
        execute=replace(beside.execute, mode=beside.execute.mode if topic.evaluate else "never", allow_errors=topic.skip_errors),
        without=frozenset() if topic.html else frozenset({"html"}),
        scope=inside.scope,
        jinja=beside.jinja is not False,
        author=topic.author or spec.author or "",
    )
    return Topic(
        topic.id,
        tuple(
            replace(
                common,
                path=deck.path,
                title=deck.title,
                prog_lang=_prog_lang(spec, topic, deck),
                languages=deck.languages,
                companion=deck.companion,
                number=numbered[deck.path],
                includes=_includes(place, inside, deck),
            )
            for deck in inside.decks
        ),
        assets,
    )


def _drawn(inside: Contents, format: str) -> tuple[tuple[str, str], ...]:
    """Decks name the pictures of diagrams as ``img/NAME.png``: where the course wants SVG and it is there, it is shown."""
    if format != "svg":
        return ()
    known = {file.at for file in inside.files}
    stems = [posixpath.join(place, "img", stem) for place, stem in map(picture_of, inside.diagrams)]
    return tuple(
        (f"{stem}.png", f"{stem}.svg") for stem in stems
        if f"{stem}.svg" in known or f"{posixpath.dirname(stem)}-generated/{posixpath.basename(stem)}.svg" in known
    )  # fmt: skip


def _prog_lang(spec: CourseSpec, topic: TopicSpec, deck: Deck) -> str:
    """The topic's language, else that of the suffix; Markdown is in the course's."""
    suffix = posixpath.splitext(deck.path)[1]
    if topic.prog_lang:
        return named(topic.prog_lang)
    if suffix == ".md":
        return named(spec.prog_lang) or "python"
    return BY_SUFFIX[suffix].name if suffix in BY_SUFFIX else suffix[1:]


def _includes(place: Place, inside: Contents, deck: Deck) -> tuple[tuple[str, str], ...]:
    """Files that the deck finds at another place than where they lie."""
    folder = posixpath.dirname(deck.path)
    at = {file.path: posixpath.join(place.folder, file.at) for file in inside.files}
    return tuple((path, posixpath.relpath(shown, folder)) for path, shown in at.items() if shown != path)


def _collisions(course: Course) -> Iterator[Problem]:
    """An error for every two sources that would write one path."""
    taken: dict[str, str] = {}
    for section, _, source in course.sources():
        for language in source.languages or course.languages:
            path = variant_path(course, section, source, "completed", language, "html")
            other = taken.setdefault(path, source.path)
            if other != source.path:
                message = f"{other} and {source.path} would both be published as {path}"
                yield Problem("collision", message, "give their sections different names", path=source.path)
                break


def _dir_groups(
    root: Path, spec: CourseSpec, name: str, layout: str, targets: tuple[Target, ...]
) -> tuple[tuple[DirGroup, ...], list[Problem]]:
    outputs = tuple(f"{target.path.relative_to(root).as_posix()}/" for target in targets if target.path.is_relative_to(root))
    groups, problems = [], []
    for group in spec.dir_groups:
        files, group_problems = _group_files(root, group, name)
        problems.extend(group_problems)
        title = {language: sanitised_path(text, layout) for language, text in group.name.items()} or {"": ""}
        kept = tuple((path, below) for below, path in sorted(files.items()) if not path.startswith(outputs))
        groups.append(DirGroup(title, kept, (group.language,) if group.language else ()))
    return tuple(groups), problems


def _group_files(root: Path, group: DirGroupSpec, name: str) -> tuple[dict[str, str], list[Problem]]:
    """The files of a group: path in the course by the path below the group's own name."""
    files: dict[str, str] = {}
    left_out, problems = Walk(), []
    for folder, below, deep in _copied(group):
        if not (root / folder).is_dir():
            message = f"there is no folder {folder}, which a directory group copies"
            problems.append(Problem("bad-course", message, "correct its <path> or <subdir>", "warning", path=name, line=group.line))
            continue
        found = Walk(left_out={folder: OUTSIDE}) if leads_outside(root, folder) else walk(root, folder, _skipped if deep else _any_folder)
        left_out.left_out.update(found.left_out)
        files.update({posixpath.join(below, path[len(folder) :].lstrip("/")): path for path in found.files})
    secret = [below for below in files if is_secret(posixpath.basename(below))]
    problems.extend(secret_kept(files.pop(below)) for below in secret)
    decks = {path for path in files.values() if path.startswith(f"{SLIDES}/") and file_type(path) == "notebook"}
    kept = decks | copies_of(decks, files.values())
    problems.extend(map(copy_kept, sorted(kept)))
    files = {below: path for below, path in files.items() if path not in kept}
    return files, [*left_out.problems(), *problems]


def _copied(group: DirGroupSpec) -> Iterator[tuple[str, str, bool]]:
    """Folders of a group, where they go below its name, and whether their sub-folders come along."""
    if group.root_files:
        yield group.path, "", False
    for subdir in group.subdirs:
        yield posixpath.join(group.path, subdir), subdir, group.recursive
    if group.recursive and not group.subdirs:
        yield group.path, "", True


def _skipped(name: str, _is_folder: bool) -> bool:
    """What CLM leaves out when it copies folders whole: its names count for files as well, its suffixes do not."""
    return name in UNPUBLISHED_FOLDERS or name in IGNORED_FOLDERS or ".egg-info" in name or "cmake-build" in name or not copied(name)


def _any_folder(_name: str, is_folder: bool) -> bool:
    return is_folder
