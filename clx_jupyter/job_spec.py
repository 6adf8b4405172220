"""A job of a source as data: all that a worker must know, without anything that belongs to this machine or that must stay secret."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from clx_jupyter.course.clm_layout import course_folder
from clx_jupyter.course.model import Course, Source, text_in
from clx_jupyter.fingerprint import FileHashes, digest
from clx_jupyter.jobs import Job
from clx_jupyter.kernels import Kernel
from clx_jupyter.kinds import KINDS, Kind
from clx_jupyter.languages import BY_SUFFIX, LANGUAGES
from clx_jupyter.plan import Options
from clx_jupyter.variants import PAGES, Variant, address_of_assets, relative_path


def job_spec(
    course: Course, source: Source, options: Options, hashes: FileHashes, kernel: Kernel | None, fingerprint: str, found: list[Variant],
    inputs: dict[str, str], leads: bool,
) -> dict[str, Any]:  # fmt: skip
    """The job of *source*, but for its links and the variants that are wanted.

    *fingerprint* is the kernel's, *found* is all the course asks for of the source, *inputs* are the files it may depend on with
    their hashes; *leads*: other sources come after it.
    """
    clm = course.layout != "source"
    language = LANGUAGES.get(source.prog_lang)
    kinds = {variant.kind.id: variant.kind for variant in found}
    names = course.languages or ("",)
    return {
        "path": source.path,
        "sha256": hashes[source.path],
        "companion": {"path": source.companion, "sha256": hashes[source.companion]} if source.companion else None,
        "languages": list(source.languages or course.languages),
        "titles": {name: text_in(source.title, name) for name in names},
        "course_titles": {name: text_in(course.title, name) for name in names},
        "reader": _reader(course, source, found),
        "metadata": {"kernelspec": dict(language.kernelspec), "language_info": dict(language.language_info)} if clm and language else None,
        "style": {
            "cell_ids": "sha3" if clm else "keep", "slide_types": clm, "line_hints": course.layout == "clx", "tags": _own_tags(course),
            "renames": dict(source.renames), "shared": dict(source.shared), "drawn": dict(source.drawn), "inline": course.images.inline,
        },
        "kernel": {"name": kernel.name, "fingerprint": fingerprint, "argv": list(kernel.argv) if kernel.own else None} if kernel else None,
        "execute": _execute(source, options, kinds, found, leads),
        "kinds": {name: kind.to_json() for name, kind in _with_workshops(course, kinds).items()},
        "files": inputs,
        "scope": source.scope is not None,
        "includes": [list(pair) for pair in source.includes],
    }  # fmt: skip


def _reader(course: Course, source: Source, found: list[Variant]) -> dict[str, Any]:
    """How the source is read."""
    language = LANGUAGES.get(source.prog_lang)
    return {
        "format": _text_format(source),
        "comment": language.comment if language else "#",
        "jinja": source.jinja,
        "templates": list(course.templates),
        "globals": {
            "author": source.author,
            "organization": dict(course.organization),
            "name": _output_names(found),
            "source_name": source.path,
        },
        "prog_lang": source.prog_lang,
        "layout": course.layout,
    }


def _execute(source: Source, options: Options, kinds: Mapping[str, Kind], found: list[Variant], leads: bool) -> dict[str, Any]:
    """How its code runs, and for which kinds."""
    running = sorted({variant.kind.id for variant in found if variant.outputs})
    if leads and not running:  # nothing shows results, and its files are needed all the same
        running = sorted(name for name, kind in kinds.items() if kind.executed) or sorted(kinds)
    limits = source.execute
    return {
        "mode": _mode(limits.mode, options),
        "kinds": running,
        "cell_timeout": options.timeout or limits.cell_timeout,
        "timeout": max(limits.timeout, options.timeout or 0),
        "startup_timeout": limits.startup_timeout,
        "own_limits": options.timeout is None,
        "allow_errors": limits.allow_errors,
        "hand_on": leads,
        "run": [],
    }


def _mode(mode: str, options: Options) -> str:
    if mode == "never" or not options.execute:
        return "never"
    return "always" if options.rerun else mode


def _output_names(found: Iterable[Variant]) -> dict[str, dict[str, str]]:
    """File names by language and format: older courses' macros show them."""
    names: dict[str, dict[str, str]] = {}
    for variant in found:
        names.setdefault(variant.language, {})[variant.format] = posixpath.basename(variant.path)
    return names


def _own_tags(course: Course) -> list[str]:
    """The tags to which the course's own kinds give a meaning, also those that no target asks for."""
    own = [kind for name, kind in course.kinds.items() if KINDS.get(name) != kind]
    return sorted({tag for kind in own for tag in (*kind.remove, *kind.keep, *kind.blank, *(tag for tag, _ in kind.boxes))})


def _with_workshops(course: Course, kinds: Mapping[str, Any]) -> dict[str, Any]:
    more = {kind.workshop: course.kinds[kind.workshop] for kind in kinds.values() if kind.workshop}
    return {**kinds, **more}


def _text_format(source: Source) -> str | None:
    suffix = PurePosixPath(source.path).suffix
    if suffix == ".ipynb":
        return "ipynb"
    if source.jinja:
        return "md" if suffix == ".md" else (f"{suffix[1:]}:percent" if suffix in BY_SUFFIX else None)
    return None


def variant_spec(name: str, variant: Variant, course: Course, navigation: Mapping[str, Any]) -> dict[str, Any]:
    """A variant in its job; *name* is that of what is written once for all targets that have it, *navigation* where its page leads."""
    code = posixpath.splitext(variant.path)[1][1:] if variant.format == "code" else ""
    # Only pictures that the whole course shares are looked for from there.
    shares = course.images.mode == "shared" and course.layout != "source"
    up = relative_path(posixpath.dirname(variant.path), course_folder(course, variant.language)) if shares else ""
    return {
        "id": name, "kind": variant.kind.id, "language": variant.language, "format": variant.format, "outputs": variant.outputs,
        "code_format": f"{code}:percent" if code else None, "course_folder": up,
        "assets": address_of_assets(course, variant), "self_contained": variant.format in PAGES and variant.target.self_contained,
        "navigation": dict(navigation),
    }  # fmt: skip


def key_of(type: str, place: str, spec: Mapping[str, Any]) -> str:
    """Equal for jobs that do equal work: all of a job's spec but the reasons why its outputs are made."""
    outputs = {render: [row[:-1] for row in rows] for render, rows in spec["outputs"].items()}
    return digest([type, place, {**spec, "outputs": outputs}])


_SOURCE = ("path", "sha256", "companion", "titles", "course_titles", "languages")
_AS_IT_IS = ("reader", "metadata", "style", "kernel", "kinds", "files", "scope", "includes", "never_link", "links", "variants")


def job_frame(
    job: Job, *, root: Path, environment: Mapping[str, str], after: list[dict[str, Any]], shelf: Path, browser: str
) -> dict[str, Any]:  # fmt: skip
    """The job as its worker gets it (``docs/protocol.md``): the spec, the paths of this machine, and the values that code may use."""
    spec = job.spec
    return {
        "type": job.type,
        "root": str(root),
        "source": {name: spec[name] for name in _SOURCE},
        **{name: spec[name] for name in _AS_IT_IS},
        "execute": {"failed": {}, **spec["execute"], "environment": environment},
        "after": after,
        "shelf": str(shelf),
        "browser": browser,
    }
