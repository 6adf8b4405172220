"""``clx zip``: one archive per target, ready to hand out."""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clx_jupyter.archives import Archive, archive_of, packed, strangers, target_of
from clx_jupyter.audience import TITLES
from clx_jupyter.cli import shown, told
from clx_jupyter.commands.describe import number_of
from clx_jupyter.course.load import check_named, find
from clx_jupyter.course.model import Course
from clx_jupyter.errors import ClxError, MissingError, Problem, RequestError
from clx_jupyter.fingerprint import file_digest
from clx_jupyter.job_reader import Reader
from clx_jupyter.jobs import BUILD_ENDED
from clx_jupyter.state import living_holder
from clx_jupyter.views import Planned, built_by, folder_of, output_state, planned


@dataclass
class Packed:
    """An archive that was written, and what people should know of it. Paths are relative to the target."""

    archive: Archive
    file: Path
    sha256: str = ""
    size: int = 0
    #: ``False``: the same bytes lay there already.
    written: bool = True
    #: Outputs that a build would make again, and why: their last good version is in the archive.
    stale: dict[str, str] = field(default_factory=dict)
    #: Files that a person changed since they were built: they are in the archive as they are.
    changed: list[str] = field(default_factory=list)
    #: Outputs that the course asks for and the archive does not hold.
    missing: list[str] = field(default_factory=list)
    #: Files in the target's folder that no build put there: they are not in the archive.
    left_out: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """As ``docs/cli.md`` describes it."""
        target, whom = self.archive.target, self.archive.audience
        return {
            "target": target.name, "path": str(self.file), "written": self.written, "files": self.count,
            "size": self.size, "sha256": self.sha256, "audience": whom.level, "why": whom.why,
            "stale": [*self.stale], "changed": self.changed, "missing": self.missing, "left_out": self.left_out,
        }  # fmt: skip

    @property
    def count(self) -> int:
        """How many files are in it."""
        return len(self.archive.files) - len(self.archive.files.keys() & {*self.missing})


def pack(options: argparse.Namespace) -> int:
    """Write the archives and say what is in them."""
    data_dir, output_dir = (Path(each).absolute() if each else None for each in (options.data_dir, options.output_dir))
    place = built_by(check_named(find(Path(options.path or "."), data_dir)))
    look = planned(place, data_dir, output_dir=output_dir)
    course = look.plan.course
    archives = list(_archives(course, options.target, place.single))
    files = _files(archives, options.output, course, force=options.force)
    folder = folder_of(place)
    if living_holder(folder) and any(row["state"] not in BUILD_ENDED for row in Reader(folder).builds()):
        print("a build goes on here: what it has not published yet is not in the archives", file=sys.stderr)
    done = [_packed(archive, file, look) for archive, file in zip(archives, files, strict=True)]
    if options.json:
        rows = [each.to_json() for each in done]
        print(json.dumps({"version": 1, "course": course.file, "archives": rows}, ensure_ascii=False, indent=1))
    for each in done:
        for problem in _remarks(each):
            print(told(problem), file=sys.stderr)
        if not options.json:
            print(_line(each))
    return 0


def _archives(course: Course, names: Sequence[str], single: str) -> list[Archive]:
    """What goes into each archive; of targets that nobody named, those that hold something."""
    if names:
        return [archive_of(course, target_of(course, name), single) for name in dict.fromkeys(names)]
    found = []
    for target in course.targets:
        with contextlib.suppress(MissingError):
            found.append(archive_of(course, target, single))
    if not found:
        raise RequestError("nothing of this course is built yet", "`clx build` it, then `clx zip`; -o DIR if it was built with -o DIR")
    return found


