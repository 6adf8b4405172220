"""A worker that does nothing, in the real loop of every worker program: what is left is the cost of the queue."""

from __future__ import annotations

from clx_jupyter_workers.protocol import Convert, Header, Link, serve


def _nothing(job: Header, link: Link) -> Header:
    return {"status": "ok"}


def load() -> Convert:
    """The converter that does nothing."""
    return _nothing


if __name__ == "__main__":
    serve("notebook", load)
