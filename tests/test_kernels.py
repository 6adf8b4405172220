"""Which kernels are installed: our quick look against ``jupyter_client``'s."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from jupyter_client.kernelspec import KernelSpecManager

from clx_jupyter.kernels import Kernel, choose, installed, interpreter_in, why_unusable, with_course_python


def spec(folder: Path, name: str, language: str = "python", display_name: str = "", argv: list[str] | None = None) -> None:
    place = folder / "kernels" / name
    place.mkdir(parents=True)
    data = {"argv": argv or [f"/opt/{name}/bin/run", "{connection_file}"], "language": language, "display_name": display_name or name}
    (place / "kernel.json").write_text(json.dumps(data), encoding="utf-8")


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    first, second = tmp_path / "first", tmp_path / "second"
    monkeypatch.setenv("JUPYTER_PATH", os.pathsep.join(map(str, (first, second))))
    return first, second


def test_the_same_kernels_are_found_as_jupyter_client_finds(places: tuple[Path, Path]) -> None:
    first, second = places
    spec(first, "one", display_name="from the first")
    spec(second, "one", display_name="from the second")
    spec(second, "Upper-Case", "R")
    spec(second, "my.kernel_2", "julia")
    spec(second, "bad name!", "python")
    (second / "kernels" / "empty").mkdir()
    with pytest.warns(UserWarning, match="bad name!"):
        theirs = KernelSpecManager().get_all_specs()
    ours = installed()
    assert set(ours) == set(theirs)
    assert {name: kernel.display_name for name, kernel in ours.items()} == {
        name: row["spec"]["display_name"] for name, row in theirs.items()
    }
    assert ours["one"].display_name == "from the first"


def test_a_spoilt_kernel_file_hides_no_other(places: tuple[Path, Path]) -> None:
    for name, text in (("a", "{"), ("b", "[]"), ("c", '{"argv": 3}'), ("d", '{"language": "R"}')):
        (places[0] / "kernels" / name).mkdir(parents=True)
        (places[0] / "kernels" / name / "kernel.json").write_text(text, encoding="utf-8")
    spec(places[0], "good")
    assert {"a", "b", "c", "d"}.isdisjoint(installed())
    assert "good" in installed()


@pytest.mark.parametrize(
    ("spelled", "name"), [("C++17", "cpp"), ("c++", "cpp"), ("R", "R"), ("C#", "csharp"), ("python", "python"), ("go", "go")]
)
def test_languages_have_one_name_however_they_are_spelled(places: tuple[Path, Path], spelled: str, name: str) -> None:
    spec(places[0], "it", spelled)
    assert installed()["it"].language == name


def test_a_kernel_that_says_python_means_this_one(places: tuple[Path, Path]) -> None:
    spec(places[0], "mine", argv=["python", "-m", "x"])
    assert installed()["mine"].argv[0] == sys.executable


def kernels(**languages: str) -> dict[str, Kernel]:
    return {name: Kernel(name, language, name, ("run",)) for name, language in languages.items()}


CHOICES = [
    ({"python3": "python", "special": "python"}, "special", "python", "special"),
    ({"python3": "python", "ir": "R"}, "ir", "python", "ir"),  # the name wins
    ({"python3": "python", "another": "python"}, "gone", "python", "python3"),
    ({"zzz": "python", "aaa": "python"}, None, "python", "aaa"),
    ({"ir": "R", "aar": "R"}, None, "R", "ir"),
    ({"xcpp17": "cpp"}, "xcpp20", "cpp", "xcpp17"),
    ({"python3": "python"}, None, "R", None),
    ({}, None, "python", None),
]


@pytest.mark.parametrize(("there", "name", "language", "expected"), CHOICES)
def test_the_kernel_is_chosen_by_name_then_by_language(
    there: dict[str, str], name: str | None, language: str, expected: str | None
) -> None:
    found = choose(kernels(**there), name, language)
    assert (found.name if found else None) == expected


def test_the_fingerprint_changes_with_the_packages_and_the_program(tmp_path: Path) -> None:
    program = tmp_path / "bin" / "python"
    packages = tmp_path / "lib" / "python3.11" / "site-packages"
    packages.mkdir(parents=True)
    program.parent.mkdir()
    program.write_text("one")
    kernel = Kernel("k", "python", "k", (str(program), "-m", "x"))
    seen = [kernel.fingerprint]
    assert kernel.fingerprint == seen[0]
    (packages / "numpy-1.0.dist-info").mkdir()
    seen.append(kernel.fingerprint)
    (packages / "numpy-1.0.dist-info").rename(packages / "numpy-2.0.dist-info")
    seen.append(kernel.fingerprint)
    program.write_text("another")
    seen.append(kernel.fingerprint)
    assert len(set(seen)) == 4


def test_a_kernel_whose_program_is_gone_has_a_fingerprint_too() -> None:
    assert Kernel("k", "python", "k", ("no-such-program",)).fingerprint


def venv(folder: Path, *packages: str, shared: bool = False) -> Path:
    """What a virtual environment looks like; its interpreter is no program."""
    python = folder / "bin/python"
    site = folder / "lib/python3.11/site-packages"
    for path in (python.parent, site, *(site / f"{package}.dist-info" for package in packages)):
        path.mkdir(parents=True)
    python.write_text("")
    (folder / "pyvenv.cfg").write_text(f"home = /usr/bin\ninclude-system-site-packages = {'true' if shared else 'false'}\n")
    return python


def test_an_environment_means_its_interpreter(tmp_path: Path) -> None:
    python = venv(tmp_path / "venv")
    assert interpreter_in(tmp_path / "venv") == interpreter_in(python) == python
    assert interpreter_in(tmp_path / "none") == tmp_path / "none"


def test_what_an_interpreter_lacks_is_seen_without_starting_it(tmp_path: Path) -> None:
    assert why_unusable(tmp_path / "none")[0] == f"there is no interpreter {tmp_path / 'none'}"
    bare = venv(tmp_path / "bare", "numpy-2.0")
    why, hint = why_unusable(bare)
    assert "ipykernel is not installed" in why
    assert f"{bare} -m pip install ipykernel" in hint
    assert why_unusable(venv(tmp_path / "good", "ipykernel-7.0")) == ("", "")
    # Whether the system has it only shows when it starts.
    assert why_unusable(venv(tmp_path / "shared", shared=True)) == ("", "")


def test_a_course_with_its_own_python_never_gets_another(tmp_path: Path) -> None:
    others = {name: Kernel(name, language, name, ("x",)) for name, language in (("python3", "python"), ("conda", "python"), ("ir", "R"))}
    good = venv(tmp_path / "good", "ipykernel-7.0")
    kernels, why = with_course_python(others, good)
    assert (set(kernels), kernels["python3"].argv[0], why) == ({"python3", "ir"}, str(good), ("", ""))
    assert set(with_course_python(others, tmp_path / "none")[0]) == {"ir"}
    assert with_course_python(others, None) == (others, ("", ""))
    before = kernels["python3"].fingerprint
    (tmp_path / "good/lib/python3.11/site-packages/numpy-2.0.dist-info").mkdir()
    assert with_course_python(others, good)[0]["python3"].fingerprint != before