def _files(archives: Sequence[Archive], output: str | None, course: Course, *, force: bool) -> list[Path]:
    """Where each archive is written. Raises :class:`RequestError` for what would overwrite something, or lie in a target."""
    place = Path(output or ".").absolute()
    if place.is_dir():
        files = [place / archive.name for archive in archives]
    elif place.suffix.lower() != ".zip" or not place.parent.is_dir():
        raise RequestError(f"there is no folder {place if place.suffix.lower() != '.zip' else place.parent}", "create it first")
    elif len(archives) > 1:
        names = ", ".join(archive.target.name for archive in archives)
        raise RequestError(
            f"{place.name} is one file, and there are several targets: {names}", "choose one with --target, or give a folder"
        )
    else:
        files = [place]
    for file in files:
        for target in course.targets:
            if file.parent.resolve().is_relative_to(target.path.resolve()):
                raise RequestError(
                    f"{file} would lie in the target {target.name}, which holds nothing but what is built", "choose another folder"
                )
        if file.is_dir() or (file.exists() and not force):
            raise RequestError(
                f"{shown(file)} is there already", "--force replaces it" if file.is_file() else "it is a folder; give another name"
            )
    if same := [file for file in files if files.count(file) > 1]:
        raise RequestError(f"two targets would be packed into {same[0].name}", "pack them one after the other: --target NAME --output FILE")
    return files


def _packed(archive: Archive, file: Path, look: Planned) -> Packed:
    """Write an archive beside *file*, then rename it over that; the same bytes stay where they are."""
    done = Packed(archive, file)
    digest, temporary = hashlib.sha256(), None
    try:
        with tempfile.NamedTemporaryFile(prefix=".clx-", suffix=".tmp", dir=file.parent, delete=False) as made:
            temporary = Path(made.name)
            for block in packed(archive, done.changed.append):
                digest.update(block)
                done.size += made.write(block)
        done.sha256 = digest.hexdigest()
        done.written = not file.is_file() or file_digest(file) != done.sha256
        if done.written:
            temporary.chmod(0o644)
            temporary.replace(file)
    except OSError as error:
        raise ClxError(
            f"{file} cannot be written: {error.strerror or error}", "make room, or choose another folder with --output"
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
    _compare(done, look)
    return done


def _compare(done: Packed, look: Planned) -> None:
    """Note what of the archive is not as the course stands now."""
    target = done.archive.target
    done.left_out = strangers(target.path)
    done.missing = [path for path in done.changed if not (target.path / path).is_file()] + list(done.archive.gone)
    done.changed = [path for path in done.changed if path not in done.missing]
    for output in (output for source in look.plan.sources for output in source.outputs if output.variant.target.name == target.name):
        path = output.variant.path
        if path not in done.archive.files:
            done.missing += [path] if path not in done.missing else []
        elif path not in done.changed and output_state(output, look.last) not in ("fresh", "built"):
            done.stale[path] = output.reason


def _remarks(done: Packed) -> Iterator[Problem]:
    """What people should know before they hand it out."""
    name = done.file.name
    if done.stale:
        why = next(iter(done.stale.values()))
        message = f"{name} holds {_some([*done.stale])} as they were last built: a build would make them again ({why})"
        yield _remark(message, "`clx build` first, to hand out what is current")
    if done.changed:
        yield _remark(
            f"{name} holds {_some(done.changed)} as somebody changed them after they were built", "no build and no check saw that"
        )
    if done.missing:
        yield _remark(f"{name} lacks {_some(done.missing)}: not built, or not there any more", "`clx build` first, and see what it says")
    if done.left_out:
        yield _remark(f"{name} leaves out {_some(done.left_out)}: no build put that there", "list data under `include:` in course.yaml")


def _remark(message: str, hint: str) -> Problem:
    return Problem("bad-course", message, hint, severity="warning")


def _some(paths: Sequence[str]) -> str:
    """``a, b and 3 more files``."""
    more = len(paths) - 2
    return ", ".join(paths[:2]) + (f" and {number_of(more, 'more file')}" if more > 0 else "")


def _line(done: Packed) -> str:
    whom = done.archive.audience
    files = number_of(done.count, "file")
    unchanged = "" if done.written else "unchanged: "
    return f"{unchanged}{shown(done.file)}  {files}, {_bytes(done.size)} · {TITLES[whom.level]} ({whom.why})"


def _bytes(size: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if size >= 10 or unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
