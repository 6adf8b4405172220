"""Expanding the Jinja of a deck, in a sandbox: a build that runs no code must not run any by way of a template."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import BaseLoader, Environment, StrictUndefined, TemplateNotFound, TemplateSyntaxError, UndefinedError
from jinja2.exceptions import SecurityError, TemplateError
from jinja2.loaders import split_template_path
from jinja2.sandbox import ImmutableSandboxedEnvironment

from clx_jupyter_workers.notebook.bounds import BYTES, TookTooLong, bounded
from clx_jupyter_workers.notebook.logo import NAMES, logo, look
from clx_jupyter_workers.notebook.marks import Marks
from clx_jupyter_workers.notebook.paths import inside, join
from clx_jupyter_workers.notebook.read import bad_source, decode
from clx_jupyter_workers.problems import SourceError

MAX_OUTPUT = 20_000_000
"""Characters that one deck may expand to."""

_PACKAGED = Path(__file__).parent / "templates" / "macros.j2"
_DECK = "the deck itself"
_ERRORS = (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError, MemoryError, TookTooLong)


class _Loader(BaseLoader):
    """The deck, then the course's template folders, the deck's own folder, and the macros that come with us."""

    def __init__(self, root: Path, deck: str, text: str, folders: list[str], marks: Marks | None, packaged: bool) -> None:
        self._root = root
        self._deck = deck
        self._text = text
        self._folders = [*folders, posixpath.dirname(deck)]
        self._marks = marks
        self._packaged = packaged

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        if template == _DECK:
            return self._text, self._deck, lambda: True
        # Refuses names with `..`.
        relative = "/".join(split_template_path(template))
        for folder in self._folders:
            path = join(folder, relative)
            real = inside(self._root, path)
            if real is not None and real.is_file():
                return self._marked(decode(real.read_bytes(), path), path), path, lambda: True
        if relative == "macros.j2" and self._packaged:
            return _PACKAGED.read_text(encoding="utf-8"), "macros.j2", lambda: True
        raise TemplateNotFound(template)

    def _marked(self, text: str, path: str) -> str:
        return self._marks.mark(text, path, template=path.endswith(".j2")) if self._marks else text


class _Sandbox(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Refuse what would fill the memory before the output's limit could see it."""
        if operator == "*" and _repeated(left, right) > MAX_OUTPUT:
            raise SecurityError("a text or list is repeated too often")
        if operator == "**" and isinstance(right, (int, float)) and abs(right) > 1000:
            raise SecurityError("a power is too large")
        if operator == "%" and isinstance(left, str) and any(len(part) > 6 for part in _digits(left)):
            raise SecurityError("a field is too wide")
        return super().call_binop(context, operator, left, right)


def _repeated(left: Any, right: Any) -> int:
    text, number = (left, right) if hasattr(left, "__len__") else (right, left)
    return len(text) * number if hasattr(text, "__len__") and isinstance(number, int) else 0


def _digits(text: str) -> list[str]:
    return "".join(char if char.isdigit() else " " for char in text).split()


def expand(
    text: str, path: str, *, root: Path, reader: Mapping[str, Any], language: str, format: str, marks: Marks | None
) -> str:  # fmt: skip
    """The text of the deck at *path* with its Jinja expanded for a language and a format.

    Cell markers of *text* carry their *marks* already; those of what it includes get theirs here.
    """
    prog_lang, comment = str(reader.get("prog_lang", "")), str(reader.get("comment", "#"))
    loader = _Loader(root, path, text, list(reader.get("templates", ())), marks, prog_lang in NAMES)
    environment = _Sandbox(
        loader=loader, undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True, line_statement_prefix=f"{comment} j2"
    )
    values = {name: _in_language(value, language, format) for name, value in reader.get("globals", {}).items()}
    environment.globals.update({"author": "", "organization": "", "name": "", "source_name": path, **values})
    environment.globals.update(
        is_notebook=format == "notebook", is_html=format in ("html", "slides"), lang=language, comment=comment,
        logo=logo(prog_lang), look=look(prog_lang, str(reader.get("layout", ""))), marked=_is_marked(text, comment),
    )  # fmt: skip
    try:
        with bounded():
            return _limited(environment, path)
    except _ERRORS as error:
        raise _readable(error, path) from error


def _limited(environment: Environment, path: str) -> str:
    parts, size = [], 0
    for part in environment.get_template(_DECK).generate():
        parts.append(part)
        size += len(part)
        if size > MAX_OUTPUT:
            raise bad_source(path, f"The Jinja of this deck expands to more than {MAX_OUTPUT // 1_000_000} MB.", "Look for a loop.")
    return "".join(parts)


def _in_language(value: Any, language: str, format: str) -> Any:
    """A text of a language, and of a format where it differs (the name of the output)."""
    if not isinstance(value, Mapping):
        return value
    found = value.get(language) or value.get("") or next(iter(value.values()), "")
    return found.get(format, "") if isinstance(found, Mapping) else found


def _is_marked(text: str, comment: str) -> bool:
    """Whether the deck itself writes the marker of its title's first cell, as decks for the first macros of CLX do."""
    sign = re.escape(comment)
    return bool(re.search(rf"^{sign} *%%[^\n]*\n(?:{sign} j2 [^\n]*\n)*{sign} *\{{\{{\s*header\b", text, re.MULTILINE))


def _readable(error: BaseException, path: str) -> SourceError:
    """The error as people need it: which file, which line, what to do."""
    if isinstance(error, TemplateSyntaxError):
        return bad_source(error.filename or path, f"Jinja: {error.message}", _ESCAPE, error.lineno)
    where, line = _place(error, path)
    if isinstance(error, SecurityError):
        return bad_source(where, f"Jinja: not allowed here: {error}", "Templates may not reach into Python.", line)
    if isinstance(error, TemplateNotFound):
        hint = "It is looked for in the course's template folders and beside the deck."
        return bad_source(where, f"Jinja: there is no template {error.name!r} inside the course.", hint, line)
    if isinstance(error, TookTooLong):
        return bad_source(where, f"Jinja: {error}.", _LOOP, line)
    if isinstance(error, MemoryError):
        return bad_source(where, f"Jinja: it takes more than {BYTES >> 30} GB of memory.", _LOOP, line)
    if isinstance(error, UndefinedError):
        return bad_source(where, f"Jinja: {error.message}", _ESCAPE, line)
    return bad_source(where, f"Jinja: {type(error).__name__}: {error}", line=line)


_LOOP = "Look for a loop, or for a text that is made too long."
_ESCAPE = "If this is no template but the course's own text, put it between {% raw %} and {% endraw %}."


def _place(error: BaseException, path: str) -> tuple[str, int | None]:
    """File and line of the innermost template frame; Jinja rewrites tracebacks so that they name templates."""
    found: tuple[str, int | None] = (path, None)
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if "__jinja_exception__" in trace.tb_frame.f_globals or code.co_filename == path:
            found = (code.co_filename, trace.tb_lineno)
        trace = trace.tb_next
    return found
