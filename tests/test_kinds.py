"""A course's own kinds: what a rule makes of its base."""

from __future__ import annotations

from typing import Any

import pytest

from clx_jupyter.kinds import KINDS, PRIVATE_TAGS, Kind, KindError, own_kind, own_kinds


def made(rule: dict[str, Any], id: str = "x") -> Kind:
    return own_kind(id, rule, KINDS)


def test_a_rule_that_says_nothing_is_the_solution_for_the_public() -> None:
    kind = made({})
    assert (kind.id, kind.label, kind.public, kind.folder) == ("x", "x", True, "")
    assert kind.remove == KINDS["completed"].remove


def test_a_packaged_kind_is_changed_from_what_it_is() -> None:
    kind = made({"blank": ["hint"]}, "student")
    assert (kind.label, kind.folder, kind.clear_solutions) == ("Student version (solutions cleared)", "Student", True)
    assert kind.blank == {"solution", "hint"}


def test_a_tag_goes_where_the_rule_puts_it() -> None:
    kind = made({"base": "code-along", "keep": ["alt"], "blank": ["solution"], "remove": ["start"]})
    assert kind.remove == {"del", "completed", "start"} | PRIVATE_TAGS
    assert kind.blank == {"solution"}
    assert kind.keep == {"keep", "alt"}


@pytest.mark.parametrize("base", [*KINDS])
def test_private_tags_never_reach_a_public_kind(base: str) -> None:
    assert made({"base": base}).remove >= PRIVATE_TAGS


def test_a_private_kind_may_show_them() -> None:
    kind = made({"base": "completed", "public": False, "keep": ["notes", "private"]})
    assert not kind.public
    assert kind.remove & PRIVATE_TAGS == {"voiceover"}


def test_a_packaged_private_kind_stays_private_unless_the_rule_says_otherwise() -> None:
    assert not made({"remove": ["voiceover"]}, "speaker").public
    public = made({"public": True}, "speaker")
    assert public.public
    assert public.remove >= PRIVATE_TAGS


def test_a_base_is_a_packaged_kind_or_one_written_above() -> None:
    kinds, wrong = own_kinds({"a": {"remove": ["x"]}, "b": {"base": "a", "remove": ["y"]}})
    assert wrong == {}
    assert {"x", "y"} <= kinds["b"].remove


def test_boxes_are_added_and_replaced() -> None:
    kind = made({"base": "speaker", "public": False, "boxes": {"notes": "pink", "tip": "#EEE"}})
    assert dict(kind.boxes) == {"notes": "pink", "voiceover": "#FFEEBA", "tip": "#EEE"}


def test_switches_are_taken_as_they_are() -> None:
    kind = made(
        {"executed": False, "blank_code": True, "answer_stub": True, "clear_solutions": True, "workshop": "code-along", "folder": "F"}
    )
    assert (kind.executed, kind.blank_code, kind.answer_stub, kind.clear_solutions, kind.workshop) == (
        False,
        True,
        True,
        True,
        "code-along",
    )
    assert kind.folder == "F"


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"base": "nothing"}, "base 'nothing'", "code-along"),
    ({"keep": ["private"]}, "is public and cannot have private", "public: false"),
    ({"blank": ["notes"]}, "is public and cannot have notes", "public: false"),
    ({"keep": ["a"], "remove": ["a"]}, "has a in two", "one meaning"),
    ({"keep": ["a"], "blank": ["a"]}, "has a in two", "one meaning"),
    ({"workshop": "nothing"}, "'nothing', which kind 'x' uses in workshops", "code-along"),
]


@pytest.mark.parametrize(("rule", "message", "hint"), WRONG)
def test_a_rule_that_cannot_hold_is_said(rule: dict[str, Any], message: str, hint: str) -> None:
    _, wrong = own_kinds({"x": rule})
    assert message in str(wrong["x"])
    assert hint in wrong["x"].hint


def test_the_rule_of_a_kind_travels_as_plain_data() -> None:
    with pytest.raises(KindError):
        made({"keep": ["voiceover"]})
    assert made({"keep": ["b", "a"]}).to_json()["keep"] == ["a", "b"]
