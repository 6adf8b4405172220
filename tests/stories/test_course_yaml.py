"""Courses described by ``course.yaml``, and by a file beside a course in XML, as they are built."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.stories.conftest import Built, command, looks, notebook, write

pytestmark = pytest.mark.story

Clx = Callable[..., Built]

THREE = """\
title: {en: Python, de: Python, fr: Python}
languages: [en, de, fr]
author: Ada
names: numbered
include: [{from: shared/x.csv, to: data}]
kinds:
  exercise: {base: completed, label: Exercise, blank: [solution], remove: [hint]}
targets:
  students: {path: out/students, kinds: [exercise], formats: [html, notebook]}
  staff: {path: out/staff, kinds: [completed, speaker], formats: [html], languages: [de], outputs: true}
sections:
  - title: {en: Basics, de: Grundlagen, fr: Les bases}
    topics: [basics/lists, {path: loops, title: Loops}]
"""


def lists(title: str, link: str) -> str:
    return (
        f"# %% [markdown]\n# # {title}\n# [next](../loops/for.{link})\n# %%\nprint('read', open('data/x.csv').read())\n"
        '# %% tags=["solution"]\nprint("the", "answer")\n# %% [markdown] tags=["hint"]\n# only staff sees it\n'
        '# %% [markdown] tags=["notes"]\n# what to say\n'
    )


BOTH = '# %% [markdown] lang="en"\n# # For\n# %% [markdown] lang="de"\n# # Für\n# %% [markdown] lang="fr"\n# # Pour\n# %%\nprint(6 * 7)\n'


def three(root: Path) -> Path:
    texts = {f"basics/lists.{language}.py": lists(title, "py") for language, title in (("en", "Lists"), ("de", "Listen"), ("fr", "Listes"))}
    return write(root, {"course.yaml": THREE, "loops/for.py": BOTH, "shared/x.csv": "1,2", **texts})


def test_three_languages_own_kinds_numbered_names_and_included_files(clx: Clx, tmp_path: Path) -> None:
    built = clx(three(tmp_path))
    assert (built.code, built.report["problems"]) == (0, [])
    pages = {path for path in built.states() if path.endswith(".html")}
    assert pages == {
        *(f"students/exercise/{language}/html/basics/01 {title}.html" for language, title in (("en", "Lists"), ("de", "Listen"), ("fr", "Listes"))),
        *(f"students/exercise/{language}/html/loops/02 Loops.html" for language in ("en", "de", "fr")),
        *(f"staff/{kind}/de/html/{name}.html" for kind in ("completed", "speaker") for name in ("basics/01 Listen", "loops/02 Loops")),
    }  # fmt: skip
    out = tmp_path / "out"
    student = (out / "students/exercise/fr/html/basics/01 Listes.html").read_text(encoding="utf-8")
    assert "read 1,2" in student
    assert not any(text in student for text in ("the answer", "only staff", "what to say"))
    assert 'href="../loops/02%20Loops.html"' in student
    assert (out / "students/exercise/fr/notebook/basics/data/x.csv").read_text(encoding="utf-8") == "1,2"
    completed, speaker = (
        (out / f"staff/{kind}/de/html/basics/01 Listen.html").read_text(encoding="utf-8") for kind in ("completed", "speaker")
    )
    assert "the answer" in completed
    assert "what to say" not in completed
    assert "what to say" in speaker
    assert "Pour" not in (out / "students/exercise/en/html/loops/02 Loops.html").read_text(encoding="utf-8")


def test_a_second_build_touches_nothing_and_an_included_file_is_an_input(clx: Clx, tmp_path: Path) -> None:
    clx(three(tmp_path))
    before = looks(tmp_path / "out")
    assert set(clx(tmp_path).states().values()) == {"fresh"}
    assert looks(tmp_path / "out") == before
    (tmp_path / "shared/x.csv").write_text("3,4", encoding="utf-8")
    again = clx(tmp_path)
    assert {path for path, state in again.states().items() if state == "built"} == {path for path in again.states() if "/basics/" in path}
    assert "read 3,4" in (tmp_path / "out/students/exercise/en/html/basics/01 Lists.html").read_text(encoding="utf-8")


def test_one_notebook_is_built_in_its_course_even_if_that_was_never_built(clx: Clx, tmp_path: Path) -> None:
    three(tmp_path)
    built = clx(tmp_path / "loops" / "for.py", "--no-execute", "--format", "html")
    assert built.report["course"] == "course.yaml"
    assert {output["source"] for output in built.report["outputs"]} == {"loops/for.py"}
    assert not (tmp_path / "loops" / "for.py-output").exists()


def test_a_broken_course_file_ends_with_2_and_says_where(tmp_path: Path) -> None:
    write(tmp_path, {"course.yaml": "version: 1\ntitle: T\nlanguges: [en]\n", "a.py": BOTH})
    for name in ("build", "validate"):
        done = command(name, str(tmp_path), cwd=tmp_path)
        assert (done.returncode, done.stderr) == (2, "error: course.yaml:3: 'languges' is not known\n  hint: did you mean 'languages'?\n")
    assert not (tmp_path / "output").exists()


def test_a_missing_topic_is_one_error_and_the_rest_is_built(clx: Clx, tmp_path: Path) -> None:
    write(tmp_path, {"course.yaml": "sections:\n- title: S\n  topics:\n  - a.py\n  - lost.py\n", "a.py": BOTH})
    built = clx(tmp_path, "--no-execute")
    assert (built.code, built.classes()) == (1, ["bad-course"])
    assert {output["source"] for output in built.report["outputs"] if output["state"] == "built"} == {"a.py"}
    assert built.report["problems"][0]["line"] == 5


def test_a_folder_that_gets_a_course_file_goes_on_where_it_was(clx: Clx, tmp_path: Path) -> None:
    write(tmp_path, {"a.py": BOTH})
    clx(tmp_path)
    write(tmp_path, {"course.yaml": "title: T\n"})
    built = clx(tmp_path)
    assert (built.code, built.report["problems"], built.report["executions"]) == (0, [], 0)
    assert (built.report["title"], set(built.states().values())) == ("T", {"built"})


def test_a_cell_may_take_longer_or_less_than_the_others(clx: Clx, tmp_path: Path) -> None:
    # Not the same code: what the one does in its time would do for the other.
    slow = "# %%\nimport time\n# %% timeout={0}\ntime.sleep(3)\n# %%\nprint('done', {0})\n"
    write(tmp_path, {"course.yaml": "execute: {cell_timeout: 1.5}\n", "long.py": slow.format(60), "short.py": slow.format(0.5)})
    built = clx(tmp_path)
    (problem,) = built.report["problems"]
    assert (problem["class"], problem["path"], problem["cell"]) == ("timeout", "short.py", 1)
    assert "0.5 s" in problem["message"]
    assert "done" in (tmp_path / "output/students/completed/html/long.html").read_text(encoding="utf-8")


def test_named_variables_reach_the_code_and_never_the_outputs(clx: Clx, tmp_path: Path) -> None:
    code = "# %%\nimport os\nprint(len(os.environ.get('MY_TOKEN', '')) == 10, 'OTHER_TOKEN' in os.environ, len(os.environ['FROM_FILE']) == 11)\n"
    code += "# %%\nprint(os.environ['MY_TOKEN'], os.environ['FROM_FILE'])\n"
    write(tmp_path, {"course.yaml": "environment: [MY_TOKEN]\n", ".env": "FROM_FILE=of-the-file\n", "a.py": code})
    built = clx(tmp_path, MY_TOKEN="the-secret", OTHER_TOKEN="another")
    assert (built.code, built.report["problems"]) == (0, [])
    page = (tmp_path / "output/students/completed/html/a.html").read_text(encoding="utf-8")
    assert "True False True" in page
    assert "the-secret" not in page
    state = b"".join(path.read_bytes() for path in (tmp_path / ".clx").rglob("*") if path.is_file())
    assert b"the-secret" not in state
    assert not (tmp_path / "output/students/completed/html/.env").exists()


XML = """<course><name><de>Kurs</de><en>Course</en></name><prog-lang>python</prog-lang><author>A</author>
<sections><section><name><de>W</de><en>W</en></name><topics><topic>a</topic></topics></section></sections>
<output-targets><output-target name="all"><path>out</path><kinds><kind>code-along</kind><kind>solution</kind></kinds>
<formats><format>notebook</format></formats><languages><language>en</language></languages></output-target></output-targets></course>"""
BLACK_LIST = "layout: clx\nkinds:\n  code-along: {base: completed, blank: [solution]}\n  solution: {base: completed}\n"


def test_an_older_course_has_its_own_convention(clx: Clx, tmp_path: Path) -> None:
    deck = '# %%\nshown = 1\n# %% tags=["solution"]\nanswer = 42\n# %% [markdown] tags=["private"]\n# secret\n'
    write(tmp_path, {"c.xml": XML, "c.clx.yaml": BLACK_LIST, "slides/m/topic_100_a/slides_a.py": deck})
    built = clx(tmp_path / "c.xml")
    assert (built.code, built.report["problems"]) == (0, [])
    folder = tmp_path / "out/En/Course/Slides/Notebooks"
    texts = {
        kind: json.loads((folder / kind / "W" / "01 slides_a.ipynb").read_text(encoding="utf-8")) for kind in ("Code-Along", "Solution")
    }
    sources = {kind: ["".join(cell["source"]) for cell in text["cells"]] for kind, text in texts.items()}
    assert sources == {"Code-Along": ["shown = 1", ""], "Solution": ["shown = 1", "answer = 42"]}


def test_nbgraders_marks_and_marks_to_keep_are_told_apart_by_the_course_file(clx: Clx, tmp_path: Path) -> None:
    graded = notebook(("code", "### BEGIN SOLUTION\nanswer = 1\n### END SOLUTION"), ("code", "keep = 2", ["keep"]))
    write(tmp_path, {"a.ipynb": graded})
    assert clx(tmp_path).code == 2
    write(tmp_path, {"course.yaml": "targets:\n  students: {kinds: [student], formats: [notebook]}\n"})
    assert clx(tmp_path).code == 0
    published = (tmp_path / "output/students/student/notebook/a.ipynb").read_text(encoding="utf-8")
    assert "answer" not in published
    assert "keep = 2" in published


def test_a_course_file_that_breaks_during_a_build_is_told_by_its_line(clx: Clx, tmp_path: Path) -> None:
    """The code of the first notebook edits the course file and the second notebook, as a person may do at this moment."""
    edits = (
        f"root = {str(tmp_path)!r}\nopen(root + '/b.py', 'a').write('# more\\n')\nopen(root + '/course.yaml', 'a').write('targets: [\\n')\n"
    )
    course = "sections: [{title: S, topics: [a.py, {path: b.py, after: [a.py]}, c.py]}]\n"
    write(tmp_path, {"course.yaml": course, "a.py": f"# %%\n{edits}", "b.py": "# %%\nprint(2)\n", "c.py": "# %%\nprint(3)\n"})
    built = clx(tmp_path)
    assert built.code == 1
    found = {(problem["class"], problem["path"], problem["line"]): problem["hint"] for problem in built.report["problems"]}
    assert found.pop(("bad-source", "b.py", None)) == "build again"
    ((category, path, _),) = found
    assert (category, path) == ("bad-course", "course.yaml")
    states = {path.rpartition("/")[2]: state for path, state in built.states().items()}
    assert states == {"a.html": "built", "a.ipynb": "built", "b.html": "failed", "b.ipynb": "failed", "c.html": "built", "c.ipynb": "built"}
