"""No text that a kind does not get stands in anything published to it: random decks with secrets in every place."""

from __future__ import annotations

import base64
import binascii
import html
import json
import os
import random
import re
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.workers.decks import CLEARING, KINDS, OWN, TOKEN, Deck, Generator, betrayed, sees

FEW, MANY = 150, 10_000
FORMATS = ("html", "notebook", "code")
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{16,}={0,2}")
_TAG = re.compile(r"<[^<>]*>")

Convert = Callable[[dict[str, Any]], Any]


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, part in value.items():
            yield key
            yield from strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from strings(part)


def tokens(data: bytes, format: str) -> set[str]:
    """All secrets that stand in the bytes, in whatever form."""
    text = data.decode()
    forms = [text, html.unescape(text), _TAG.sub("", html.unescape(text))]
    if format == "notebook":
        forms += strings(json.loads(text))
    for blob in _BASE64.findall(data):
        try:
            forms.append(base64.b64decode(blob + b"=" * (-len(blob) % 4)).decode("latin-1"))
        except binascii.Error:
            continue
    return {token for form in forms for token in TOKEN.findall(form)}


def job(course: Any, deck: Deck, variants: list[str]) -> dict[str, Any]:
    made: dict[str, Any] = course.job(
        deck.path, variants, deck.languages, reader=deck.reader, kinds=OWN, execute={"mode": "never", "kinds": [*KINDS]}
    )
    for variant in made["variants"]:
        variant["outputs"] = variant["format"] != "code"
        variant["code_format"] = "cpp:percent" if deck.prog_lang == "cpp" else "py:percent"
    return made


def check(course: Any, convert: Convert, seed: int) -> dict[str, int]:
    """Convert one deck for all kinds and hold what comes out against the table; gives what was counted."""
    deck = Generator(seed).deck()
    chooser = random.Random(-seed)
    course.write(deck.path, deck.text)
    chosen = [(kind, format, chooser.choice(deck.languages or ("",))) for kind in KINDS for format in chooser.sample(FORMATS, 2)]
    done = convert(job(course, deck, ["/".join(each) for each in chosen]))
    (course.root / deck.path).unlink()
    count = {"shown": 0, "hidden": 0, "withheld": 0, "alarms": 0, "unread": 0}
    if any(isinstance(cell.written, str) for cell in deck.cells) and done.done["status"] == "failed":
        assert not done.outputs and done.problems[0]["class"] == "bad-source"
        return count | {"unread": 1}
    assert done.done["status"] == "ok", f"seed {seed}: {done.done} {done.problems}\n{deck.text}"
    for number, (kind, format, language) in enumerate(chosen):
        where = f"seed {seed}, {kind} {format} {language}\n{deck.text}"
        frame = done.outputs.get(str(number))
        leaks = betrayed(kind, deck, language, format)
        if frame is None:
            clears = kind in CLEARING or kind == "partial"
            expected = leaks or (deck.unclosed and clears)
            assert expected, f"{where}\nis missing: {done.problems}"
            count["alarms" if leaks else "withheld"] += 1
            continue
        found = tokens((course.work / "stage" / frame["sha256"]).read_bytes(), format)
        for cell in deck.cells:
            for plant in cell.plants:
                expected = sees(kind, cell, plant, language, format)
                count["hidden"] += expected is False
                count["shown"] += expected is True
                assert expected is not False or plant.token not in found, f"{where}\nLEAK {plant}\n{cell}"
                assert expected is not True or plant.token in found, f"{where}\nMISSING {plant}\n{cell}"
    told = [problem for problem in done.problems if not problem["message"].endswith("from the network.")]
    assert all(problem["class"] in ("leak", "bad-source", "tag", "language", "accessibility") for problem in told), told
    shutil.rmtree(course.work / "stage")
    return count


def check_many(course: Any, convert: Convert, seeds: range) -> None:
    total: dict[str, int] = {}
    for seed in seeds:
        for name, value in check(course, convert, seed).items():
            total[name] = total.get(name, 0) + value
    # The decks hold enough of everything: who sees nothing, hides well.
    assert total["shown"] > 10 * len(seeds) and total["hidden"] > 10 * len(seeds) and total["withheld"] and total["alarms"], total
    assert total["unread"] < len(seeds) / 10, total


@pytest.mark.story
def test_no_secret_of_random_decks_gets_out_and_nothing_else_is_lost(course: Any, convert: Convert) -> None:
    check_many(course, convert, range(FEW))


@pytest.mark.long
def test_no_secret_of_ten_thousand_decks_gets_out(course: Any, convert: Convert) -> None:
    first = int(os.environ.get("CLX_FIRST_DECK", FEW))
    check_many(course, convert, range(first, first + MANY))
