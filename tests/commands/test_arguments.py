"""Arguments: ours, those of CLX and CLM, and mistakes."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from clx_jupyter.cli import main, parser
from clx_jupyter.commands.arguments import COMMANDS
from clx_jupyter.commands.build import _request
from clx_jupyter.commands.peers import COMMANDS as THEIR_COMMANDS
from clx_jupyter.commands.peers import OPTIONS, SAME
from clx_jupyter.requests import Request

OURS = {command.name: command for command in COMMANDS}


def options_of(name: str) -> set[str]:
    found = argparse.ArgumentParser(add_help=False)
    OURS[name].arguments(found)
    return {option for action in found._actions for option in action.option_strings}


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    return printed.err


def test_what_clx_and_clm_have_is_either_ours_or_answered() -> None:
    build = options_of("build")
    assert [option for option in SAME if option not in build] == []
    assert [option for option in OPTIONS if option in build] == []
    assert [command for command in THEIR_COMMANDS if command in OURS] == []


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_of_theirs_is_answered_with_ours_in_one_line(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["build", "c.xml", option, "3"], ["build", f"{option}=3", "c.xml"], [option, "3", "build", "c.xml"]):
        said = refused(arguments, capsys)
        assert said == f"error: {option} is an option of CLX and CLM: {OPTIONS[option]}\n"


@pytest.mark.parametrize("command", THEIR_COMMANDS)
def test_a_command_of_theirs_is_answered_with_ours_in_one_line(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused([*command.split(), "--anything", "x"], capsys)
    assert said == f"error: {command} is a command of CLX and CLM: {THEIR_COMMANDS[command]}\n"


def test_a_folder_called_like_a_command_of_theirs_is_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "list").mkdir()
    (tmp_path / "list/a.py").write_text("# %%\n1\n")
    monkeypatch.chdir(tmp_path)
    assert main(["jobs", "list"]) == 0
    assert "nothing was built here yet" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "error", "hint"),
    [
        (["biuld"], "there is no command 'biuld'", "did you mean build?"),
        (["xyzzy"], "there is no command 'xyzzy'", "there are: "),
        (["build", "--dryrun"], "`clx build` has no option --dryrun", "did you mean --dry-run?"),
        (["build", "--forc"], "`clx build` has no option --forc", "did you mean --force?"),
        (["status", "--xyzzy=1"], "`clx status` has no option --xyzzy", "`clx status --help`"),
        (["status", "a", "b"], "`clx status` has no place for b", "`clx status --help`"),
        (["build", "--jobs", "0"], "'0' is no whole number above 0", "`clx build --help`"),
        (["build", "--jobs", "2.5"], "'2.5' is no whole number above 0", "`clx build --help`"),
        (["jobs", "--spec", "first"], "'first' is no whole number above 0", "`clx jobs --help`"),
        (["build", "--timeout", "-3"], "'-3' is no number of seconds above 0", "`clx build --help`"),
        (["build", "--timeout", "5m"], "'5m' is no number of seconds above 0", "`clx build --help`"),
        (["build", "--timeout", "nan"], "'nan' is no number of seconds above 0", "`clx build --help`"),
        (["build", "-T", "a,,b"], "a name is missing in 'a,,b'", "`clx build --help`"),
        (["build", "--only-sections", ""], "a name is missing", "`clx build --help`"),
        ([], "COMMAND", "`clx --help`"),
    ],
)
def test_a_mistake_is_told_with_what_was_meant(arguments: list[str], error: str, hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = refused(arguments, capsys).splitlines()
    assert error in first and first.startswith("error: ")
    assert hint in second and second.startswith("  hint: ")


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--no-execute", "--force-execute"], "--no-execute and --force-execute"),
        (["--watch", "--dry-run"], "--watch and --dry-run"),
        (["--env-file", "x", "--no-env-file"], "--env-file and --no-env-file"),
        (["--no-html", "-f", "html"], "--no-html and --format html"),
        (["--env-file", "nothing"], "there is no file nothing"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments: list[str], what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.py").write_text("# %%\n1\n")
    assert what in refused(["build", str(tmp_path), *arguments], capsys)
    assert [file.name for file in tmp_path.iterdir()] == ["a.py"]


def request(folder: Path, *arguments: str) -> Request:
    (folder / "a.py").write_text("# %%\n1\n")
    (folder / "values").write_text("A=1\n")
    return _request(parser().parse_args(["build", str(folder), *arguments]))


def test_options_of_clm_mean_here_what_they_mean_there(tmp_path: Path) -> None:
    found = request(
        tmp_path, "-T", "a,b", "-T", "c", "--targets", "d", "--only-sections", "intro,idx:2", "-s", "Week", "-L", "en", "--speaker-only",
        "--no-html", "--no-diagrams", "--ignore-cache", "--image-mode", "shared", "--image-format", "SVG", "--inline-images",
        "--env-file", str(tmp_path / "values"),
    )  # fmt: skip
    assert found.targets == ("a", "b", "c", "d") and found.sections == ("Week", "intro", "idx:2")
    assert (found.private, found.without, found.rerun, found.languages) == (True, ("html",), True, ("en",))
    assert (found.image_mode, found.image_format, found.inline_images) == ("shared", "svg", True)
    assert found.env_file == str(tmp_path / "values")
    assert request(tmp_path, "--no-env-file").env_file == "" and request(tmp_path).env_file is None
    assert request(tmp_path, "--force-execute").rerun and request(tmp_path).targets == ()
    assert Request.from_json(found.to_json()) == found


def test_pictures_are_as_the_course_says_unless_the_request_says_otherwise(tmp_path: Path) -> None:
    plain, asked = (request(tmp_path, *more).course().images for more in ([], ["--image-format", "png", "--image-mode", "shared"]))
    assert (plain.format, plain.mode, plain.inline) == ("svg", "duplicated", False)
    assert (asked.format, asked.mode, asked.inline) == ("png", "shared", False)
