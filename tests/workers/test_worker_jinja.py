"""Expanding templates, and what they may not do."""

from __future__ import annotations

import re
import sys
import time
from typing import Any

import pytest

from clx_jupyter_workers.notebook import bounds
from clx_jupyter_workers.notebook.jinja import expand
from clx_jupyter_workers.notebook.marks import Marks
from clx_jupyter_workers.notebook.read import read_text
from clx_jupyter_workers.problems import SourceError

if sys.platform != "win32":
    import resource

ORGANIZATION = {"de": "Schule", "en": "School"}
READER = {"prog_lang": "python", "comment": "#", "templates": ["templates"], "globals": {"author": "Ada", "organization": ORGANIZATION}}
HEAD = "# j2 from 'macros.j2' import header\n# {{ header('Das & Thema', 'The topic') }}\n\n"


def expanded(course: Any, text: str, language: str = "de", format: str = "html", path: str = "deck/a.py", **reader: Any) -> str:
    course.write(path, text)
    return expand(text, path, root=course.root, reader={**READER, **reader}, language=language, format=format, marks=None)


def test_the_title_slide_is_two_cells_with_author_and_organization(course: Any) -> None:
    document = read_text(expanded(course, HEAD + "# %%\n1\n"), "a.py", {"extension": ".py", "format_name": "percent"}, None, "")
    german, english, code = document.cells
    assert (german.language, german.tags, english.language, english.tags) == ("de", ["slide"], "en", ["slide"])
    assert '<div style="text-align:center; font-size:200%;">\n <b>Das & Thema</b>\n</div>\n<br/>' in german.source
    assert "Ada" in german.source and "Schule" in german.source and "The topic" in english.source
    assert german.source.startswith('\n<img src="data:image/svg+xml;base64,') and code.source == "1"
    assert english.source.endswith("<br/>\n\n")  # two empty lines, as CLM publishes them


def test_the_logo_stands_only_in_html_and_notebook_and_no_author_shows_none(course: Any) -> None:
    assert [("<img" in expanded(course, HEAD, format=format)) for format in ("html", "notebook", "code")] == [True, True, False]
    assert "120%" not in expanded(course, HEAD, globals={})


@pytest.mark.parametrize(("prog_lang", "comment"), [("python", "#"), ("cpp", "//"), ("csharp", "//"), ("java", "//"), ("typescript", "//")])
@pytest.mark.parametrize("macro", ["header_de('T')", "header_en('T')", "header('T', 'U')"])
def test_every_language_of_the_format_has_the_macros(course: Any, prog_lang: str, comment: str, macro: str) -> None:
    text = f"{comment} j2 from 'macros.j2' import {macro.split('(')[0]}\n{comment} {{{{ {macro} }}}}\n"
    lines = expanded(course, text, prog_lang=prog_lang, comment=comment).strip().splitlines()
    assert lines[0].startswith(f"{comment} %% [markdown] lang=") and all(not line or line.startswith(comment) for line in lines)


def test_the_courses_own_macros_come_first_and_know_the_globals(course: Any) -> None:
    course.write(
        "templates/macros.j2",
        "{% macro header(a, b) %}{{ lang }} {{ name }} {{ source_name }} {{ is_html }}{% include 'part.txt' %}{% endmacro %}",
    )
    course.write("templates/part.txt", "part")
    names = {"de": {"html": "01 Das.html", "code": "01 Das.py"}, "en": {"html": "01 The.html", "code": "01 The.py"}}
    reader = {"globals": {"name": names, "source_name": "deck/a.py"}}
    assert expanded(course, HEAD, **reader).strip() == "# de 01 Das.html deck/a.py Truepart"
    assert expanded(course, HEAD, "en", "code", **reader).strip() == "# en 01 The.py deck/a.py Falsepart"


