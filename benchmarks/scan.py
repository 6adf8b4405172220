"""How long reading and planning a large course takes: 1,000 topics, 10,000 files, nothing built.

``python -m benchmarks.scan`` generates the courses and prints each figure beside its target.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from clx_jupyter.course.discover import discover
from clx_jupyter.course.load import find
from clx_jupyter.fingerprint import FileHashes
from clx_jupyter.plan import Plan
from clx_jupyter.planning import make_plan
from clx_jupyter.requests import Request

TARGET = 5.0
"""Seconds within which a course of 1,000 topics and 10,000 files must be read and planned."""

_PER_SECTION = 20
_DECK = '''# j2 from 'macros.j2' import header
# {{{{ header("Thema {n}", "Topic {n}") }}}}

# %% [markdown] lang="en"
# ## Part one
#
# ![picture](img/{n}.png) and [data](data/{n}.csv)

# %% tags=["keep"]
import math
import shared.tools

words = open("data/{n}.csv").read().split()

# %%
def area(radius):
    """The area of a circle, computed 'by hand'."""
    return math.pi * radius ** 2

# %%
[area(number) for number in range({n})]
'''


def _topic(folder: Path, number: int) -> None:
    """Ten files: a deck, four pictures, five tables."""
    for name in ("img", "data"):
        (folder / name).mkdir(parents=True)
    (folder / f"slides_{number}.py").write_text(_DECK.format(n=number), encoding="utf-8")
    for extra in range(5):
        name = str(number) if extra == 0 else f"{number}-{extra}"
        (folder / "data" / f"{name}.csv").write_text(f"a,b\n{number},{extra}\n", encoding="utf-8")
        if extra < 4:
            (folder / "img" / f"{name}.png").write_bytes(b"\x89PNG %d %d" % (number, extra))


def make_folder(root: Path, topics: int) -> Path:
    """A folder without a course file; gives what to point ``clx`` at."""
    for number in range(topics):
        _topic(root / f"{number // _PER_SECTION:03} section" / f"topic {number % _PER_SECTION:02}", number)
    (root / "shared").mkdir()
    (root / "shared" / "tools.py").write_text("import os\n", encoding="utf-8")
    return root


def make_xml(root: Path, topics: int) -> Path:
    """A course of CLX and CLM; gives its course file."""
    sections = []
    for section in range(0, topics, _PER_SECTION):
        numbers = range(section, min(section + _PER_SECTION, topics))
        for number in numbers:
            _topic(root / "slides" / f"module_{section:04}" / f"topic_{number:04}_t{number}", number)
        listed = "".join(f"<topic>t{number}</topic>" for number in numbers)
        sections.append(f"<section><name><de>Woche {section}</de><en>Week {section}</en></name><topics>{listed}</topics></section>")
    spec = root / "course-specs" / "large.xml"
    spec.parent.mkdir()
    name = "<name><de>Groß</de><en>Large</en></name><prog-lang>python</prog-lang><author>Ada</author>"
    spec.write_text(f"<course>{name}<sections>{''.join(sections)}</sections></course>", encoding="utf-8")
    return spec


def make_yaml(root: Path, topics: int) -> Path:
    """A folder whose ``course.yaml`` lists every deck; gives that file."""
    make_folder(root, topics)
    lines = ["title: Large", "languages: [de, en]", "sections:"]
    for number in range(topics):
        section = f"{number // _PER_SECTION:03} section"
        if number % _PER_SECTION == 0:
            lines += [f"  - title: {{de: Woche {section}, en: Week {section}}}", "    topics:"]
        deck = f"{section}/topic {number % _PER_SECTION:02}/slides_{number}.py"
        lines.append(f"      - {{path: {deck}, title: {{de: Thema {number}, en: Topic {number}}}}}")
    file = root / "course.yaml"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


COURSES: dict[str, Callable[[Path, int], Path]] = {"folder": make_folder, "course.yaml": make_yaml, "XML course": make_xml}
"""Each form of a course, with what generates it."""


def plan(path: Path) -> Plan:
    """The plan of the course at *path*, as for its very first build."""
    place = find(path)
    return make_plan(Request(str(place.root), place.file), FileHashes(place.root), {}, {}, lambda run: True)


def _root(path: Path) -> Path:
    if path.is_dir():
        return path
    return path.parents[1] if path.suffix == ".xml" else path.parent


def main() -> int:
    """Measure and print; gives 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--topics", type=int, default=1000)
    options = parser.parse_args()
    missed = False
    for name, generate in COURSES.items():
        with tempfile.TemporaryDirectory() as folder:
            path = generate(Path(folder), options.topics)
            files = sum(each.is_file() for each in Path(folder).rglob("*"))
            for what, work in (
                ("read and planned", plan),
                ("offered as a course", lambda path: discover(_root(path))),
            ):
                started = time.perf_counter()
                work(path)
                seconds = time.perf_counter() - started
                missed |= seconds > TARGET
                print(f"{name}, {options.topics:,} topics, {files:,} files, {what}: {seconds:.2f} s (target: {TARGET:.0f} s)")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
