"""What a CLX or CLM course file says, as plain data: every default filled in, nothing looked up on the disk.

Source of the format: CLX 0.6 and CLM 1.35. What would end a build there ends it here (:func:`read_spec`); what is only odd,
unknown or not acted on is told (:mod:`~clx_jupyter.course.xml_oddities`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from clx_jupyter.course.model import Text
from clx_jupyter.course.safe_xml import Element
from clx_jupyter.errors import CourseError

LANGUAGES = ("de", "en")
"""The human languages of the format, in the order of its outputs."""

FORMATS = ("html", "notebook", "code", "slides", "pdf", "slides-pdf")
"""Formats a target may list; the last three are ours."""

_KIND_NAMES = {"recording": "speaker"}
NOT_BUILT = ("jupyterlite", "recording-code-along")
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class IncludeSpec:
    """Files from elsewhere in the course that appear in a topic."""

    #: A file or folder, relative to the course root.
    source: str
    #: Where it appears, relative to the topic's folder.
    at: str
    optional: bool
    line: int


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic with what its section adds to it (module, includes)."""

    id: str
    line: int
    html: bool = True
    evaluate: bool = True
    skip_errors: bool = False
    #: ``""``: the course's.
    author: str = ""
    prog_lang: str = ""
    #: The one folder below ``slides`` to look in.
    module: str = ""
    includes: tuple[IncludeSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class SectionSpec:
    """An enabled section; subsections are flattened into its topics."""

    name: Text
    line: int
    topics: tuple[TopicSpec, ...]
    id: str = ""
    #: From 1; switched-off sections count.
    number: int = 0


@dataclass(frozen=True, slots=True)
class DirGroupSpec:
    """Folders that are copied as they are."""

    #: Empty: the course's own folder.
    name: Text
    line: int
    #: Relative to the course root; ``""`` is the root.
    path: str
    subdirs: tuple[str, ...] = ()
    root_files: bool = False
    recursive: bool = True
    #: ``""``: every language.
    language: str = ""


@dataclass(frozen=True, slots=True)
class TargetSpec:
    """An output folder; ``None`` where it lists nothing, which means all."""

    name: str
    line: int
    path: str
    kinds: tuple[str, ...] | None = None
    formats: tuple[str, ...] | None = None
    languages: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class ImageOptions:
    """How pictures are published."""

    format: str = "png"
    inline: bool = False


@dataclass(frozen=True, slots=True)
class CourseSpec:
    """A course file."""

    name: Text
    sections: tuple[SectionSpec, ...]
    dir_groups: tuple[DirGroupSpec, ...] = ()
    targets: tuple[TargetSpec, ...] = ()
    prog_lang: str = ""
    slug: str = ""
    #: ``None``: the file does not say.
    author: str | None = None
    organization: Text | None = None
    image_options: ImageOptions = ImageOptions()
    kernel_python: str = ""


def read_spec(root: Element, path: str, kinds: Collection[str]) -> CourseSpec:
    """The course that *root* describes. *path* names the file in errors, *kinds* are the ids a target may ask for.

    Raises :class:`CourseError` with the file and the line of the element that is wrong.
    """
    try:
        return _course(root, kinds)
    except CourseError as error:
        error.problem = error.problem.with_(path=path)
        raise


def _course(root: Element, kinds: Collection[str]) -> CourseSpec:
    if root.tag != "course":
        raise _wrong(root, f"a course file starts with <course>, this one with <{root.tag}>", "choose another file")
    numbered = [(number, element) for number, element in enumerate(_each(root, "sections", "section"), 1) if enabled(element)]
    sections = [element for _, element in numbered]
    github, organization = root.find("github"), root.find("organization")
    return CourseSpec(
        name=title(root),
        sections=tuple(_section(element, number) for number, element in numbered if element.find("topics")),
        dir_groups=tuple(_dir_group(element) for element in [*_inner_groups(sections), *_each(root, "dir-groups", "dir-group")]),
        targets=_targets(root, kinds),
        prog_lang=root.text_of("prog-lang"),
        slug=root.text_of("project-slug") or (github.text_of("project-slug") if github else ""),
        author=root.text_of("author") or None,
        organization=text_of(organization) if organization else None,
        image_options=_image_options(root.find("image-options")),
        kernel_python=root.text_of("kernel-python"),
    )


def title(root: Element) -> Text:
    """The title of the course that *root* describes."""
    return text_of(root.find("name"))


PICTURES = ("png", "svg")


def _image_options(element: Element | None) -> ImageOptions:
    if element is None:
        return ImageOptions()
    format = element.text_of("format")
    return ImageOptions(format if format in PICTURES else PICTURES[0], element.text_of("inline").lower() == "true")


def _wrong(element: Element, message: str, hint: str) -> CourseError:
    return CourseError(message, hint, line=element.line)


def _each(parent: Element, container: str, tag: str) -> Iterator[Element]:
    return (child for holder in parent.all(container) for child in holder.all(tag))


def text_of(element: Element | None) -> Text:
    """A text in two languages or in one for both. One language alone serves as the other."""
    if element is None:
        return {}
    if not element.children:
        return {"": element.text.strip()}
    for child in element.children:
        if child.tag not in LANGUAGES:
            raise _wrong(child, f"<{element.tag}> cannot hold <{child.tag}>", "write <de> and <en>, or plain text")
    if (element.text + element.rest).strip():
        raise _wrong(element, f"<{element.tag}> mixes text and languages", "write <de> and <en>, or plain text, not both")
    return {child.tag: child.text.strip() for child in element.children}


YES, _NO = ("true", "yes", "1"), ("false", "no", "0")


def _flag(element: Element, name: str, default: bool, empty: bool = False) -> bool:
    """A boolean attribute; *empty* is what ``name=""`` means."""
    value = element.attributes.get(name)
    if value is None:
        return default
    word = value.strip().lower()
    if word in YES or word in _NO or not word:
        return word in YES or (not word and empty)
    raise _wrong(element, f'{name}="{value}" is neither yes nor no', "write true, yes, 1 or false, no, 0")


def enabled(element: Element) -> bool:
    """Whether a section or subsection is part of the course at all."""
    value = element.attributes.get("enabled", "true")
    if value.strip().lower() not in ("true", "false"):
        raise _wrong(element, f'enabled="{value}" is neither true nor false', 'write enabled="true" or enabled="false"')
    return value.strip().lower() == "true"


def _section(element: Element, number: int) -> SectionSpec:
    for name in ("http-replay", "optional"):
        _flag(element, name, False)
    module, includes = element.attributes.get("module", ""), _includes(element)
    topics = tuple(_topic(topic, module, includes) for holder in element.all("topics") for topic in topic_elements(holder))
    return SectionSpec(text_of(element.find("name")), element.line, topics, element.attributes.get("id", ""), number)


def topic_elements(holder: Element) -> Iterator[Element]:
    """The topics in ``<topics>`` in document order, those of enabled subsections included."""
    for child in holder.children:
        if child.tag == "topic":
            yield child
        elif child.tag == "subsection" and _subsection(child):
            yield from child.all("topic")


def _subsection(element: Element) -> bool:
    """Whether a subsection counts, once its attributes are known to be right."""
    if not enabled(element):
        return False
    _flag(element, "optional", False)
    for day in element.attributes.get("weekday", "").split(","):
        if day.strip() and day.strip().lower() not in _WEEKDAYS:
            raise _wrong(element, f"{day.strip()!r} is no weekday", f"write one or more of {', '.join(_WEEKDAYS)}")
    return True


def topic_id(element: Element) -> str:
    """The id, from the attribute or the text in front of all children."""
    return element.attributes.get("id", "").strip() or element.text.strip()


def _topic(element: Element, module: str, inherited: tuple[IncludeSpec, ...]) -> TopicSpec:
    given = element.attributes
    if given.get("id", "").strip() and element.text.strip():
        raise _wrong(element, f"topic {topic_id(element)!r} has its id twice, as attribute and as text", "keep the attribute")
    if element.children and not topic_id(element):
        raise _wrong(element, "a topic with elements inside has no id", 'write <topic id="…">')
    for name in ("http-replay", "export"):
        _flag(element, name, False)
    return TopicSpec(
        id=topic_id(element),
        line=element.line,
        html=not given.get("html"),
        evaluate=_flag(element, "evaluate", True, empty=True),
        skip_errors=_flag(element, "skip-errors", False),
        author=given.get("author", ""),
        prog_lang=given.get("prog-lang", ""),
        module=given.get("module") or module,
        includes=tuple({include.at: include for include in (*inherited, *_includes(element))}.values()),
    )


def _includes(parent: Element) -> tuple[IncludeSpec, ...]:
    found: dict[str, IncludeSpec] = {}
    for element in parent.all("include"):
        source = _relative(element, "source", element.attributes.get("source", ""))
        if source == ".":
            raise _wrong(element, "the course root cannot be included as a whole", "name the folder or file that is needed")
        at = element.attributes.get("as", "").strip()
        at = _relative(element, "as", at) if at else PurePosixPath(source).name
        if any(char in at for char in "*?[]"):
            raise _wrong(element, f'as="{at}" holds one of * ? [ ]', "choose a name without them")
        if at in found:
            raise _wrong(element, f"two includes of one place want to be {at!r}", "give one of them another `as`")
        found[at] = IncludeSpec(source, at, _flag(element, "optional", False), element.line)
    return tuple(found.values())


def _relative(element: Element, what: str, value: str) -> str:
    """A path that stays inside the course, in POSIX form."""
    path = value.strip().replace("\\", "/")
    if not path:
        raise _wrong(element, f"<{element.tag}> needs {what}", "give a path relative to the course root")
    if path.startswith("/") or re.match("[A-Za-z]:", path):
        raise _wrong(element, f"{what} {path!r} is absolute", "give a path relative to the course root")
    if ".." in path.split("/"):
        raise _wrong(element, f"{what} {path!r} leads upwards", "paths stay inside the course; move the files, or the course root")
    return PurePosixPath(path).as_posix()


def _inner_groups(sections: list[Element]) -> Iterator[Element]:
    """The groups inside sections and their topics, before those of the course as a whole."""
    for section in sections:
        yield from section.all("dir-group")
        for holder in section.all("topics"):
            yield from holder.all("dir-group")
            for topic in topic_elements(holder):
                yield from topic.all("dir-group")


def _dir_group(element: Element) -> DirGroupSpec:
    path, language = element.text_of("path"), element.attributes.get("lang", "").strip()
    if language and language not in LANGUAGES:
        raise _wrong(element, f'lang="{language}" is not a language of the format', f"write one of {', '.join(LANGUAGES)}")
    subdirs = element.find("subdirs")
    names = [child.text.strip() for child in subdirs.children] if subdirs else []
    return DirGroupSpec(
        name=text_of(element.find("name")),
        line=element.line,
        path=_folder(element, "path", path),
        subdirs=tuple(_folder(element, "subdir", name) for name in names),
        root_files=element.attributes.get("include-root-files", "").lower() == "true",
        recursive=element.attributes.get("recursive", "").lower() != "false",
        language=language,
    )


def _folder(element: Element, what: str, value: str) -> str:
    """A folder inside the course; nothing and ``.`` both mean the folder they are relative to."""
    path = _relative(element, what, value) if value else ""
    return "" if path == "." else path


def _targets(root: Element, kinds: Collection[str]) -> tuple[TargetSpec, ...]:
    targets: list[TargetSpec] = []
    for element in _each(root, "output-targets", "output-target"):
        target = _target(element, kinds)
        for other in targets:
            if target.name == other.name:
                raise _wrong(element, f"two targets are called {target.name!r}", "give each target its own name")
            if PurePosixPath(target.path) == PurePosixPath(other.path):
                raise _wrong(element, f"targets {other.name!r} and {target.name!r} have the same path", "give each target its own folder")
        targets.append(target)
    return tuple(targets)


def _target(element: Element, kinds: Collection[str]) -> TargetSpec:
    name, path = element.attributes.get("name", "default"), element.text_of("path").replace("\\", "/")
    if not name or "/" in name or name in (".", ".."):
        raise _wrong(element, f"a target cannot be called {name!r}", "give it a plain name")
    if not path:
        raise _wrong(element, f"target {name!r} has no <path>", f"add <path>output/{name}</path>")
    if element.attributes.get("distribute", "true").lower() not in ("true", "false", ""):
        raise _wrong(element, f"target {name!r}: distribute is neither true nor false", 'write distribute="true" or "false"')
    asked = _listed(element, "kinds", "kind", {*kinds, *_KIND_NAMES, "recording-code-along"})
    languages = _listed(element, "languages", "language", set(LANGUAGES))
    return TargetSpec(
        name=name,
        line=element.line,
        path=path,
        kinds=_without_not_built(asked),
        formats=_without_not_built(_listed(element, "formats", "format", {*FORMATS, "jupyterlite"})),
        languages=tuple(language for language in LANGUAGES if language in languages) if languages else None,
    )


def _listed(element: Element, container: str, tag: str, valid: set[str]) -> tuple[str, ...] | None:
    holder = element.find(container)
    words = [child.text.strip() for child in holder.all(tag) if child.text.strip()] if holder else []
    for word in words:
        if word not in valid:
            name = element.attributes.get("name", "default")
            raise _wrong(element, f"target {name!r}: {word!r} is no {tag}", f"choose from {', '.join(sorted(valid))}")
    return tuple(words) or None


def _without_not_built(words: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """The words under our names, each once, without what is only named in a warning."""
    return words and tuple(dict.fromkeys(_KIND_NAMES.get(word, word) for word in words if word not in NOT_BUILT))
