"""Reports of what the pages of a source load from the network (``docs/checks.md``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from clx_jupyter_workers.notebook import displays, failures
from clx_jupyter_workers.notebook.cells import Shown
from clx_jupyter_workers.notebook.document import Cell, Document
from clx_jupyter_workers.notebook.execution import Result
from clx_jupyter_workers.notebook.links import place
from clx_jupyter_workers.notebook.remote import hint, in_markdown
from clx_jupyter_workers.problems import Problem


class Remote:
    """Tells what the pages of one source load from the network: each address once.

    Only a notice: the page works where there is a network, and a picture from the web may be what the author wants. So
    ``--strict`` does not fail for it.
    """

    def __init__(self, report: Callable[[Problem], object]) -> None:
        self._report = report
        self._told: set[str] = set()
        #: By their id, and kept: another object must not get the id of one that is gone.
        self._searched: dict[int, Result] = {}

    def of_text(self, text: str, written: Cell, document: Document) -> None:
        """Report the addresses in the markdown *text* of a cell; *written* is the cell as it stands in the *document*."""
        for address in in_markdown(text):
            if address not in self._told:
                self._told.add(address)
                message = f"The page loads {_short(address)} from the network."
                self._report(Problem("link", message, hint(address), "info", **place(written, document, address)))

    def of_results(self, shown: Sequence[Shown], results: Mapping[int, Result], document: Document) -> None:
        """Report the addresses in what cells show: one problem for a cell, as a library often loads many files."""
        for each in shown:
            result = results.get(each.index) if each.complete else None
            if result is not None and id(result) not in self._searched:
                self._searched[id(result)] = result
                self._of_result(result, document.cells[each.index], document)

    def _of_result(self, result: Result, written: Cell, document: Document) -> None:
        found = [address for output in result.outputs for address in displays.loads(output)]
        new = [address for address in dict.fromkeys(found) if address not in self._told]
        self._told.update(new)
        if new:
            more = f" and {len(new) - 1} more" if len(new) > 1 else ""
            message = f"What this cell shows loads {_short(new[0])}{more} from the network."
            self._report(Problem("link", message, hint(new[0]), "info", **failures.at(written, None, document.has_lines)))


def _short(address: str) -> str:
    return address if len(address) <= 120 else address[:117] + "…"
