"""The documents name everything there is."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

import jsonschema
import pytest
from traitlets import HasTraits

from clx_jupyter.commands.arguments import COMMANDS, Command
from clx_jupyter.commands.peers import COMMANDS as THEIR_COMMANDS
from clx_jupyter.commands.peers import OPTIONS as THEIR_OPTIONS
from clx_jupyter.commands.peers import SAME
from clx_jupyter.course import xml_oddities
from clx_jupyter.errors import CLASSES, Problem
from clx_jupyter.extension import ClxApp
from clx_jupyter.handlers import ROUTES
from clx_jupyter.jobs import JOB_TYPES, BuildState, JobState
from clx_jupyter.kinds import KINDS
from clx_jupyter.reports import invalid_report
from clx_jupyter.settings import BuildSettings

ROOT = Path(__file__).parent.parent


def document(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_and_option_is_documented(command: Command) -> None:
    parser = argparse.ArgumentParser(add_help=False)
    command.arguments(parser)
    _, _, rest = document("cli.md").partition(f"## `clx {command.name}`")
    section = rest.partition("\n## ")[0]
    assert section
    for action in parser._actions:
        for name in action.option_strings:
            assert f"`{name}`" in section


@pytest.mark.parametrize(
    ("file", "names"),
    [
        ("settings.md", JOB_TYPES),
        ("report.md", tuple(CLASSES)),
        ("report.md", (*JobState, *BuildState)),
        ("kinds.md", tuple(KINDS)),
    ],
)
def test_every_name_stands_in_its_document(file: str, names: tuple[str, ...]) -> None:
    assert [name for name in names if f"`{name}`" not in document(file)] == []


def test_every_class_of_problem_stands_in_the_table_with_its_meaning() -> None:
    section = document("report.md").partition("\n## Problems\n")[2].partition("\n## ")[0]
    assert [name for name, meaning in CLASSES.items() if f"| `{name}` | {meaning} |" not in section] == []


def test_every_field_of_the_report_is_documented() -> None:
    fields = json.loads(document("report.schema.json"))["properties"]
    names = {*fields, *(name for part in ("outputs", "assets", "problems") for name in fields[part]["items"]["properties"])}
    assert [name for name in sorted(names) if f"`{name}`" not in document("report.md")] == []


def test_the_report_of_a_course_that_cannot_be_read_follows_the_schema() -> None:
    schema = json.loads(document("report.schema.json"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(invalid_report(Problem("bad-course", "no such folder", "give another"), "/course"), schema)


def test_every_runtime_dependency_has_its_reason() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = project.partition("\ndependencies = [")[2].partition("]")[0]
    names = re.findall(r'"([a-z0-9-]+)', block)
    assert names
    assert [name for name in names if f"`{name}`" not in document("why.md")] == []


def test_every_route_is_documented_with_its_methods() -> None:
    rows = re.findall(r"^\| `(clx/[^`]*)` \| (\w+) \|", document("rest-api.md"), re.MULTILINE)
    verbs = ("get", "post", "put", "patch", "delete")
    routes = [(re.sub(r"\(.*?\)", "{id}", path), verb.upper()) for path, handler in ROUTES for verb in verbs if verb in vars(handler)]
    assert sorted(rows) == sorted(routes)


@pytest.mark.parametrize("owner", [ClxApp, BuildSettings])
def test_every_setting_is_documented(owner: type[HasTraits]) -> None:
    names = [name for name, trait in owner.class_own_traits(config=True).items() if trait.this_class is owner]
    assert names
    assert [name for name in names if f"| `{name}` |" not in document("settings.md")] == []


def test_every_setting_of_the_sidebar_is_documented() -> None:
    names = json.loads((ROOT / "labextension" / "schema" / "plugin.json").read_text(encoding="utf-8"))["properties"]
    assert names
    assert [name for name in names if f"| `{name}` |" not in document("settings.md")] == []


def test_every_environment_variable_is_documented() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "clx_jupyter").rglob("*.py"))
    names = set(re.findall(r'"(CLX_[A-Z_]+)"', code))
    assert [name for name in sorted(names) if name not in document("settings.md")] == []


def test_every_option_and_command_of_clx_and_clm_stands_in_the_guide_with_ours() -> None:
    guide = document("migration.md")
    assert [name for name in SAME if f"`{name}`" not in guide] == []
    words = THEIR_OPTIONS | THEIR_COMMANDS
    assert [name for name, here in words.items() if f"| `{name}` | {here} |" not in guide] == []


def test_every_element_and_attribute_of_a_course_file_stands_in_the_guide() -> None:
    section = document("migration.md").partition("\n## The course file\n")[2].partition("\n## Environment")[0]
    named = [*xml_oddities._CHILDREN.values(), *xml_oddities._ATTRIBUTES.values()]
    assert [name for listed in named for name in listed.split() if f"`{name}`" not in section] == []
    rows = [row for row in section.splitlines() if "one warning" in row]
    assert [name for name in xml_oddities._NOT_ACTED_ON if not any(f"`{name}`" in row for row in rows)] == []
    assert len(rows) == len(xml_oddities._NOT_ACTED_ON)


@pytest.mark.parametrize("file", ["README.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")))])
def test_no_link_between_documents_is_broken(file: str) -> None:
    path = ROOT / file
    for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target
