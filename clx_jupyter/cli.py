"""``clx``, also ``jupyter clx``: the same engine in a terminal and in CI."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from clx_jupyter import __version__
from clx_jupyter.commands.arguments import COMMANDS
from clx_jupyter.errors import ClxError, Problem

Run = Callable[[argparse.Namespace], int]


def parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    top = argparse.ArgumentParser(
        prog="clx", description="Builds courses from notebooks and diagrams.", epilog="`clx COMMAND --help` says more."
    )
    top.add_argument("--version", action="version", version=f"clx_jupyter {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS:
        sub = commands.add_parser(
            command.name, help=command.help, description=command.help, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        command.arguments(sub)
        sub.set_defaults(module=command.module, function=command.function)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; gives the exit code (``docs/cli.md``)."""
    options = parser().parse_args(sys.argv[1:] if arguments is None else arguments)
    try:
        # Only the command that runs is imported: a look at the state must not wait for the engine.
        run: Run = getattr(import_module(f"clx_jupyter.commands.{options.module}"), options.function)
        return run(options)
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


def told(problem: Problem) -> str:
    """A problem as people read it in a terminal."""
    place = ":".join(str(part) for part in (problem.path, problem.line) if part is not None)
    cell = f", cell {problem.cell + 1}" if problem.cell is not None else ""
    where = f"{place}{cell}: " if place or cell else ""
    hint = f"\n  hint: {problem.hint}" if problem.hint else ""
    return f"{problem.severity}: {where}{problem.message}{hint}"


if __name__ == "__main__":
    sys.exit(main())
