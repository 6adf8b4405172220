"""Where the outputs of CLX and CLM courses lie: folders, names and numbers of CLM 1.35 (``clm``) or of CLX 0.6 (``clx``).

All paths are POSIX strings relative to a target's folder.
"""

from __future__ import annotations

import filecmp
import itertools
import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path, PurePosixPath

from clx_jupyter.course.model import Asset, Course, Section, Source, Text, text_in
from clx_jupyter.course.topics import TopicFile, file_language, half
from clx_jupyter.course.withheld import is_secret, published, secret_kept
from clx_jupyter.errors import Problem
from clx_jupyter.languages import LANGUAGES

_REPLACED = str.maketrans("{}[]" + "/\\$#%&<>*=^€|", "()()" + "_" * 13, ";!?\"'`:")
_FORMAT_FOLDERS = {"html": "Html", "notebook": "Notebooks", "slides": "Slides", "pdf": "Pdf", "slides-pdf": "Slides-Pdf"}
_SUFFIXES = {"html": ".html", "slides": ".slides.html", "notebook": ".ipynb", "pdf": ".pdf", "slides-pdf": ".slides.pdf"}
_MEDIA = frozenset({
    ".mp4", ".webm", ".ogv", ".mov", ".m4v", ".mkv", ".avi", ".mp3", ".wav", ".ogg", ".oga", ".m4a", ".aac", ".flac", ".opus",
})  # fmt: skip


@lru_cache(4096)
def sanitised(text: str, layout: str = "clm") -> str:
    """A title or name as the name of a file or folder. CLX removes dots; CLM keeps them but in names of dots only."""
    name = text.replace("C#", "CSharp").strip().translate(_REPLACED)
    if layout == "clx":
        return name.replace(".", "")
    return name if name.strip(". ") else name.replace(".", "_")


@lru_cache(4096)
def sanitised_path(text: str, layout: str = "clm") -> str:
    """The name of a directory group: several folders deep if it holds ``/``, never upwards. CLX takes it as it is."""
    parts = [part for part in text.replace("\\", "/").split("/") if part not in ("", ".")]
    if layout == "clx":
        return "/".join("__" if part == ".." else part for part in parts)
    return "/".join(filter(None, map(sanitised, parts)))


def course_folder(course: Course, language: str) -> str:
    """The folder of the course in a target, which directory groups are copied to."""
    name = sanitised(text_in(course.title, language), course.layout)
    if course.layout == "clx":
        return _joined(language.capitalize(), name)
    name = sanitised_path(course.slug, "clx") or name
    return f"{name}-{language}" if language else name


def section_folder(course: Course, section: Section, kind: str, language: str, format: str) -> str:
    """The folder that the outputs and assets of a section share in one variant."""
    slides = "Folien" if language == "de" else "Slides"
    name = sanitised(text_in(section.title, language), course.layout)
    return _joined(course_folder(course, language), slides, _format_folder(course, format), _kind_folder(course, kind), name)


def variant_path(course: Course, section: Section, source: Source, kind: str, language: str, format: str) -> str:
    """The path of one output of *source*."""
    suffix = _SUFFIXES.get(format) or _code_suffix(source)
    name = f"{source.number:02} {sanitised(text_in(source.title, language), course.layout)}"
    if course.names == "source":
        name = posixpath.splitext(posixpath.basename(half(source.path)[0] if source.languages else source.path))[0]
    return _joined(section_folder(course, section, kind, language, format), name + suffix)


def _joined(*parts: str) -> str:
    return "/".join(filter(None, parts))


def _format_folder(course: Course, format: str) -> str:
    if format != "code":
        return _FORMAT_FOLDERS.get(format, format.title())
    language = LANGUAGES.get(course.prog_lang)
    return (language.folder if language else "") or "Code"


def _kind_folder(course: Course, kind: str) -> str:
    if course.layout == "clx" and kind == "speaker":
        return "Speaker"
    known = course.kinds.get(kind)
    return (known.folder if known else "") or sanitised(kind.title())


