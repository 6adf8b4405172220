"""Which course is meant, and what if there is none."""

from __future__ import annotations

import html
from pathlib import Path

from playwright.sync_api import expect

from tests.browser import courses
from tests.browser.conftest import LabOf, Visit, Watch
from tests.browser.panel import DONE

HOSTILE = "<img src=x onerror=window.hacked=1>"
#: The same in a heading, where tags are left out of the title: shown as it stands, not turned back into a tag.
ESCAPED = HOSTILE.replace("<", "&lt;").replace(">", "&gt;")


def _course_file(title: str, topic: str) -> str:
    return (
        f"<course><name>{title}</name><prog-lang>python</prog-lang><sections><section><name>Week</name>"
        f"<topics><topic>{topic}</topic></topics></section></sections><output-targets><output-target name='all'><path>out</path>"
        "<kinds><kind>completed</kind></kinds><formats><format>html</format></formats><languages><language>en</language></languages>"
        "</output-target></output-targets></course>"
    )


def test_among_several_courses_nothing_is_built_until_one_is_chosen(lab_of: LabOf, visit: Visit, tmp_path: Path) -> None:
    root = courses.write(
        tmp_path / "a course",
        {
            "course-specs/first.xml": _course_file(html.escape(f"{HOSTILE} course"), "lists"),
            "course-specs/second.xml": _course_file("Second course", "values"),
            "slides/module_100_x/topic_100_lists/slides_lists.py": courses.deck("Lists", "[1, 2]"),
            "slides/module_100_x/topic_110_values/slides_values.py": courses.deck("Values", "6 * 7"),
        },
    )
    panel = visit(lab_of(root))
    panel.expect_view("choose")
    found = panel.node.get_by_role("list", name="Courses found")
    expect(found.get_by_role("button")).to_have_count(2)
    expect(found).to_contain_text("course-specs/second.xml")
    expect(found).to_contain_text(f"{HOSTILE} course")
    assert panel.page.evaluate("window.hacked") is None
    expect(panel.node.get_by_role("button", name="Build")).to_have_count(0)
    assert panel.violations() == []
    panel.shoot("choose")
    found.get_by_role("button").filter(has_text="Second course").click()
    panel.expect_view("course")
    expect(panel.node.get_by_role("heading", level=2)).to_have_text("Second course")
    assert not (root / ".clx").exists() and not (root / "out").exists(), "choosing builds nothing"
    panel.button("Build course").click()
    panel.expect_state("succeeded")
    panel.expect_source("slides/module_100_x/topic_110_values/slides_values.py", DONE)
    assert [path.name for path in root.glob("out/**/*.html")] == ["01 slides_values.html"]
    panel.shoot("chosen")
    panel.reload()
    panel.expect_view("course")
    expect(panel.node.get_by_role("heading", level=2)).to_have_text("Second course")
    panel.button("Other course…").click()
    panel.expect_view("choose")


def test_a_folder_is_opened_as_a_course(lab_of: LabOf, visit: Visit, tmp_path: Path) -> None:
    root = courses.write(tmp_path / "many things", {f"{name}/a.py": courses.deck("A", "1") for name in ("algebra", "biology")})
    panel = visit(lab_of(root), show=False)
    panel.show_files()
    panel.context_menu("biology", "Open as Course")
    panel.expect_view("course")
    expect(panel.node.get_by_role("heading", level=2)).to_have_text("biology")
    panel.button("Build without running").click()
    panel.expect_state("succeeded")
    assert (root / "biology/output").is_dir() and not (root / "output").exists() and not (root / "algebra/output").exists()