# What CLX and CLM publish, line by line, but for the picture's data: a published notebook must not show a diff.
_TITLE = '<div style="text-align:center; font-size:200%;">\n <b>Das</b>\n</div>\n<br/>\n'
_BIG = '<div style="text-align:center; font-size:120%;">Ada</div>\n<br/>\n'
_SCHOOL = '<div style="text-align:center;">Schule</div>\n<br/>'
TITLES = [
    (
        "python", "clm",
        f'\n<img src="…"\n     style="display:block;margin:auto;width:10%" alt="Python Logo"/>\n<br>\n\n{_TITLE}'
        f'<div style="text-align:center;">Ada</div>\n<br/>\n\n{_SCHOOL}',
    ),
    (
        "java", "clm",
        f'\n<img src="…"\n     alt="Java Logo" style="display:block;margin:auto;width:5%"/>\n<br>\n\n{_TITLE}{_BIG}\n{_SCHOOL}',
    ),
    (
        "java", "clx",
        f'\n<img src="…"\n     alt="Java Logo" style="display:block;margin:auto;width:5%"/>\n<br>\n\n{_TITLE}{_BIG}{_SCHOOL}',
    ),
    ("cpp", "clm", f'\n<img src="…"\n     style="display:block;margin:auto;width:5%"/>\n<br>\n{_TITLE}{_BIG}\n{_SCHOOL}\n\n'),
    ("cpp", "clx", f'\n<img src="…"\n     style="display:block;margin:auto;width:5%"/>\n<br>\n\n{_TITLE}{_BIG}{_SCHOOL}'),
]  # fmt: skip


@pytest.mark.parametrize("marked", [False, True])
@pytest.mark.parametrize(("prog_lang", "layout", "source"), TITLES)
def test_the_title_slide_has_the_lines_that_clx_and_clm_publish(
    course: Any, prog_lang: str, layout: str, source: str, marked: bool
) -> None:  # fmt: skip
    comment, suffix = ("#", ".py") if prog_lang == "python" else ("//", ".java")
    # Decks for the first macros of CLX write the marker themselves.
    marker = f'{comment} %% [markdown] lang="de" tags=["slide"]\n' if marked else ""
    deck = f'{marker}{comment} j2 from \'macros.j2\' import header\n{comment} {{{{ header("Das", "The") }}}}\n\n{comment} %%\n1\n'
    long = expanded(course, deck, prog_lang=prog_lang, comment=comment, layout=layout)
    cells = read_text(long, f"a{suffix}", {"extension": suffix, "format_name": "percent"}, None, "").cells
    assert [(cell.type, cell.language, cell.tags) for cell in cells[:2]] == [("markdown", "de", ["slide"]), ("markdown", "en", ["slide"])]
    assert re.sub('src="data:[^"]*"', 'src="…"', cells[0].source) == source
    assert len(cells) == 3


def test_cells_of_an_included_file_name_that_file(course: Any) -> None:
    course.write("deck/part.py", "# %%\nfirst\n# %%\nsecond\n")
    text = "# %%\na\n{% include 'part.py' %}\n# %%\nb\n"
    marks = Marks("#")
    long = expand(marks.mark(text, "deck/a.py"), "deck/a.py", root=course.root, reader=READER, language="de", format="html", marks=marks)
    document = read_text(long, "deck/a.py", {"extension": ".py", "format_name": "percent"}, marks, text)
    places = [(cell.origin.path, cell.origin.cell, cell.origin.line) for cell in document.cells]
    assert places == [("deck/a.py", 0, 2), ("deck/part.py", 0, 2), ("deck/part.py", 1, 4), ("deck/a.py", 1, 5)]


def test_cells_of_macros_come_from_a_template(course: Any) -> None:
    text = HEAD + "# %%\n1\n"
    marks = Marks("#")
    long = expand(marks.mark(text, "a.py"), "a.py", root=course.root, reader=READER, language="de", format="html", marks=marks)
    document = read_text(long, "a.py", {"extension": ".py", "format_name": "percent"}, marks, text)
    assert [cell.origin.cell for cell in document.cells] == [None, None, 1]


ERRORS = [
    ("a\n{{ nobody }}", "Jinja: 'nobody' is undefined", 2),
    ("a\n\n{% if %}", "Jinja: Expected an expression, got 'end of statement block'", 3),
    ("{{ 'x' }", "Jinja: unexpected '}'", 1),
    ("\n{% include 'none.txt' %}", "Jinja: there is no template 'none.txt' inside the course.", 2),
    ("\n{{ 1 / 0 }}", "Jinja: ZeroDivisionError: division by zero", 2),
]


