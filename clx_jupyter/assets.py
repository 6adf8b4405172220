"""The files that are copied as they are: images and data beside the outputs, folders of a course, and what its pages load."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from clx_jupyter.course.clm_layout import course_folder
from clx_jupyter.course.model import FORMATS, Course, Target, text_in
from clx_jupyter.course.scan import is_source
from clx_jupyter.job_rows import StoredOutput
from clx_jupyter.plan import SourcePlan
from clx_jupyter.variants import Choice, folder, pages_load_from
from clx_jupyter_workers import assets


@dataclass(frozen=True, slots=True)
class Copy:
    """One file to copy: *path* in the course, or *ours*, to *dest* in the target."""

    target: Target
    dest: str
    path: str
    #: Only because a page or notebook refers to it.
    mentioned: bool = False
    #: ``path`` names one of the files that pages load (``clx_jupyter_workers.assets``), which lie in no course.
    ours: bool = False


def static_copies(course: Course, choice: Choice) -> Iterator[Copy]:
    """What topics and folder groups ask for, whatever the notebooks say; of topics only what *choice* takes."""
    for target in course.targets:
        for language in target.languages or course.languages or ("",):
            variants = [
                (kind, format)
                for kind in target.kinds
                for format in FORMATS
                if format in target.formats and choice.allows(target, course.kinds[kind], language, format)
            ]
            if variants:
                yield from _groups(course, target, language)
            yield from _shared(course, target, language)
            for kind, format in variants:
                yield from _topics(course, choice, target, kind, language, format)


def _groups(course: Course, target: Target, language: str) -> Iterator[Copy]:
    for group in course.dir_groups:
        if not group.languages or language in group.languages:
            name = text_in(group.name, language)
            for path, below in group.files:
                yield Copy(target, posixpath.normpath(posixpath.join(course_folder(course, language), name, below)), path)


def _shared(course: Course, target: Target, language: str) -> Iterator[Copy]:
    for section in course.sections:
        for topic in section.topics:
            for asset in topic.assets:
                if asset.shared and (not asset.languages or language in asset.languages):
                    yield Copy(target, posixpath.join(course_folder(course, language), asset.dest), asset.path)


def _topics(course: Course, choice: Choice, target: Target, kind: str, language: str, format: str) -> Iterator[Copy]:
    for index, section in enumerate(course.sections):
        base = folder(course, section, kind, language, format)
        for topic in section.topics:
            for asset in topic.assets if choice.takes(index, topic) else ():
                if not asset.shared and (not asset.languages or language in asset.languages) and format not in asset.without:
                    yield Copy(target, posixpath.join(base, asset.dest), asset.path)


def mentioned_copies(course: Course, plans: Iterable[SourcePlan], rows: Mapping[str, StoredOutput]) -> Iterator[Copy]:
    """What published pages and notebooks refer to, as their last conversion found it; what many of them load, once."""
    loaded: set[tuple[str, str, str]] = set()
    for plan in plans:
        for output in plan.outputs:
            variant = output.variant
            for name in row.assets if (row := rows.get(output.name)) else ():
                if name.startswith(assets.PREFIX):
                    load = (variant.target.name, variant.language, name)
                    if load in loaded:
                        continue
                    loaded.add(load)
                elif plan.source.scope is not None:
                    continue
                yield from needed_by_page(course, variant.target, variant.path, variant.language, plan.source.path, name)


def needed_by_page(course: Course, target: Target, page: str, language: str, source: str, name: str) -> Iterator[Copy]:
    """The copies for one entry of a page's :attr:`StoredOutput.assets`: a file beside it, or a group of those that pages load."""
    if name.startswith(assets.PREFIX):
        yield from shared_copies(course, target, language, name.removeprefix(assets.PREFIX))
    else:
        yield copy_beside(target, page, source, name)


def shared_copies(course: Course, target: Target, language: str, group: str) -> Iterator[Copy]:
    """The files of a group that pages in a language load; none of a group that this version does not know."""
    yield from copies_of_ours(target, pages_load_from(course, language), group)


def copies_of_ours(target: Target, folder: str, group: str) -> Iterator[Copy]:
    """The files of a group that pages load, in a folder relative to the target's."""
    for name in assets.groups().get(group, ()):
        yield Copy(target, posixpath.join(folder, name), name, ours=True)


def copy_beside(target: Target, page: str, source: str, asset: str) -> Copy:
    """The copy of *asset*, a path relative to the source's folder, that a page beside it refers to by the same path."""
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), asset))
    return Copy(target, posixpath.normpath(posixpath.join(posixpath.dirname(page), asset)), path, mentioned=True)


def stays_private(root: Path, path: str) -> bool:
    """Whether a mentioned file is never published: a notebook has all solutions in it, a hidden file is nobody's business."""
    return any(part.startswith(".") for part in path.split("/")) or is_source(root / path)
