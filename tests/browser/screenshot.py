"""Takes the picture of the README: ``python -m tests.browser.screenshot [FILE]`` writes ``docs/images/sidebar.png``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import expect, sync_playwright

from tests.browser import courses
from tests.browser.courses import PROJECT, Gates
from tests.browser.lab import Lab, command
from tests.browser.panel import Panel, launch

PICTURE = PROJECT / "docs/images/sidebar.png"
_SIDEBAR = 340
_LAST = "      - 02-data/chart.py\n"
_STEPS = ("days = 365", "month = days / 12", "month")


def _course(root: Path, gates: Gates) -> Path:
    """The demo, built; then two sections more, which a build would stop in the middle of."""
    file = courses.demo(root) / "course.yaml"
    command(["build"], root, gates.environment).communicate(timeout=120)
    listed = file.read_text().replace(_LAST, "".join(f"      - 02-data/{name}.py\n" for name in ("chart", "temperature", "average")))
    return courses.write(
        root,
        {
            "course.yaml": f"{listed}  - title: {{en: Your turn, de: Jetzt du}}\n    topics: [04-your-turn/]\n",
            "02-data/temperature.py": courses.deck("A year of warmth", "import csv", 'open("data/temperature.csv")'),
            "02-data/average.py": _held("What is a normal month?", "average"),
            "04-your-turn/garden.py": _held("Rain in your garden", "garden"),
            "04-your-turn/question.py": courses.deck("A question of your own", "1"),
        },
    )


def _held(title: str, gate: str) -> str:
    """A deck that stops in its middle."""
    return "\n".join([courses.deck(title, *_STEPS), courses.deck("Then", *_STEPS, gate=gate)])


def take(picture: Path, folder: Path) -> None:
    """Take it with a course, a server and a browser that live in *folder*."""
    gates = Gates(folder / "gates")
    lab = Lab(_course(folder / "Python in an afternoon", gates), folder / "home", environment=gates.environment)
    try:
        lab.start()
        with sync_playwright() as playwright:
            browser = launch(playwright)
            page = browser.new_page(viewport={"width": 1400, "height": 900}, device_scale_factor=1.5, reduced_motion="reduce")
            panel = Panel(page, lab, "picture").visit()
            _in_the_middle_of_things(panel)
            page.screenshot(path=picture)
            _shrink(picture)
            browser.close()
    finally:
        gates.open_all()
        lab.stop()


def _in_the_middle_of_things(panel: Panel) -> None:
    # Built, but another notebook comes after it now.
    panel.expect_source("02-data/chart.py", "stale")
    _widen(panel)
    panel.source("02-data/chart.py").click()
    panel.output("staff/speaker/en/html/02-data/chart.html").click()
    expect(panel.shown_page().get_by_role("heading", name="A picture made of text")).to_be_visible()
    panel.button("Build course").click()
    panel.expect_source("02-data/temperature.py", "failed")
    for held in ("02-data/average.py", "04-your-turn/garden.py"):
        expect(panel.source(held)).to_have_attribute("data-cell", "4", timeout=60_000)
    panel.page.mouse.move(800, 890)


def _shrink(picture: Path) -> None:
    """Fewer colours: who opens the README should not wait for it."""
    with Image.open(picture) as image:
        small = image.convert("RGB").quantize(128)
    small.save(picture, optimize=True)


def _widen(panel: Panel) -> None:
    box = panel.node.bounding_box()
    assert box is not None
    edge, middle = box["x"] + box["width"] + 2, box["y"] + box["height"] / 2
    mouse = panel.page.mouse
    mouse.move(edge, middle)
    mouse.down()
    mouse.move(edge + _SIDEBAR - box["width"], middle, steps=5)
    mouse.up()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        take(Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURE, Path(temporary))
