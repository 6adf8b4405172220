"""Programming languages of notebooks: suffixes, kernels and metadata, one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ProgLang:
    """What the package must know of a language that course texts are written in."""

    name: str
    suffixes: tuple[str, ...]
    #: jupytext's name of the text format.
    jupytext: str
    #: The sign that starts a line comment.
    comment: str
    kernelspec: Mapping[str, str]
    language_info: Mapping[str, Any] = field(default_factory=dict)
    #: Folder of the code format in CLX and CLM courses.
    folder: str = ""


def _spec(name: str, display_name: str, language: str) -> dict[str, str]:
    return {"display_name": display_name, "language": language, "name": name}


_TABLE = (
    ProgLang(
        "python", (".py",), "py:percent", "#", _spec("python3", "Python 3 (ipykernel)", "python"),
        {"codemirror_mode": {"name": "ipython", "version": 3}, "file_extension": ".py", "mimetype": "text/x-python", "name": "python",
         "nbconvert_exporter": "python", "pygments_lexer": "ipython3"}, "Python",
    ),
    ProgLang(
        "cpp", (".cpp", ".c"), "cpp:percent", "//", _spec("xcpp20", "C++20", "cpp"),
        {"codemirror_mode": "text/x-c++src", "file_extension": ".cpp", "mimetype": "text/x-c++src", "name": "C++", "version": "20"}, "Cpp",
    ),
    ProgLang(
        "csharp", (".cs",), "cs:percent", "//", _spec(".net-csharp", ".NET (C#)", "C#"),
        {"file_extension": ".cs", "mimetype": "text/x-csharp", "name": "C#", "pygments_lexer": "csharp", "version": "12.0"}, "CSharp",
    ),
    ProgLang(
        "java", (".java",), "java:percent", "//", _spec("java", "Java", "java"),
        {"codemirror_mode": "java", "file_extension": ".java", "mimetype": "text/java", "name": "Java", "pygments_lexer": "java",
         "version": ""}, "Java",
    ),
    ProgLang(
        "typescript", (".ts",), "ts:percent", "//", _spec("deno", "Deno", "typescript"),
        {"codemirror_mode": "typescript", "file_extension": ".ts", "mimetype": "text/x.typescript", "name": "typescript",
         "pygments_lexer": "typescript", "version": "5.6.2"}, "TypeScript",
    ),
    ProgLang(
        "rust", (".rs",), "rs:percent", "//", _spec("rust", "Rust", "rust"),
        {"codemirror_mode": "rust", "file_extension": ".rs", "mimetype": "text/rust", "name": "Rust", "pygments_lexer": "rust",
         "version": ""}, "Rust",
    ),
    ProgLang("R", (".R", ".r"), "R:percent", "#", _spec("ir", "R", "R"), {"file_extension": ".r", "name": "R"}, "R"),
    ProgLang("julia", (".jl",), "jl:percent", "#", _spec("julia", "Julia", "julia"), {"file_extension": ".jl", "name": "julia"}, "Julia"),
)  # fmt: skip

LANGUAGES: dict[str, ProgLang] = {language.name: language for language in _TABLE}
"""The languages by name. Others are read and written too, by what their notebook's metadata say."""

BY_SUFFIX: dict[str, ProgLang] = {suffix: language for language in _TABLE for suffix in language.suffixes}

_ALIASES = {"c++": "cpp", "c#": "csharp", "r": "R", "ir": "R", "ts": "typescript", "py": "python", "python3": "python", "ipython": "python"}


def named(name: str) -> str:
    """The language's name in the table, however metadata spell it; unknown names stay as they are."""
    lowered = name.strip().lower()
    return _ALIASES.get(lowered) or (lowered if lowered in LANGUAGES else name.strip())
