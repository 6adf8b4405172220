"""What CLX 0.6 and CLM 1.35 call otherwise: each of their options and commands that is not ours, with what to use here.

``docs/migration.md`` holds the same words for people; a test compares them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

SAME = (
    "--data-dir", "-d", "--output-dir", "-o", "--language", "-L", "--targets", "-T", "--only-sections", "--speaker-only", "--no-html",
    "--no-diagrams", "--ignore-cache", "--force-execute", "--output-mode", "-O", "--watch", "-w", "--env-file", "--no-env-file",
    "--image-mode", "--image-format", "--inline-images", "--no-fail-on-error", "--report",
)  # fmt: skip
"""Their options of ``build`` that ours has too, with the same meaning."""

_ONE_FOLDER = "state lies in .clx of each course; CLX_STATE_DIR moves it"
_REPLAY = "code is not run against recordings: its last good results are kept"
_IMAGES = "workers run without containers, or in those of the settings"

OPTIONS = {
    "--snapshot": "use --output-dir DIR with an empty folder",
    "--verify-against": "build into another folder with --output-dir and compare the two, for example with `diff -r`",
    "--include-html": "`diff -r` compares all files",
    "--strict-verify": "`diff -r` compares byte for byte",
    "--watch-mode": "use --watch, with --no-html for notebooks and code only",
    "--debounce": "--watch waits 0.3 s by itself",
    "--print-correlation-ids": "`clx jobs` lists the jobs of a build",
    "--log-level": "`clx jobs` and the report say what happened; what workers wrote is in .clx/logs",
    "--verbose-logging": "use -O verbose; what workers wrote is in .clx/logs",
    "--clear-cache": "use --force-execute, or delete .clx while nobody builds",
    "--clean": "not needed: what left the course is removed, nothing else; --force makes everything again",
    "--allow-unowned-output": "use --adopt: files at our paths are taken over, nothing is deleted",
    "--incremental": "not needed: only what changed is built",
    "--no-sweep": "not needed: only files of ours are ever removed, and a build of a part removes nothing",
    "--keep-directory": "not needed: outputs are replaced one by one, folders are never emptied",
    "--workers": f"{_IMAGES}; --jobs N says how many",
    "--notebook-workers": "use --jobs N",
    "--plantuml-workers": "use --jobs N",
    "--drawio-workers": "use --jobs N",
    "--max-workers": "use --jobs N",
    "--notebook-image": _IMAGES,
    "--plantuml-image": _IMAGES,
    "--drawio-image": _IMAGES,
    "--no-progress": "use -O quiet",
    "--no-color": "not needed: nothing is coloured",
    "--http-replay": _REPLAY,
    "--fail-on-error": "not needed: a failure ends with exit code 1 unless --no-fail-on-error is given",
    "--fail-on-missing-xref": "use --strict: warnings end with exit code 1",
    "--no-fail-on-missing-xref": "not needed: a missing target is a warning unless --strict is given",
    "--explain-rebuilds": "use --dry-run, or `clx explain SOURCE`: both say why",
    "--provenance-manifest": "not needed: each target holds .clx-manifest.json",
    "--no-provenance-manifest": "not possible: .clx-manifest.json is how we know which files are ours",
    "--cache-db-path": _ONE_FOLDER,
    "--jobs-db-path": _ONE_FOLDER,
    "--telemetry-db-path": _ONE_FOLDER,
}
"""Options of their ``build`` and before their commands, with ours."""

_LISTS = "`clx course COURSE` shows sections, topics and sources, as JSON with --json"
_GIT = "publish targets with git itself: a .git in a target is never touched"
_EDIT = "decks are edited in JupyterLab or an editor"
_NO_CONTAINERS = "no images are needed: workers are programs of this package"

COMMANDS = {
    "help": "use `clx --help`",
    "kernel-triage": "use `clx build SOURCE`: the report names the failing cell and its class",
    "monitor": "use `clx status`, or the course builder in JupyterLab",
    "info": "the documentation is in docs/; `clx COMMAND --help` describes a command",
    "run": "run the commands of <tasks> in a shell or in CI",
    "serve": "use JupyterLab: the course builder shows the same and more",
    "completion": "there is no completion for shells yet",
    "targets": _LISTS,
    "outline": _LISTS,
    "delete-database": "delete .clx while nobody builds: it costs only time",
    "slides": f"{_EDIT}; `clx check` finds what is wrong in decks and mends a part of it",
    "export": _LISTS,
    "calendar": "schedules are not part of building a course",
    "query": "use `clx build --dry-run` on each course file",
    "query affected-specs": "use `clx build --dry-run` on each course file: it says what would be built and why",
    "cache": "use `clx build --dry-run`, or `clx explain SOURCE`: both say why something would be built",
    "cassette": _REPLAY,
    "config": "options, CLX_STATE_DIR, and the settings in Jupyter's configuration files: docs/settings.md",
    "db": "delete .clx while nobody builds: it costs only time",
    "docker": _NO_CONTAINERS,
    "provision": "install the packages a course needs beside its kernel; `clx doctor` lists the kernels",
    "git": _GIT,
    "release": "copy the outputs of a target that students should get: each file stands in .clx-manifest.json with source and kind",
    "jupyterlite": "JupyterLite sites are not built here",
    "voiceover": f"{_EDIT}; voice-over companions are read by `clx build`",
    "harvest": _EDIT,
    "recordings": "recordings are not part of building a course",
    "mcp": "use the REST interface in docs/rest-api.md",
    "jobs list": "use `clx jobs [COURSE]`",
    "jobs cancel": "use `clx cancel [COURSE]`",
    "workers list": "use `clx workers [COURSE]`",
    "workers cleanup": "not needed: workers end with the process that builds",
    "workers reap": "not needed: workers end with the process that builds",
    "course decks": _LISTS,
    "course targets": _LISTS,
    "course resolve-topic": _LISTS,
    "course gate": "use `clx check COURSE`",
    "course orphans": "use `clx course COURSE`: what is not listed is not used",
    "course renumber": "rename the files: the order of topics is that of the course file",
    "course sync-includes": "not needed: includes are put in place for each run",
    "course migrate-generated-images": "not needed: nothing is written among the sources",
    "zip create": "use `clx zip [COURSE]`",
    "zip list": "use `clx course COURSE`: it lists the targets",
}
"""Their commands that are not ours, and their sub-commands of commands that are, with what to do here."""


def instead(arguments: Sequence[str], ours: Sequence[str]) -> str | None:
    """What to say about arguments that are CLX's or CLM's and not ours; ``None`` if there is nothing. *ours* are our commands."""
    at = next((n for n, each in enumerate(arguments) if not each.startswith("-")), None)
    command = arguments[at] if at is not None else ""
    options = arguments if command == "build" else arguments[:at] if at is not None else arguments
    for option in (each.partition("=")[0] for each in options):
        if option in OPTIONS:
            return f"{option} is an option of CLX and CLM: {OPTIONS[option]}"
    if at is None:
        return None
    following = arguments[at + 1] if len(arguments) > at + 1 else ""
    for words in (f"{command} {following}", command):
        # Where the first word is a command of ours the second may be a path.
        if words in COMMANDS and (command not in ours or (" " in words and not Path(following).exists())):
            return f"{words} is a command of CLX and CLM: {COMMANDS[words]}"
    return None
