"""The notebook worker: ``python -P -m clx_jupyter_workers.notebook`` (``docs/protocol.md``)."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from clx_jupyter_workers.mirror import mirrored
from clx_jupyter_workers.notebook.iri_grammar import without_iri_grammar
from clx_jupyter_workers.protocol import Convert, Header, Link, run, serve


def load() -> Convert:
    """Import the notebook stack and get its slow parts ready."""
    # Here and not above: the reader thread answers pings while these imports go on, and --help needs none.
    with without_iri_grammar():
        from clx_jupyter_workers.notebook import export
        from clx_jupyter_workers.notebook.convert import convert

    export.warm_up()
    return mirrored(convert)


class _Printer:
    """Shows frames to people: one JSON object a line, bodies only by their size."""

    def send(self, header: Header, body: bytes = b"") -> None:
        print(json.dumps({**header, **({"body": len(body)} if body else {})}, ensure_ascii=False), flush=True)


def by_hand(path: Path) -> int:
    """Do the job in a file; gives the exit code."""
    job = json.loads(path.read_text(encoding="utf-8"))
    link = Link(_Printer(), job, connected=False)
    done = run(load(), job, link)
    link.send("done", **link.name, **done)
    return 0 if done["status"] == "ok" else 1


def main() -> int:
    """Serve frames, or do one job by hand."""
    parser = argparse.ArgumentParser(prog="python -P -m clx_jupyter_workers.notebook", description="Converts notebooks, frame by frame.")
    parser.add_argument("--job", type=Path, metavar="FILE", help="do the one job in this JSON file and print the frames")
    options = parser.parse_args()
    if options.job:
        return by_hand(options.job)
    serve("notebook", load)
    return 0


if __name__ == "__main__":
    sys.exit(main())
