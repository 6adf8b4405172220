"""Every command with its arguments, in the order in which ``clx --help`` shows them. Imports nothing heavy."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Command:
    """A command: its name, what it does, its arguments, and the function in ``clx_jupyter.commands`` that runs it."""

    name: str
    help: str
    arguments: Callable[[argparse.ArgumentParser], None]
    module: str
    function: str


def _path(parser: argparse.ArgumentParser, many: bool = False) -> None:
    parser.add_argument(
        "path", nargs="*" if many else "?", metavar="PATH", default=[] if many else None,
        help="a folder of notebooks, a course file or a notebook (default: this folder)",
    )  # fmt: skip
    parser.add_argument(
        "-d", "--data-dir", metavar="DIR", help="the course's root, where it is not the course file's folder or the one above"
    )


def _choice(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what to build (each may be repeated; default: all the course asks for)")
    group.add_argument(
        "-T", "--target", "--targets", action=_Listed, metavar="NAME", help="an output target, or several with commas between"
    )
    group.add_argument("-L", "--language", action="append", default=[], metavar="LANG", help="a language, such as en")
    group.add_argument("-k", "--kind", action="append", default=[], help="a kind of audience, such as code-along")
    group.add_argument("-f", "--format", action="append", default=[], help="html, slides, notebook, code, pdf or slides-pdf")
    group.add_argument("-s", "--section", action="append", default=[], help="a section, by title, id, number or part of a title")
    group.add_argument(
        "--only-sections", action=_Listed, metavar="LIST", help="sections with commas between, each also as id:…, idx:… or name:…"
    )
    group.add_argument("-t", "--topic", action="append", default=[], help="a topic, by id")
    group.add_argument("--speaker-only", action="store_true", help="only kinds that are not public, such as speaker")
    group.add_argument("--no-html", action="store_true", help="leave pages out of this build")
    group.add_argument("--no-diagrams", action="store_true", help="render no diagrams: pictures that lie beside their sources serve")
    parser.add_argument("-o", "--output-dir", metavar="DIR", help="put each target in DIR/<target> instead of its own folder")


def _build(parser: argparse.ArgumentParser) -> None:
    _path(parser, many=True)
    _choice(parser)
    how = parser.add_argument_group("how")
    how.add_argument("--force", action="store_true", help="build also what is fresh (kept results of code are used)")
    how.add_argument(
        "--force-execute",
        "--ignore-cache",
        dest="rerun",
        action="store_true",
        help="build everything and run its code again, kept results or not",
    )
    how.add_argument("--failed", action="store_true", help="build only what failed before")
    how.add_argument("-n", "--dry-run", action="store_true", help="say what would be built and why, and build nothing")
    how.add_argument("--no-execute", action="store_true", help="run no code: kept results, else those stored in the notebooks, else none")
    how.add_argument("-j", "--jobs", type=_positive, metavar="N", help="number of workers (default: the usable processors)")
    how.add_argument("--timeout", type=_seconds, metavar="SECONDS", help="limit for one cell (default: 300)")
    how.add_argument("--env-file", metavar="FILE", help="take values for kernels from FILE instead of the course's .env")
    how.add_argument("--no-env-file", action="store_true", help="take values for kernels from no file")
    how.add_argument("--adopt", action="store_true", help="take over, and replace, files at our paths that no record of ours mentions")
    how.add_argument("--take-over", action="store_true", help="take the course over from another host that is gone")
    how.add_argument("-w", "--watch", action="store_true", help="stay, and build again what changes, until Ctrl-C")
    images = parser.add_argument_group("pictures (instead of what the course says)")
    images.add_argument("--image-format", choices=("png", "svg"), type=str.lower, help="of rendered diagrams")
    images.add_argument(
        "--image-mode", choices=("duplicated", "shared"), type=str.lower, help="beside every variant, or once for each language"
    )
    images.add_argument("--inline-images", action="store_true", help="put pictures into pages and notebooks themselves")
    result = parser.add_argument_group("result")
    result.add_argument("--strict", action="store_true", help="exit with 1 for warnings too")
    result.add_argument("--no-fail-on-error", action="store_true", help="exit with 0 although something failed")
    result.add_argument("--report", metavar="FILE", help="write the report to FILE")
    result.add_argument("--json", action="store_true", help="print the report")
    result.add_argument(
        "-O", "--output-mode", choices=("default", "verbose", "quiet", "json"), default="default", type=str.lower,
        help="verbose: also every output, its state and why; quiet: problems only; json: as --json",
    )  # fmt: skip


class _Listed(argparse.Action):
    """Collects names, each argument several of them with commas between."""

    def __init__(self, option_strings: Sequence[str], dest: str, **settings: Any) -> None:
        super().__init__(option_strings, dest, **{**settings, "default": []})

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option_string: str | None = None
    ) -> None:  # fmt: skip
        names = [name.strip() for name in str(values).split(",")]
        if not all(names):
            parser.error(f"argument {option_string}: a name is missing in {values!r}")
        setattr(namespace, self.dest, [*getattr(namespace, self.dest), *names])


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")
    return number


def _positive(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return number


def _listing(parser: argparse.ArgumentParser) -> None:
    _path(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def _check(parser: argparse.ArgumentParser) -> None:
    _path(parser, many=True)
    parser.add_argument("-s", "--section", action="append", default=[], help="only a section, by title, id or number (may be repeated)")
    parser.add_argument("-t", "--topic", action="append", default=[], help="only a topic, by id (may be repeated)")
    parser.add_argument("--fix", action="store_true", help="correct what can be corrected safely; only those characters change")
    parser.add_argument("--strict", action="store_true", help="exit with 1 for warnings too")
    parser.add_argument("-j", "--jobs", type=_positive, metavar="N", help="number of workers (default: the usable processors)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _jobs(parser: argparse.ArgumentParser) -> None:
    _listing(parser)
    parser.add_argument("--build", metavar="ID", help="the jobs of this build (default: the latest)")
    parser.add_argument("--state", help="only jobs in this state")
    parser.add_argument("--spec", type=_positive, metavar="JOB", help="print one job as its worker gets it, to do it by hand")


def _cancel(parser: argparse.ArgumentParser) -> None:
    _path(parser)
    parser.add_argument("--build", metavar="ID", help="the build (default: all that go on)")


def _clean(parser: argparse.ArgumentParser) -> None:
    _path(parser)
    parser.add_argument(
        "--outputs", action="store_true", help="also remove what was built into folders that are no targets of the course any more"
    )
    parser.add_argument(
        "-n",
        "--dry-run",
        action="store_true",
        help="remove nothing; with --outputs say what would be removed, without it what the limits are",
    )


def _init(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", nargs="?", metavar="PATH", help="a folder of notebooks, or a CLX or CLM course file (default: this folder)")
    parser.add_argument("-n", "--dry-run", action="store_true", help="print what would be written, and write nothing")
    parser.add_argument("--schema", action="store_true", help="print the JSON Schema of course.yaml, for editors, and write nothing")


def _explain(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", metavar="SOURCE", help="a notebook of a course")
    parser.add_argument("--course", metavar="PATH", help="the course (default: found from the notebook's place)")
    parser.add_argument("-d", "--data-dir", metavar="DIR", help="the course's root")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _zip(parser: argparse.ArgumentParser) -> None:
    _path(parser)
    parser.add_argument(
        "-T", "--target", "--targets", action=_Listed, metavar="NAME",
        help="pack this target, or several with commas between (default: all that hold something)",
    )  # fmt: skip
    parser.add_argument("-o", "--output-dir", metavar="DIR", help="where the targets were built, if `clx build` was given a DIR")
    parser.add_argument("--output", metavar="FILE", help="write one archive to FILE, or all into the folder FILE (default: this folder)")
    parser.add_argument("--force", action="store_true", help="replace files that are there already")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _doctor(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", nargs="?", metavar="PATH", help="whose job database is looked at: a course (default: this folder)")
    parser.add_argument("--json", action="store_true", help="print JSON")


COMMANDS = (
    Command("build", "Build a course, or parts of it.", _build, "build", "build"),
    Command("init", "Write the course file of a folder from what is found there; never over one.", _init, "init", "init"),
    Command("status", "Show the latest builds of a course, and who builds now.", _listing, "look", "status"),
    Command("jobs", "Show the jobs of a build.", _jobs, "look", "jobs"),
    Command("workers", "Show the workers of a course.", _listing, "look", "workers"),
    Command("cancel", "Cancel a build that goes on.", _cancel, "build", "cancel"),
    Command(
        "clean",
        "Let go what is kept of old builds beyond the limits of the settings, and outputs that left the course.",
        _clean,
        "clean",
        "clean",
    ),
    Command("validate", "Read a course and say what is wrong with it; build nothing.", _listing, "describe", "validate"),
    Command("check", "Check a course and its notebooks without running them, and correct slips.", _check, "check", "check"),
    Command("course", "Show a course: sections, topics, sources and the state of each.", _listing, "describe", "course"),
    Command("explain", "Say what a source becomes, what it depends on, and why it would be built.", _explain, "describe", "explain"),
    Command("zip", "Pack each target into one archive, ready to hand out.", _zip, "pack", "pack"),
    Command("doctor", "Say what is installed, what is missing, and how to get it.", _doctor, "doctor", "doctor"),
)
"""All commands; each stands in ``docs/cli.md``."""