def test_a_folder_gets_a_course_file_that_is_opened_and_followed(lab_of: LabOf, visit: Visit, watch: Watch, tmp_path: Path) -> None:
    watch.allow(r"status of 422.*/clx/courses/")
    files = {"2 loops.py": courses.deck("Loops", "[n for n in range(3)]"), "10 more/a.py": courses.deck("More", "1")}
    root = courses.write(tmp_path / "my course", files)
    panel = visit(lab_of(root))
    panel.expect_view("course")
    panel.shoot("before-course-file")
    button = panel.button("Create course.yaml")
    button.focus()
    panel.page.keyboard.press("Enter")
    panel.wait_for_current("widget?.context?.path === 'course.yaml' && widget.context.model.toString().includes('topics:')")
    expect(panel.button("Create course.yaml")).to_have_count(0)
    expect(panel.sources()).to_have_count(2)
    file = root / "course.yaml"
    text = file.read_text(encoding="utf-8")
    # What is changed there shows, without a reload.
    file.write_text(text.replace("title: my course\n", "title: Quite another\n", 1), encoding="utf-8")
    expect(panel.node.get_by_role("heading", level=2)).to_have_text("Quite another", timeout=20_000)
    assert panel.violations() == []
    panel.shoot("course-file")
    panel.button("Build course").click()
    panel.expect_state("succeeded")
    assert (root / "output/students/completed/html/10 more/a.html").is_file()
    # A mistake is told with its place.
    file.write_text(text.replace("targets:", "targts:"), encoding="utf-8")
    expect(panel.alert).to_contain_text("targts", timeout=20_000)
    panel.alert.get_by_role("button", name="course.yaml · line 5").click()
    panel.wait_for_current("widget?.context?.path === 'course.yaml' && widget.content.editor.getCursorPosition().line === 4")
    panel.shoot("course-file-wrong")


def test_a_folder_without_notebooks_says_what_to_do(lab_of: LabOf, visit: Visit, tmp_path: Path) -> None:
    panel = visit(lab_of(courses.write(tmp_path / "nothing", {"readme.txt": "hello"}), theme="JupyterLab Dark"))
    panel.expect_view("empty")
    assert panel.violations() == []
    panel.shoot("empty")


def test_hostile_names_and_messages_are_shown_as_text(lab_of: LabOf, visit: Visit, tmp_path: Path) -> None:
    name = f"{HOSTILE}.py"
    bad = courses.deck("", f"raise ValueError({HOSTILE!r})").replace("# # \n", "no title")
    root = courses.write(
        tmp_path / f"{HOSTILE} course",
        {
            f"{HOSTILE}/{name}": "# %%\n1 + 1\n",
            f"{HOSTILE}/bad {name}": bad,
            "b/titled.py": courses.deck(ESCAPED, "1"),
            "b/&lt;b&gt;'\"\\ ${x}.py": "# %%\n2\n",
        },
    )
    panel = visit(lab_of(root))
    expect(panel.node.get_by_role("heading", level=2)).to_have_text(f"{HOSTILE} course")
    panel.button("Build this folder").click()
    panel.expect_state("failed")
    expect(panel.source(f"{HOSTILE}/{name}")).to_contain_text(HOSTILE)
    expect(panel.source("b/titled.py")).to_contain_text(ESCAPED)
    expect(panel.source("b/&lt;b&gt;'\"\\ ${x}.py")).to_contain_text("&lt;b&gt;'\"\\ ${x}")
    expect(panel.problems.filter(has_text=f"ValueError: {HOSTILE}")).to_have_count(1)
    panel.source(f"{HOSTILE}/{name}").click()
    expect(panel.outputs.first).to_be_visible()
    panel.shoot("hostile")
    panel.problems.first.click()
    panel.wait_for_current("widget?.context?.path.includes('bad <img') && !!widget.content.editor")
    panel.show_files()
    panel.file(HOSTILE).dblclick()
    panel.context_menu(name, "Convert with Course Builder")
    message = panel.page.locator(".Toastify__toast").filter(has_text=name)
    expect(message.get_by_role("button", name="Open", exact=True)).to_be_visible(timeout=60_000)
    assert panel.page.evaluate("window.hacked") is None
    expect(panel.node.locator("img")).to_have_count(0)
    expect(message.locator("img")).to_have_count(0)


def test_a_missing_server_part_is_announced_with_its_mend(lab_of: LabOf, visit: Visit, watch: Watch, tmp_path: Path) -> None:
    watch.allow(r"status of 404.*/clx/courses")
    panel = visit(lab_of(courses.demo(tmp_path / "a course"), "--ServerApp.jpserver_extensions={'clx_jupyter': False}"))
    panel.expect_view("missing-server")
    expect(panel.alert).to_have_text(
        "The build service is not running in this server. Run pip install clx-jupyter in the environment that starts JupyterLab, "
        "then restart the server."
    )
    expect(panel.node.get_by_role("button", name="Build")).to_have_count(0)
    assert panel.violations() == []
    panel.shoot("missing")
