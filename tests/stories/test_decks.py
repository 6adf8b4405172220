"""What decks of CLX and CLM courses can say, from the course file to the published files."""

from __future__ import annotations

import json
import re
import sys
import venv
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

import ipykernel
import pytest

from tests.stories.conftest import Built, notebook, write

pytestmark = pytest.mark.story

Clx = Callable[..., Built]
M = "slides/module_1"


def spec(
    topics: str, extra: str = "", formats: tuple[str, ...] = ("html", "notebook", "code"), kinds: tuple[str, ...] = ("completed",)
) -> str:
    listed = "".join(f"<format>{name}</format>" for name in formats)
    kinds_listed = "".join(f"<kind>{name}</kind>" for name in kinds)
    return f"""<course><name><de>Kurs</de><en>Course</en></name><prog-lang>python</prog-lang><author>Ada</author>
<sections><section><name><de>Woche 1</de><en>Week 1</en></name><topics>{topics}</topics></section></sections>
<output-targets><output-target name="all"><path>out</path><kinds>{kinds_listed}</kinds><formats>{listed}</formats></output-target></output-targets>
{extra}</course>"""


def deck(de: str, en: str, body: str = "") -> str:
    lines = "".join(f"# {line}\n" for line in body.splitlines())
    head = f'# j2 from \'macros.j2\' import header\n# {{{{ header("{de}", "{en}") }}}}\n'
    return f"{head}\n# %% [markdown]\n{lines}\n# %%\n1 + 1\n"


def broken_links(root: Path) -> list[str]:
    """Links and pictures of the pages and notebooks below *root* that lead to no file."""
    found = []
    for page in [*root.rglob("*.html"), *root.rglob("*.ipynb")]:
        text = page.read_text(encoding="utf-8")
        if page.suffix == ".ipynb":
            text = "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"])
        targets = re.findall(r"""<(?:a|img)\b[^>]*?\b(?:href|src)=["']([^"'#]+)""", text) + re.findall(r"\]\(([^)#\s]+)", text)
        found += [f"{page.name}: {target}" for target in targets if ":" not in target and not (page.parent / unquote(target)).is_file()]
    return found


def linked(root: Path) -> int:
    """How many pages below *root* have a link to another file."""
    return sum(
        bool(re.search(r'<a\b[^>]*\bhref="[^#]', page.read_text(encoding="utf-8").partition("<body")[2])) for page in root.rglob("*.html")
    )


NEAR = "its links to other pages changed"


def reasons(built: Built) -> set[tuple[str, str]]:
    """The sources of which something was made, and why."""
    return {(output["source"], output["reason"]) for output in built.report["outputs"] if output["reason"]}


def test_every_link_of_a_clm_course_leads_to_a_file(clx: Clx, tmp_path: Path) -> None:
    body = "[B](../topic_200_b/slides_b.py#x) [C](clm:c) <a href='slides_a2.py'>A2</a> [d](data/x.csv)"
    write(tmp_path, {
        "course-specs/a.xml": spec("<topic>a</topic><topic>b</topic><topic html='no'>c</topic>"),
        f"{M}/topic_100_a/slides_a.py": deck("Ä ä", "A: a", body), f"{M}/topic_100_a/slides_a2.py": deck("A2", "A2", "[a](clm:a/slides_a)"),
        f"{M}/topic_100_a/data/x.csv": "1",
        f"{M}/topic_200_b/slides_b.de.py": deck("Bé", "-"), f"{M}/topic_200_b/slides_b.en.py": deck("-", "B"),
        f"{M}/topic_300_c/slides_c.py": deck("C", "C"),
    })  # fmt: skip
    built = clx(tmp_path / "course-specs/a.xml", "--no-execute")
    assert built.code == 0, built.errors
    assert broken_links(tmp_path / "out") == []
    assert linked(tmp_path / "out") == 4
    assert [problem for problem in built.report["problems"] if problem["class"] == "link"] == []


