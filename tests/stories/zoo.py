"""Bad and odd inputs, as they lie in real folders: what is in each file, and what a build must say about it."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.stories.conftest import notebook

DECK = "# %% [markdown]\n# # Title\n\n# %%\n1 + 1\n"
GOOD = notebook(("markdown", "# Title"), ("code", "1 + 1"))


def ipynb(**changes: Any) -> bytes:
    """The text of a notebook of one code cell with *changes*; ``...`` removes a key."""
    cell = {"cell_type": "code", "metadata": {}, "source": "1", "outputs": [], "execution_count": None}
    raw: dict[str, Any] = {"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [cell]}
    raw = {key: value for key, value in (raw | changes).items() if value is not ...}
    return json.dumps(raw).encode()


def cell(**changes: Any) -> bytes:
    """A notebook whose only cell has *changes*."""
    made = {"cell_type": "code", "metadata": {}, "source": "1", "outputs": [], "execution_count": None}
    return ipynb(cells=[{key: value for key, value in (made | changes).items() if value is not ...}])


_ALIASES = "\n".join(f"#   a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9) if n else 'x'}]" for n in range(9))

BROKEN: dict[str, bytes] = {
    # encodings
    "latin-1.py": "# %% [markdown]\n# Übung\n".encode("latin-1"),
    "cp1252.ipynb": GOOD.replace("Title", "Tïtle").encode("latin-1") + "ü".encode("latin-1"),
    "utf-16-le.ipynb": b"\xff\xfe" + GOOD.encode("utf-16-le"),
    "utf-16-be.ipynb": b"\xfe\xff" + GOOD.encode("utf-16-be"),
    "utf-16-no-mark.ipynb": GOOD.encode("utf-16-le"),
    "utf-32.ipynb": GOOD.encode("utf-32"),
    "nul.py": b"# %%\nx = '\0'\n",
    "cut-utf-8.py": "# %%\nx = 'ü'".encode()[:-2],
    # notebooks that are none
    "empty.ipynb": b"",
    "blank.ipynb": b" \n\t\n",
    "words.ipynb": b"This is no notebook.",
    "cut.ipynb": GOOD.encode()[: len(GOOD) // 2],
    "conflict.ipynb": GOOD.replace('"cells"', '\n<<<<<<< HEAD\n"cells"').encode(),
    "object.ipynb": b"{}",
    "list.ipynb": b"[]",
    "null.ipynb": b"null",
    "number.ipynb": b"42",
    "text.ipynb": b'"text"',
    "nan.ipynb": b"NaN",
    "page.ipynb": b"<!DOCTYPE html><html>404</html>",
    "zip.ipynb": b"PK\x03\x04\x14\x00\x00\x00",
    "pickle.ipynb": b"\x80\x04K*.",
    "deep.ipynb": b'{"nbformat": 4, "metadata": ' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b', "cells": []}',
    "deep list.ipynb": b"[" * 100_000,
    # their parts
    "nbformat 1.ipynb": ipynb(nbformat=1),
    "nbformat 2.ipynb": ipynb(nbformat=2),
    "nbformat 3 broken.ipynb": ipynb(nbformat=3, cells=..., worksheets=[{"cells": 3}]),
    "nbformat 9.ipynb": ipynb(nbformat=9),
    "nbformat text.ipynb": ipynb(nbformat="4"),
    "nbformat true.ipynb": ipynb(nbformat=True),
    "nbformat huge.ipynb": ipynb(nbformat=10**400),
    "minor text.ipynb": ipynb(nbformat_minor="five"),
    "minor null.ipynb": ipynb(nbformat_minor=None),
    "no nbformat.ipynb": ipynb(nbformat=...),
    "no cells.ipynb": ipynb(cells=...),
    "cells object.ipynb": ipynb(cells={}),
    "cells null.ipynb": ipynb(cells=None),
    "metadata list.ipynb": ipynb(metadata=[]),
    "metadata null.ipynb": ipynb(metadata=None),
    "kernelspec text.ipynb": ipynb(metadata={"kernelspec": "python3"}),
    "kernel name list.ipynb": ipynb(metadata={"kernelspec": {"name": ["a"], "display_name": "x"}}),
    "language list.ipynb": ipynb(metadata={"language_info": {"name": ["python"]}}),
    "cell null.ipynb": ipynb(cells=[None]),
    "cell text.ipynb": ipynb(cells=["1 + 1"]),
    "cell type.ipynb": cell(cell_type="codes"),
    "cell type missing.ipynb": cell(cell_type=...),
    "cell type list.ipynb": cell(cell_type=["code"]),
    "source missing.ipynb": cell(source=...),
    "source number.ipynb": cell(source=1),
    "source lines.ipynb": cell(source=["a\n", 1]),
    "source null.ipynb": cell(source=None),
    "outputs object.ipynb": cell(outputs={}),
    "outputs text.ipynb": cell(outputs=["x"]),
    "output type.ipynb": cell(outputs=[{"output_type": "video"}]),
    "output data.ipynb": cell(outputs=[{"output_type": "display_data", "metadata": {}, "data": []}]),
    "output stream.ipynb": cell(outputs=[{"output_type": "stream", "name": "stdout"}]),
    "tags text.ipynb": cell(metadata={"tags": "slide"}),
    "tags numbers.ipynb": cell(metadata={"tags": [1, 2]}),
    "cell metadata list.ipynb": cell(metadata=[]),
    "count text.ipynb": cell(execution_count="one"),
    "attachments.ipynb": cell(cell_type="markdown", attachments=[], outputs=..., execution_count=...),
    "bad id.ipynb": ipynb(nbformat_minor=5, cells=[dict(json.loads(cell())["cells"][0], id="a b!")]),
    "id list.ipynb": ipynb(nbformat_minor=5, cells=[dict(json.loads(cell())["cells"][0], id=[])]),
    # texts
    "header.py": b"# ---\n# jupyter:\n#   kernelspec: {name: [\n# ---\n\n# %%\n1\n",
    "header bomb.py": f"# ---\n# jupyter:\n{_ALIASES}\n#   jupytext: *a8\n# ---\n\n# %%\n1\n".encode(),
    "header.md": b"---\njupytext: {format_name: myst\n---\n\n```{code-cell}\n1\n```\n",
    "cell header.md": b"---\njupytext:\n  text_representation: {extension: .md, format_name: myst}\n---\n\n```{code-cell}\n---\n: [\n---\n1\n```\n",
    "quarto.qmd": b"---\njupyter: {kernelspec: {name: python3, display_name: x}}\n---\n\n```{python}\n1\n```\n",
}
"""Files that cannot be built, each with one error."""

_OLD = {"cell_type": "code", "input": "1", "outputs": [], "language": "python"}

FINE: dict[str, bytes] = {
    "bom.py": b"\xef\xbb\xbf" + DECK.encode(),
    "bom notebook.ipynb": b"\xef\xbb\xbf" + GOOD.encode(),
    "crlf.py": DECK.replace("\n", "\r\n").encode(),
    "cr.py": DECK.replace("\n", "\r").encode(),
    "mixed.py": DECK.replace("\n", "\r\n", 2).encode(),
    "no end.py": DECK.rstrip("\n").encode(),
    "nbformat 3.ipynb": ipynb(nbformat=3, nbformat_minor=0, cells=..., worksheets=[{"cells": [_OLD]}]),
    "no cell.ipynb": ipynb(cells=[]),
    "lone surrogate.ipynb": cell(source="x = '\ud800'"),
    "minor 99.ipynb": ipynb(nbformat_minor=99, cells=[dict(json.loads(cell())["cells"][0], id="one")]),
    "more keys.ipynb": ipynb(nbformat_minor=5, more={"a": 1}, cells=[dict(json.loads(cell())["cells"][0], id="one", more=[1])]),
    "only comments.py": b"# %%\n# nothing\n# else\n",
    "only mark.py": b"# %%\n",
    "huge numbers.ipynb": ipynb(metadata={"n": 10**400, "x": 1e308}),
    "not a number.ipynb": b'{"nbformat": 4, "nbformat_minor": 4, "metadata": {"x": NaN}, "cells": []}',
    "chunk.Rmd": b"---\njupyter: {kernelspec: {name: python3, display_name: x}}\n---\n\n```{python, echo=FALSE, x='y\n1\n```\n",
    "unclosed.md": b"---\njupyter: {kernelspec: {name: python3, display_name: x}}\n---\n\n```python\n1\n",
    "twin ids.ipynb": ipynb(nbformat_minor=5, cells=[dict(json.loads(cell())["cells"][0], id="same")] * 2),
    "format.py": b"# ---\n# jupytext:\n#   text_representation:\n#     format_name: no-such-format\n# ---\n\nx = 1\n",
    "one long line.py": b"# %%\nx = '" + b"y" * 3_000_000 + b"'\n",
    "many marks.py": b"# %%\n1\n" * 500,
}  # fmt: skip
"""Odd files that are notebooks all the same."""

NOT_MEANT: dict[str, bytes] = {
    "nothing.py": b"",
    "no marks.py": b"x = 1\n",
    "wide.py": DECK.encode("utf-16"),
    "no header.md": b"# Just text\n",
    "data.csv": b"\xff\xfe\x00",
}
"""Files that say in no way that they are notebooks: nobody needs to hear of them."""

NAMES = [
    "a b  c.py", "ümläut.py", "日本語.py", "🎓.py", "CON.py", "a:b.py", "dots....py", "trailing .py", "-rf.py", "--help.py", "a;touch x.py",
    "$(touch y).py", "`touch z`.py", "<img src=x onerror=alert(1)>.py", "it's.py", 'say "x".py', "new\nline.py", "tab\t.py", "back\\slash.py",
    "per%20cent.py", "hash#tag.py", "ques?tion.py", "{{ braces }}.py", "[brackets].py", "*star*.py", "~home.py", "UPPER.PY.py", "n" * 230 + ".py",
]  # fmt: skip
"""Names that a file system allows, all of good notebooks."""


@dataclass(frozen=True)
class Zoo:
    """A folder course of all this; its paths by what a build must do with them."""

    root: Path
    broken: frozenset[str]
    fine: frozenset[str]


def make_zoo(root: Path) -> Zoo:
    """Fill *root*."""
    for folder, files in (("broken", BROKEN), ("fine", FINE), ("none", NOT_MEANT), ("names", dict.fromkeys(NAMES, DECK.encode()))):
        (root / folder).mkdir(parents=True)
        for name, data in files.items():
            (root / folder / name).write_bytes(data)
    (root / "good.ipynb").write_text(GOOD, encoding="utf-8")
    _odd_things(root / "odd")
    return Zoo(
        root,
        frozenset(f"broken/{name}" for name in BROKEN),
        frozenset({"good.ipynb", *(f"fine/{name}" for name in FINE), *(f"names/{name}" for name in NAMES)}),
    )


def _odd_things(folder: Path) -> None:
    """What is no file at all, or leads elsewhere."""
    (folder / "folder.ipynb").mkdir(parents=True)
    (folder / "empty").mkdir()
    os.mkfifo(folder / "pipe.py")
    os.mkfifo(folder / "pipe.ipynb")
    with socket.socket(socket.AF_UNIX) as listening:
        here = Path.cwd()
        os.chdir(folder)  # the path of a socket is short
        listening.bind("socket.py")
        os.chdir(here)
    (folder / "loop").symlink_to(folder)
    (folder / "self.py").symlink_to(folder / "self.py")
    (folder / "dangling.ipynb").symlink_to(folder / "nowhere.ipynb")
    (folder / "outside.py").symlink_to("/etc/passwd")
    (folder / "outside").symlink_to("/etc")
    (folder / "zero.py").symlink_to("/dev/zero")
