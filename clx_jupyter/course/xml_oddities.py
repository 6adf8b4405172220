"""What a CLX or CLM course file says that is unknown, misleading, or not acted on here. Nothing of it ends a build."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from clx_jupyter.course.safe_xml import Element
from clx_jupyter.course.xml_spec import NOT_BUILT, PICTURES, YES, enabled, text_of, topic_id
from clx_jupyter.errors import Problem

_CHILDREN = {
    "course": "name prog-lang description certificate project-slug author organization github sections dir-groups output-targets "
    "image-options jupyterlite kernel-python sidecar-layout tasks release-channels",
    "sections": "section",
    "section": "name include topics dir-group",
    "topics": "topic subsection dir-group",
    "subsection": "name topic activity",
    "topic": "include dir-group",
    "dir-groups": "dir-group",
    "dir-group": "name path subdirs",
    "output-targets": "output-target",
    "output-target": "path kinds formats languages remote-path jupyterlite",
    "kinds": "kind",
    "formats": "format",
    "languages": "language",
    "image-options": "format inline",
}
"""What each element may hold; the inside of others is not looked at."""

_ATTRIBUTES = {
    "section": "enabled id module http-replay optional",
    "subsection": "weekday enabled optional",
    "topic": "id html evaluate skip-errors http-replay author prog-lang module export",
    "include": "source as optional",
    "dir-group": "include-root-files recursive lang",
    "output-target": "name distribute",
}

_NOT_ACTED_ON = {
    "jupyterlite": "no JupyterLite site is made",
    "release-channels": "nothing is released to cohorts",
    "tasks": "its commands are run by `clm run` only",
    "sidecar-layout": "it is about files that only CLM writes",
    "http-replay": "the code of these topics reaches the network itself",
    "recording-code-along": "this kind is not made",
}


_ELEMENTS_WITHOUT_EFFECT = {
    "course": "description certificate github",
    "subsection": "activity",
    "output-target": "remote-path",
}
_ATTRIBUTES_WITHOUT_EFFECT = {
    "section": "optional",
    "subsection": "weekday optional",
    "topic": "export",
    "output-target": "distribute",
}
"""They are for schedules, certificates, repositories and other commands of CLM."""


def warnings(root: Element, path: str) -> tuple[Problem, ...]:
    """What *root* says that is unknown, misleading or not acted on; once per name. *path* is the file's name in them."""
    found: dict[str, Problem] = {}
    for element, message, hint in _oddities(root):
        found.setdefault(message, Problem("bad-course", message, hint, "warning", path=path, line=element.line))
    if names := sorted(set(_without_effect(root))):
        message = f"without effect on what is built: {', '.join(names)}"
        found[message] = Problem("bad-course", message, "other programs may need it", "info", path=path)
    return tuple(found.values())


def _without_effect(element: Element) -> Iterator[str]:
    """Names of elements and attributes in what is part of the course that say nothing about outputs."""
    yield from (name for name in _ATTRIBUTES_WITHOUT_EFFECT.get(element.tag, "").split() if name in element.attributes)
    for child in element.children if element.tag in _CHILDREN else ():
        if child.tag in ("section", "subsection") and not enabled(child):
            continue
        only_slug = child.tag == "github" and all(each.tag == "project-slug" for each in child.children)
        if child.tag in _ELEMENTS_WITHOUT_EFFECT.get(element.tag, "").split() and not only_slug:
            yield child.tag
        yield from _without_effect(child)


def _oddities(element: Element) -> Iterator[tuple[Element, str, str]]:
    """Element, message and hint of every oddity in what is part of the course."""
    yield from _odd_attributes(element)
    if element.tag == "section" and not element.find("topics"):
        yield element, f"section {_label(element)} has no <topics> and is left out", "add <topics>, or remove the section"
    if element.tag in ("course", "section") and not any(text_of(element.find("name")).values()):
        yield element, f"<{element.tag}> in line {element.line} has no name", "add <name>: its folder is called by it"
    known = _CHILDREN.get(element.tag, "").split()
    for child in element.children if known else ():
        if child.tag in ("section", "subsection") and not enabled(child):
            continue
        if child.tag not in known:
            yield child, f"<{child.tag}> is not known in <{element.tag}>", _suggestion(child.tag, known, "it is ignored")
        word = child.text.strip() if child.text.strip() in NOT_BUILT else child.tag
        if word in _NOT_ACTED_ON and child.tag in known:
            yield child, *_not_acted_on(word)
        yield from _odd_pictures(child)
        yield from _oddities(child)


def _odd_pictures(element: Element) -> Iterator[tuple[Element, str, str]]:
    """CLM takes any other word for png and for false."""
    if element.tag == "image-options":
        if (format := element.text_of("format")) not in ("", *PICTURES):
            yield element, f"{format!r} is no format of pictures; png is taken", "write png or svg"
        if (inline := element.text_of("inline")).lower() not in ("", "true", "false"):
            yield element, f"<inline> is neither true nor false but {inline!r}: pictures stay files", "write true or false"


def _odd_attributes(element: Element) -> Iterator[tuple[Element, str, str]]:
    known = _ATTRIBUTES.get(element.tag, "").split()
    for name, value in element.attributes.items():
        if known and name not in known and not name.startswith("{"):
            yield element, f"the attribute {name} is not known in <{element.tag}>", _suggestion(name, known, "it is ignored")
        elif element.tag == "topic" and name == "html" and value.strip().lower() in YES:
            message = f'topic {topic_id(element)}: html="{value}" switches its pages off, as any value does'
            yield element, message, "remove the attribute to get pages"
        elif name == "http-replay" and value.strip().lower() in YES:
            yield element, *_not_acted_on(name)
        elif name in ("include-root-files", "recursive") and value.lower() not in ("true", "false"):
            yield element, f'{name}="{value}" is neither true nor false and is ignored', "write true or false"


def _not_acted_on(word: str) -> tuple[str, str]:
    return f"{word} is not acted on: {_NOT_ACTED_ON[word]}", "nothing needs to change in the course file"


def _suggestion(word: str, known: list[str], otherwise: str) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {near[0]}?" if near else otherwise


def _label(section: Element) -> str:
    name = text_of(section.find("name"))
    return repr(name.get("en") or next(iter(name.values()), section.attributes.get("id", "")))