def test_a_renamed_notebook_rebuilds_the_pages_that_link_to_it(clx: Clx, tmp_path: Path) -> None:
    write(tmp_path, {"a.ipynb": notebook(("markdown", "[b](w/b.ipynb)")), "c.ipynb": notebook(("markdown", "C"))})
    write(tmp_path, {"w/b.ipynb": notebook(("markdown", "[a](../a.ipynb) [gone](gone.ipynb)"))})
    built = clx(tmp_path)
    assert [problem["message"] for problem in built.report["problems"]] == ["The link to gone.ipynb leads nowhere: there is no such file."]
    assert broken_links(tmp_path / "output") == ["b.html: gone.ipynb", "b.ipynb: gone.ipynb"]
    write(tmp_path, {"w/b.py": "# %% [markdown]\n# [a](../a.ipynb)\n"})
    (tmp_path / "w/b.ipynb").rename(tmp_path / "w/z.ipynb")
    built = clx(tmp_path)
    assert reasons(built) == {("w/b.py", "new"), ("w/z.ipynb", "new")}
    (tmp_path / "w/b.py").unlink()
    built = clx(tmp_path)
    assert reasons(built) == {("a.ipynb", "the link to w/b.ipynb removed"), ("c.ipynb", NEAR), ("w/z.ipynb", NEAR)}
    assert any("w/b.ipynb leads nowhere" in problem["message"] for problem in built.report["problems"])


def test_spoken_text_from_a_companion_reaches_the_speaker_only_and_starts_no_kernel(clx: Clx, tmp_path: Path) -> None:
    topic = f"{M}/topic_100_a"
    said = '# %% [markdown] lang="en" tags=["voiceover"] for_slide="s"\n# SAID-1\n'
    slide = '\n# %% [markdown] tags=["slide"] slide_id="s"\n# ## S\n'
    write(tmp_path, {"course-specs/a.xml": spec("<topic>a</topic>", kinds=("code-along", "completed", "speaker"))})
    write(tmp_path, {f"{topic}/slides_a.py": deck("A", "A") + slide, f"{topic}/voiceover/voiceover_a.py": said})
    assert clx(tmp_path / "course-specs/a.xml").code == 0

    def holders(word: str) -> set[str]:
        files = [path for path in (tmp_path / "out").rglob("*") if path.is_file() and word.encode() in path.read_bytes()]
        return {path.parent.parent.name for path in files}

    assert holders("SAID-1") == {"Recording"}
    write(tmp_path, {f"{topic}/voiceover/voiceover_a.py": said.replace("SAID-1", "SAID-2")})
    built = clx(tmp_path / "course-specs/a.xml")
    assert (built.report["kernels_started"], holders("SAID-1"), holders("SAID-2")) == (0, set(), {"Recording"})
    assert {output["reason"] for output in built.report["outputs"]} == {f"{topic}/voiceover/voiceover_a.py changed"}


def test_shared_pictures_are_there_once_for_each_language_and_found_from_every_page(clx: Clx, tmp_path: Path) -> None:
    write(tmp_path, {"course-specs/a.xml": spec("<topic>a</topic><topic>b</topic>", kinds=("completed", "speaker"))})
    for topic, content in (("100_a", b"one"), ("200_b", b"two")):
        folder = f"{M}/topic_{topic}"
        write(tmp_path, {f"{folder}/slides_x{topic}.py": deck(topic, topic, "<img src='img/p.png'> ![q](img/q.png)")})
        write(tmp_path, {f"{folder}/img/p.png": content, f"{folder}/img/q.png": b"same"})
    built = clx(tmp_path / "course-specs/a.xml", "--no-execute", "--image-mode", "shared")
    assert built.code == 0, built.errors
    assert broken_links(tmp_path / "out") == []
    found = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.png"))
    assert found == [f"Course-en/img/{name}" for name in ("b/p.png", "p.png", "q.png")] + [
        f"Kurs-de/img/{name}" for name in ("b/p.png", "p.png", "q.png")
    ]
    again = clx(tmp_path / "course-specs/a.xml", "--no-execute")
    assert broken_links(tmp_path / "out") == []
    assert {output["reason"] for output in again.report["outputs"]} == {"settings changed"}
    assert not (tmp_path / "out/Course-en/img").exists()


