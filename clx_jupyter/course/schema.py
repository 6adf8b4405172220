"""Checking a course file against the published JSON Schema, with lines and words for people.

``clx_jupyter/schemas/course.schema.json`` is the one list of what a course file may say: editors complete and check with
it, and so does this module, which knows the part of draft-07 that the file uses (``jsonschema`` knows no lines).
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from clx_jupyter.course.yaml_nodes import Node

Schema = Mapping[str, Any]

KEYWORDS = frozenset({
    "type", "const", "enum", "pattern", "minLength", "exclusiveMinimum", "maximum", "items", "minItems", "uniqueItems", "properties",
    "additionalProperties", "required", "minProperties", "propertyNames", "anyOf", "$ref",
})  # fmt: skip
"""The keywords that are acted on."""

NOTES = frozenset({"$schema", "title", "description", "examples", "definitions", "patternErrorMessage"})
"""The keywords that say nothing about what is valid."""

_TYPES: dict[str, tuple[str, Any]] = {
    "object": ("a mapping (`key: value`)", dict), "array": ("a list", list), "string": ("text", str), "boolean": ("true or false", bool),
    "integer": ("a whole number", int), "number": ("a number", (int, float)), "null": ("null", type(None)),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """Something in a course file that is wrong, and what to do about it."""

    line: int
    message: str
    hint: str


@cache
def whole() -> dict[str, Any]:
    """The published schema."""
    schema: dict[str, Any] = json.loads(files("clx_jupyter").joinpath("schemas", "course.schema.json").read_text(encoding="utf-8"))
    return schema


def faults(node: Node, pointer: str = "#") -> list[Fault]:
    """All that is wrong with *node* by the part of the schema that *pointer* names, by line."""
    return sorted(_faults(node, {"$ref": pointer}, ""), key=lambda fault: fault.line)


def _resolved(schema: Schema) -> Schema:
    while (pointer := schema.get("$ref")) is not None:
        schema = whole()
        for part in pointer.split("/")[1:]:
            schema = schema[part]
    return schema


def _is(value: Any, names: str | list[str]) -> bool:
    """Whether a value has one of the types; a yes or no is no number."""
    return any(
        isinstance(value, _TYPES[name][1]) and (name == "boolean" or not isinstance(value, bool))
        for name in ([names] if isinstance(names, str) else names)
    )


def _faults(node: Node, schema: Schema, where: str) -> Iterator[Fault]:
    schema = _resolved(schema)
    options = [_resolved(option) for option in schema.get("anyOf", (schema,))]
    # No two alternatives are of one type, so the value says which of them is meant.
    fitting = next((option for option in options if "type" not in option or _is(node.value, option["type"])), None)
    if fitting is None:
        yield _wrong_type(node, options, where)
    elif "enum" in fitting:
        yield from _in_scalar(node, fitting, where)
    elif isinstance(node.value, dict):
        yield from _in_mapping(node, fitting, where)
    elif isinstance(node.value, list):
        yield from _in_list(node, fitting, where)
    else:
        yield from _in_scalar(node, fitting, where)


def _wrong_type(node: Node, options: list[Schema], where: str) -> Fault:
    names = [name for option in options for name in ([option["type"]] if isinstance(option["type"], str) else option["type"])]
    wanted, found = " or ".join(_TYPES[name][0] for name in names), _shown(node.value)
    hint = f"write {wanted}"
    if "string" in names and not isinstance(node.value, (dict, list)) and node.value is not None:
        hint = f'put it in quotes: "{found}"'
    elif "boolean" in names:
        hint = "write true or false"
    elif "array" in names and isinstance(node.value, str):
        hint = f"write [{node.value}]"
    return Fault(node.line, f"{where or 'the file'} must be {wanted}, not {found}", hint)


def _shown(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return _TYPES["object" if isinstance(value, dict) else "array"][0]
    if isinstance(value, str):
        return repr(value if len(value) < 60 else value[:57] + "…")
    return "nothing" if value is None else json.dumps(value)


def _in_scalar(node: Node, schema: Schema, where: str) -> Iterator[Fault]:
    value = node.value
    allowed = [schema["const"]] if "const" in schema else schema.get("enum")
    if allowed is not None and not any(type(value) is type(each) and value == each for each in allowed):
        yield Fault(node.line, f"{where} cannot be {_shown(value)}", suggestion(str(value), [str(each) for each in allowed]))
    elif isinstance(value, str):
        if len(value) < schema.get("minLength", 0):
            yield Fault(node.line, f"{where} is empty", "write something, or remove it")
        elif "pattern" in schema and not _matches(schema["pattern"], value):
            yield Fault(node.line, f"{where} cannot be {_shown(value)}", schema["patternErrorMessage"])
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        if "exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"]:
            yield Fault(node.line, f"{where} cannot be {_shown(value)}", f"write a number above {schema['exclusiveMinimum']}")
        if "maximum" in schema and value > schema["maximum"]:
            yield Fault(node.line, f"{where} cannot be {_shown(value)}", f"write a number up to {schema['maximum']}")


def _matches(pattern: str, text: str) -> bool:
    """As JavaScript has it, where ``$`` is the very end."""
    return re.search(re.sub(r"\$(?=\)|$)", r"\\Z", pattern), text) is not None


def _in_list(node: Node, schema: Schema, where: str) -> Iterator[Fault]:
    if len(node.value) < schema.get("minItems", 0):
        yield Fault(node.line, f"{where} is empty", "name at least one, or remove the key")
    seen = set()
    for item in node.value:
        word = json.dumps(item.plain())
        if schema.get("uniqueItems") and word in seen:
            yield Fault(item.line, f"{_shown(item.value)} stands twice in {where}", "remove one of the two")
        seen.add(word)
        yield from _faults(item, schema.get("items", {}), f"an entry of {where.rpartition('.')[2]}")


def _in_mapping(node: Node, schema: Schema, where: str) -> Iterator[Fault]:
    known = schema.get("properties", {})
    others, names = schema.get("additionalProperties", {}), _resolved(schema.get("propertyNames", {}))
    if len(node.value) < schema.get("minProperties", 0):
        yield Fault(node.line, f"{where} is empty", "write at least one entry, or remove the key")
    for key in schema.get("required", ()):
        if key not in node.value:
            yield Fault(node.line, f"{where} has no {key!r}", f"add `{key}:`")
    for key, inner in node.value.items():
        inside = f"{where}.{key}" if where else key
        if key in known:
            yield from _faults(inner, known[key], inside)
        elif others is False:
            yield Fault(node.keys[key], f"{key!r} is not known" + (f" in {where}" if where else ""), suggestion(key, list(known)))
        elif not _matches(names.get("pattern", ""), key):
            yield Fault(node.keys[key], f"{key!r} is not possible in {where}", names["patternErrorMessage"])
        else:
            yield from _faults(inner, others, inside)


def suggestion(word: str, known: list[str]) -> str:
    """What somebody may have meant by *word*, else all there is."""
    near = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known are: {', '.join(known)}"
