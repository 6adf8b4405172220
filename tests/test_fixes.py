"""Corrections change the characters they name, and nothing else."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clx_jupyter.errors import RequestError
from clx_jupyter.fixes import apply, corrected, described

TAG = {"line": 2, "was": "# %% tag=1", "column": 5, "old": "tag", "new": "tags"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"a\n# %% tag=1\nb\n", b"a\n# %% tags=1\nb\n"),
        (b"a\r\n# %% tag=1\r\nb\r\n", b"a\r\n# %% tags=1\r\nb\r\n"),
        (b"a\r# %% tag=1\rb", b"a\r# %% tags=1\rb"),
        ("\ufeffä\x0b\u2028\n# %% tag=1\nü".encode(), "\ufeffä\x0b\u2028\n# %% tags=1\nü".encode()),
    ],
)
def test_everything_around_stays_byte_for_byte(before: bytes, after: bytes) -> None:
    assert corrected(before, [TAG]) == (after, [TAG])


def test_a_byte_order_mark_counts_as_no_column() -> None:
    assert corrected("\ufeff# %% tag=1\n".encode(), [{**TAG, "line": 1}])[0] == "\ufeff# %% tags=1\n".encode()


@pytest.mark.parametrize("fix", [{**TAG, "line": 9}, {**TAG, "column": 6}, {**TAG, "line": 1}, {"at": ["cells", 0], "old": 1, "new": 2}])
def test_what_is_not_there_is_not_corrected(fix: dict[str, Any]) -> None:
    assert corrected(b"a\n# %% tag=1\n", [fix]) == (b"a\n# %% tag=1\n", [])


def test_several_corrections_of_a_line_and_overlapping_ones() -> None:
    deck, was = b'a\n# %% tag=["slid"]\n', '# %% tag=["slid"]'
    tag, slid = {**TAG, "was": was}, {"line": 2, "was": was, "column": 11, "old": "slid", "new": "slide"}
    over = {"line": 2, "was": was, "column": 5, "old": 'tag=["slid"]', "new": "other"}
    assert corrected(deck, [slid, tag, over]) == (b'a\n# %% tags=["slide"]\n', [tag, slid])
    assert corrected(deck, [over, slid]) == (b"a\n# %% other\n", [over])
    assert corrected(b'a\n# %% tags=["slid"]\n', [tag, slid])[1] == []


NOTEBOOK = """{
 "cells": [
  {"cell_type": "markdown", "metadata": {"tags": ["x", "y"]}, "source": "a \\" ] }"},
  {
   "metadata":  {
    "tag": [
     "sl\\u0069d",
     "keep",
     "keep"
    ],
    "lang": "DE"
   }
  }
 ],
 "nbformat": 4
}"""


@pytest.mark.parametrize(
    ("fix", "old", "new"),
    [
        ({"at": ["cells", 1, "metadata", "tag"], "key": True, "old": "tag", "new": "tags"}, '"tag"', '"tags"'),
        ({"at": ["cells", 1, "metadata", "tag", 0], "old": "slid", "new": "slide"}, '"sl\\u0069d"', '"slide"'),
        ({"at": ["cells", 1, "metadata", "lang"], "old": "DE", "new": "de"}, '"DE"', '"de"'),
        ({"at": ["cells", 0, "metadata", "tags"], "old": ["x", "y"], "new": ["y"]}, '["x", "y"]', '["y"]'),
        (
            {"at": ["cells", 1, "metadata", "tag"], "old": ["slid", "keep", "keep"], "new": ["slid", "keep"]},
            '"sl\\u0069d",\n     "keep",\n     "keep"\n', '"slid",\n     "keep"\n',
        ),
    ],
)  # fmt: skip
def test_a_notebook_keeps_its_layout(fix: dict[str, Any], old: str, new: str) -> None:
    text, made = corrected(NOTEBOOK.encode(), [fix])
    assert made == [fix] and NOTEBOOK.count(old) == 1
    assert text.decode() == NOTEBOOK.replace(old, new)
    json.loads(text)


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, min_size=1, max_size=3) | st.dictionaries(st.text(max_size=4), inner, min_size=1, max_size=3),
    max_leaves=12,
)


def places(tree: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    yield at, tree
    members = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for name, member in members:
        yield from places(member, (*at, name))


@given(
    tree=TREES, new=st.text(max_size=6) | st.lists(st.text(max_size=3), max_size=3), indent=st.sampled_from([None, 0, 1, "\t", "  "]),
    ascii=st.booleans(), data=st.data(),
)  # fmt: skip
def test_one_value_of_any_json_changes_and_nothing_else(tree: Any, new: Any, indent: Any, ascii: bool, data: st.DataObject) -> None:
    text = json.dumps(tree, indent=indent, ensure_ascii=ascii).replace("\n", data.draw(st.sampled_from(["\n", "\r\n", "\n\n"])))
    at, old = data.draw(st.sampled_from(list(places(tree))))
    after, made = corrected(text.encode(), [{"at": list(at), "old": old, "new": new}])
    assert len(made) == 1
    wanted = copy.deepcopy([tree])
    parent: Any = wanted
    for step in (0, *at)[:-1]:
        parent = parent[step]
    parent[(0, *at)[-1]] = new
    assert [json.loads(after)] == wanted
    marked, _ = corrected(text.encode(), [{"at": list(at), "old": old, "new": "the only place"}])
    before, after_it = marked.decode().split('"the only place"')
    assert text.startswith(before) and text.endswith(after_it)


@pytest.mark.parametrize(
    "at", [["cells", 7], ["cells", 1, "metadata", "nope"], ["cells", "metadata"], ["nbformat", 0], ["cells", 0, "metadata", "tags", 5]]
)
def test_a_place_that_a_notebook_does_not_have(at: list[str | int]) -> None:
    assert corrected(NOTEBOOK.encode(), [{"at": at, "old": "x", "new": "z"}]) == (NOTEBOOK.encode(), [])


def test_a_changed_file_is_refused_and_mode_and_link_stay(tmp_path: Path) -> None:
    real, link = tmp_path / "real.py", tmp_path / "deck.py"
    real.write_bytes(b"a\n# %% tag=1\n")
    real.chmod(0o640)
    link.symlink_to("real.py")
    with pytest.raises(RequestError, match="was changed"):
        apply(link, [TAG], "0" * 64)
    assert apply(link, [TAG], hashlib.sha256(real.read_bytes()).hexdigest()) == [TAG]
    assert link.is_symlink() and real.read_bytes() == b"a\n# %% tags=1\n" and real.stat().st_mode & 0o777 == 0o640
    before = real.stat()
    assert apply(link, [TAG]) == [] and real.stat().st_mtime_ns == before.st_mtime_ns
    with pytest.raises(RequestError, match="cannot be corrected"):
        apply(tmp_path / "gone.py", [TAG])


def test_corrections_in_words() -> None:
    assert described(TAG) == "tag → tags"
    assert described({"line": 1, "was": "", "column": 4, "old": ' lang=""', "new": ""}) == 'lang="" taken away'
    assert described({"at": [], "old": ["a", "a"], "new": ["a"]}) == '["a", "a"] → ["a"]'
