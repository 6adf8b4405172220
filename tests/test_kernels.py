"""Which kernels are installed: our quick look against ``jupyter_client``'s."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from jupyter_client.kernelspec import KernelSpecManager

from clx_jupyter.kernels import Kernel, choose, installed


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
