"""A grammar that nobody asks here, and that would take two thirds of a worker's start."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

_GRAMMAR = "rfc3987_syntax"


@contextlib.contextmanager
def without_iri_grammar() -> Iterator[None]:
    """Import ``nbformat`` inside: its ``jsonschema`` then knows no format ``iri``, which no schema of notebooks names.

    Where JupyterLab is installed, so is a parser of such addresses, which builds its grammar as it is imported: more than a second.
    """
    if _GRAMMAR in sys.modules:
        yield
        return
    sys.modules[_GRAMMAR] = None  # type: ignore[assignment]  # jsonschema shall think that it is not installed
    try:
        yield
    finally:
        del sys.modules[_GRAMMAR]
