"""``clx``, also ``jupyter clx``: the same engine in a terminal and in CI."""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from clx_jupyter import __version__
from clx_jupyter.commands.arguments import COMMANDS
from clx_jupyter.commands.peers import instead
from clx_jupyter.errors import ClxError, Problem, RequestError

Run = Callable[[argparse.Namespace], int]


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are told as all others are. Options are not guessed from their beginnings: CLM has other ones."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{**settings, "allow_abbrev": False})

    def error(self, message: str) -> NoReturn:
        raise RequestError(message, f"`{self.prog} --help` says what is possible")


def parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    top = _Parser(prog="clx", description="Builds courses from notebooks and diagrams.", epilog="`clx COMMAND --help` says more.")
    top.add_argument("--version", action="version", version=f"clx_jupyter {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS:
        sub = commands.add_parser(
            command.name, help=command.help, description=command.help, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        command.arguments(sub)
        sub.set_defaults(module=command.module, function=command.function, options=[*sub._option_string_actions])
    return top


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """The options. Raises :class:`RequestError` for what no command takes, with what to use instead."""
    names = [command.name for command in COMMANDS]
    if said := instead(arguments, names):
        raise RequestError(said)
    word = next((each for each in arguments if not each.startswith("-")), None)
    if word is not None and word not in names:
        raise RequestError(f"there is no command {word!r}", _nearest(word, names) or f"there are: {', '.join(names)}")
    options, unknown = parser().parse_known_args(arguments)
    if unknown:
        option = unknown[0].partition("=")[0]
        hint = _nearest(option, options.options) or f"`clx {options.command} --help` lists what it takes"
        raise RequestError(f"`clx {options.command}` has no {'option' if option.startswith('-') else 'place for'} {option}", hint)
    return options


def _nearest(word: str, names: Sequence[str]) -> str:
    found = difflib.get_close_matches(word, names, 1)
    return f"did you mean {found[0]}?" if found else ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; gives the exit code (``docs/cli.md``)."""
    try:
        options = _parsed(sys.argv[1:] if arguments is None else arguments)
        # Only the command that runs is imported: a look at the state must not wait for the engine.
        run: Run = getattr(import_module(f"clx_jupyter.commands.{options.module}"), options.function)
        code = run(options)
        sys.stdout.flush()  # here, where an error can still be told
        return code
    except ClxError as error:
        print(told(error.problem), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("clx: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Whoever read our output has seen enough; nothing may be flushed to it any more.
        sys.stderr.close()
        return 0
    except OSError as error:  # commands tell of what they read and write: this is what they say, or what nobody foresaw
        what = error.filename or "what this command says"
        print(f"error: {what} cannot be read or written: {error.strerror}\n  hint: see that its disk has room", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left to say goes nowhere as Python ends
        return 1


_UNSEEN = {code: f"\\x{code:02x}" for code in (*range(32), 127) if chr(code) not in "\n\t"}


def told(problem: Problem) -> str:
    """A problem as people read it in a terminal."""
    named = problem.path is not None and Path(problem.path).is_absolute() and problem.path in problem.message
    place = "" if named else ":".join(str(part) for part in (problem.path, problem.line) if part is not None)
    cell = f", cell {problem.cell + 1}" if problem.cell is not None else ""
    where = f"{place}{cell}: " if place or cell else ""
    hint = f"\n  hint: {problem.hint}" if problem.hint else ""
    return f"{problem.severity}: {one_line(where)}{problem.message}{hint}".translate(_UNSEEN)


def one_line(text: str) -> str:
    """A text as one line: names of files may hold whatever they like."""
    return text.replace("\n", "\\n").translate(_UNSEEN)


def shown(path: Path) -> Path:
    """A path as people read it in a terminal: relative where it lies below the folder they are in."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


if __name__ == "__main__":
    sys.exit(main())