def test_the_course_runs_with_the_python_that_it_names(clx: Clx, tmp_path: Path) -> None:
    venv.create(tmp_path / "env", with_pip=False)
    site = next((tmp_path / "env/lib").glob("python3*/site-packages"))
    write(tmp_path, {"course-specs/a.xml": spec("<topic>a</topic>", "<kernel-python>env</kernel-python>", ("html",))})
    write(tmp_path, {f"{M}/topic_100_a/slides_a.py": deck("A", "A") + "# %%\nimport sys\nprint(sys.prefix.rpartition('/')[2], 'PREFIX')\n"})
    built = clx(tmp_path / "course-specs/a.xml")
    (problem,) = [problem for problem in built.report["problems"] if problem["severity"] == "error"]
    assert (built.code, problem["class"]) == (1, "missing-kernel")
    assert "ipykernel is not installed" in problem["message"]
    assert "-m pip install ipykernel" in problem["hint"]
    for package in Path(ipykernel.__file__).parents[1].iterdir():
        if not package.name.startswith(("_", "clx_jupyter", "pip")) and not (site / package.name).exists():
            (site / package.name).symlink_to(package)
    built = clx(tmp_path / "course-specs/a.xml")
    assert built.code == 0, built.errors
    assert "env PREFIX" in (tmp_path / "out/Course-en/Slides/Html/Completed/Week 1/01 A.html").read_text(encoding="utf-8")


def test_an_interpreter_that_proves_to_have_no_ipykernel_is_tried_once(clx: Clx, tmp_path: Path) -> None:
    write(tmp_path, {"bare": f'#!/bin/sh\nexec "{sys.executable}" -I -S "$@"\n'})
    (tmp_path / "bare").chmod(0o755)
    write(tmp_path, {"course-specs/a.xml": spec("<topic>a</topic>", "<kernel-python>bare</kernel-python>", ("html",))})
    write(tmp_path, {f"{M}/topic_100_a/slides_a.py": deck("A", "A")})
    built = clx(tmp_path / "course-specs/a.xml")
    (problem,) = [problem for problem in built.report["problems"] if problem["severity"] == "error"]
    assert (problem["class"], built.report["executions"]) == ("missing-kernel", 1)
    assert "pip install ipykernel" in problem["hint"]


def test_the_halves_of_a_pair_are_one_notebook_in_two_languages(clx: Clx, tmp_path: Path) -> None:
    inner = "<output-target name='en'><path>en</path><kinds><kind>completed</kind></kinds><languages><language>en</language></languages></output-target>"
    text = spec("<topic>a</topic><topic>b</topic>").replace("</output-targets>", f"{inner}</output-targets>")
    write(tmp_path, {"course-specs/a.xml": text, f"{M}/topic_200_b/slides_b.py": deck("Be", "Bee")})
    for language, title, word in (("de", "Ä: eins", "DEUTSCH"), ("en", "A, one", "ENGLISH")):
        head = f"# j2 from 'macros.j2' import header_{language}\n# {{{{ header_{language}(\"{title}\") }}}}\n"
        body = f'\n# %% [markdown] lang="{language}"\n# {word}\n\n# %% [markdown]\n# PLAIN-{word}\n\n# %%\n"{word}"\n'
        write(tmp_path, {f"{M}/topic_100_a/slides_a.{language}.py": head + body})
    built = clx(tmp_path / "course-specs/a.xml")
    assert built.code == 0, built.errors
    found = {
        path.relative_to(tmp_path).as_posix(): path.read_text(encoding="utf-8")
        for top in ("out", "en")
        for path in (tmp_path / top).rglob("01*")
    }
    places = ("Html/Completed/{}.html", "Notebooks/Completed/{}.ipynb", "Python/Completed/{}.py")
    german = {"out/Kurs-de/Folien/" + place.format("Woche 1/01 Ä eins") for place in places}
    english = {f"{top}/Course-en/Slides/" + place.format("Week 1/01 A, one") for place in places for top in ("out", "en")}
    assert set(found) == german | english
    assert all(("DEUTSCH" in text, "ENGLISH" in text) == (path in german, path in english) for path, text in found.items())
    titles = [text for path, text in found.items() if path.endswith(".html")]
    assert ["Ä: eins</b>" in text or "A, one</b>" in text for text in titles] == [True] * 3
    assert sorted({path.name for path in (tmp_path / "out").rglob("02*.html")}) == ["02 Be.html", "02 Bee.html"]