def _code_suffix(source: Source) -> str:
    """The suffix of the source's own language, whatever its file is called."""
    language = LANGUAGES.get(source.prog_lang)
    return language.suffixes[0] if language else PurePosixPath(source.path).suffix


@dataclass(slots=True)
class Places:
    """Who has taken which place in the section folders of a course, so that two topics never overwrite each other's files."""

    root: Path
    languages: tuple[str, ...]
    layout: str = "clm"
    #: Pictures lie once in the course's folder, not beside every variant.
    shared: bool = False
    #: Path in the course by folder and place.
    taken: dict[tuple[str, str], str] = field(default_factory=dict)

    def settle(
        self, section: Text, topic: str, files: Iterable[TopicFile]
    ) -> tuple[tuple[Asset, ...], tuple[tuple[str, str], ...], list[Problem]]:
        """The assets of a topic, the references that change with them (old to new), and what is to be said.

        A picture whose place has other bytes moves to ``img/<topic>/NAME``; data cannot move, the first comer stays.
        """
        assets: list[Asset] = []
        renames: list[tuple[str, str]] = []
        problems: list[Problem] = []
        for file in files:
            if file.type == "data" and not published(file.at):
                problems.extend([secret_kept(file.path)] if is_secret(posixpath.basename(file.path)) else ())
                continue
            shared = self.shared and file.type == "image"
            wanted, folders = _in_course(file) if shared else _wanted(file), self._folders({} if shared else section, file)
            dest, holder = wanted, self._holder(folders, wanted, file.path)
            if holder and file.type == "image" and holder not in {asset.path for asset in assets}:
                dest = next(place for place in _other_places(topic, wanted) if not self._holder(folders, place, file.path))
            if shared or (dest != wanted and file.type == "image"):
                renames.append((_wanted(file), dest))
            if holder:
                problems.append(_collision(file, holder, dest if dest != wanted else ""))
            if not holder or dest != wanted:
                self.taken.update({(folder, dest): file.path for folder in folders})
                assets.append(replace(_asset(file, dest), shared=shared))
        return tuple(assets), tuple(renames), problems

    def _folders(self, section: Text, file: TopicFile) -> list[str]:
        """The folders the file goes to, by language; sections of the same name share one."""
        languages = [file_language(file.at)] if file_language(file.at) else self.languages
        return [f"{language}/{sanitised(text_in(section, language), self.layout)}" for language in languages]

    def _holder(self, folders: list[str], dest: str, path: str) -> str | None:
        """The file that has this place and is not equal to *path*."""
        for folder in folders:
            other = self.taken.get((folder, dest), path)
            if other != path and not filecmp.cmp(self.root / other, self.root / path, shallow=False):
                return other
        return None


def _wanted(file: TopicFile) -> str:
    """Pictures that programs made are published beside those that people made."""
    return "img/" + file.at.removeprefix("img-generated/") if file.type == "image" and file.at.startswith("img-generated/") else file.at


def _in_course(file: TopicFile) -> str:
    """The place of a shared picture: below ``img`` as it lies below the last folder of that name."""
    parts = file.at.split("/")
    last = max((number for number, part in enumerate(parts[:-1]) if part in ("img", "img-generated")), default=len(parts) - 2)
    return "/".join(["img", *parts[last + 1 :]])


def _other_places(topic: str, wanted: str) -> Iterator[str]:
    name = wanted.removeprefix("img/")
    yield posixpath.join("img", topic, name)
    yield from (posixpath.join("img", f"{topic}-{n}", name) for n in itertools.count(2))


def _asset(file: TopicFile, dest: str) -> Asset:
    language = file_language(file.at)
    shown_only = file.at.startswith(("img/", "img-generated/")) and PurePosixPath(dest).suffix.lower() in _MEDIA
    return Asset(file.path, dest, (language,) if language else (), frozenset({"code"} if shown_only else ()))


def _collision(file: TopicFile, holder: str, moved: str) -> Problem:
    what = f"{file.path} and {holder} are different but have one place in their section"
    if moved:
        return Problem("collision", f"{what}; the first is published as {moved}", "rename one of them", "warning", path=file.path)
    return Problem("collision", f"{what}; only the second is published", "rename one of them", "warning", path=file.path)