@pytest.mark.parametrize(("text", "message", "line"), ERRORS)
def test_an_error_names_file_and_line(course: Any, text: str, message: str, line: int) -> None:
    with pytest.raises(SourceError) as error:
        expanded(course, text)
    problem = error.value.problem
    assert (problem.message, problem.path, problem.line) == (message, "deck/a.py", line)


def test_an_error_in_an_included_file_names_that_file(course: Any) -> None:
    course.write("deck/part.txt", "\n\n{{ nobody }}")
    with pytest.raises(SourceError) as error:
        expanded(course, "{% include 'part.txt' %}")
    assert (error.value.problem.path, error.value.problem.line) == ("deck/part.txt", 3)


HOSTILE = [
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ lipsum.__globals__ }}",
    "{{ self.__init__.__globals__ }}",
    "{{ self._TemplateReference__context }}",
    "{{ (lang|attr('__class__')) }}{{ (lang|attr('__class__')).__mro__ }}",
    "{{ '{0.__class__.__mro__}'.format(lang) + '{0.__class__.__init__.__globals__}'.format(cycler) }}",
    "{% set x = [] %}{{ x.append(1) }}",
    "{{ {}.update({1: 2}) }}",
    "{{ 'a' * 10**8 }}",
    "{{ 10 ** (10 ** 6) }}",
    "{{ range(10**9)|list }}",
    "{{ '%0999999999d' % 1 }}",
    "{% for a in range(9999) %}{% for b in range(9999) %}{{ 'x' * 9999 }}{% endfor %}{% endfor %}",
    "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "{% include '../../../../etc/passwd' %}",
    "{% include '/etc/passwd' %}",
    "{% include 'link.txt' %}",
    "{% include 'linked/secret.txt' %}",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_template_reaches_neither_python_nor_files_outside_nor_all_memory(course: Any, tmp_path: Any, text: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text("secret")
    (course.root / "deck").mkdir()
    (course.root / "deck" / "link.txt").symlink_to(outside / "secret.txt")
    (course.root / "deck" / "linked").symlink_to(outside)
    with pytest.raises(SourceError):
        expanded(course, text)


def test_raw_blocks_protect_the_courses_own_braces(course: Any) -> None:
    assert expanded(course, "{% raw %}{{ x }}{% endraw %}\n") == "{{ x }}\n"


BOMBS = {
    "a loop that says nothing": ("{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}", "longer than 1 s"),
    "text without end": ("{{ lipsum(n=10000000) }}", "longer than 1 s"),
    "a text that doubles": ("{% set a = namespace(b='xxxxxxxxxx') %}{% for i in range(99) %}{% set a.b = a.b ~ a.b %}{% endfor %}", "1 GB"),
    "a wide field": ("{{ '%*d'|format(2000000000, 1) }}", "1 GB"),
    "a wide text": ("{{ 'x'.ljust(9999999999) }}", "1 GB"),
    "joined texts": ("{{ ('y' * 10000000).join('x' * 10000000) }}", "1 GB"),
}


@pytest.mark.skipif(sys.platform != "linux", reason="memory and time are bounded by the system")
@pytest.mark.parametrize("name", BOMBS)
def test_a_template_takes_neither_all_time_nor_all_memory(course: Any, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(bounds, "SECONDS", 1.0)
    monkeypatch.setattr(bounds, "BYTES", 1 << (28 if "GB" in BOMBS[name][1] else 30))
    text, message = BOMBS[name]
    limits = resource.getrlimit(resource.RLIMIT_AS)
    started = time.monotonic()
    with pytest.raises(SourceError) as caught:
        expanded(course, f"# %% [markdown]\n# {text}\n")
    assert time.monotonic() - started < 10
    assert message in caught.value.problem.message
    assert caught.value.problem.path == "deck/a.py"
    assert resource.getrlimit(resource.RLIMIT_AS) == limits
    assert expanded(course, "# %%\n1\n") == "# %%\n1\n"
