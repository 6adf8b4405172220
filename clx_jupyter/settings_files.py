"""The files that settings of builds stand in, as the terminal reads them, and what is wrong with settings, wherever they come from.

A server's own reading of the files is Jupyter's.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_config_path
from traitlets import TraitError
from traitlets.config.loader import Config, FileConfigLoader, JSONFileConfigLoader, PyFileConfigLoader

from clx_jupyter.errors import RequestError
from clx_jupyter.settings import BuildSettings, WrongSetting

CONFIG_FILE = "jupyter_clx_jupyter_config"
"""Name, without ending, of the files on Jupyter's configuration path that servers and ``clx`` read."""

_OURS, _SERVERS = BuildSettings.__name__, "ClxApp"


def read_settings() -> BuildSettings:
    """The settings of the configuration files, as a terminal uses them. Raises :class:`RequestError` for a file that is wrong."""
    config = Config()
    for file in _files():
        config.merge(_read(file))
    return BuildSettings(config=config)


def _files() -> Iterator[Path]:
    """The configuration files there are; a later one goes before an earlier one."""
    for folder in reversed(jupyter_config_path()):
        for ending in (".py", ".json"):
            if (file := Path(folder, CONFIG_FILE + ending)).is_file():
                yield file


def _read(file: Path) -> Config:
    load: type[FileConfigLoader] = JSONFileConfigLoader if file.suffix == ".json" else PyFileConfigLoader
    try:
        config = load(file.name, str(file.parent)).load_config()
    except Exception as error:  # the file is a program: whatever it raises, the file is wrong
        raise RequestError(
            f"{file} cannot be read: {type(error).__name__}: {error}", "correct it or move it away", path=str(file)
        ) from error
    check_settings(config, str(file), path=str(file))
    return config


def check_settings(config: Config, where: str, path: str | None = None) -> None:
    """Raise :class:`RequestError` for a name that is no setting of ours and a value that one cannot have; *where*, in words, they stand."""
    _check_names(where, path, config)
    for name, value in config.get(_OURS, {}).items():
        try:
            BuildSettings(config=Config({_OURS: {name: value}}))
        except TraitError as error:
            why = f": {error}" if isinstance(error, WrongSetting) else ""
            raise RequestError(f"{where}: {name} cannot be {_shown(value)}{why}", _possible(name), path=path) from None


def _shown(value: Any) -> str:
    return repr(str(value)) if isinstance(value, str) else repr(value)  # one of a command line says its type, too


def _check_names(where: str, path: str | None, config: Config) -> None:
    known = BuildSettings.class_trait_names(config=True)
    for section in config:
        if section not in (_OURS, _SERVERS) and (meant := difflib.get_close_matches(section, (_OURS, _SERVERS), 1, 0.8)):
            raise _unknown(where, path, f"{section}", meant)
    for name in config.get(_OURS, ()):
        if name not in known:
            raise _unknown(where, path, f"{_OURS}.{name}", [f"{_OURS}.{near}" for near in difflib.get_close_matches(name, known, 1)])
    for name in config.get(_SERVERS, ()):
        if name in known:
            raise _unknown(where, path, f"{_SERVERS}.{name}", [f"{_OURS}.{name}"])


def _unknown(where: str, path: str | None, name: str, meant: list[str]) -> RequestError:
    hint = f"did you mean {meant[0]}?" if meant else "docs/settings.md lists them"
    return RequestError(f"{where}: there is no setting {name}", hint, path=path)


def _possible(name: str) -> str:
    """What a setting means, and the numbers or words that it may be, in a line."""
    trait = BuildSettings.class_traits()[name]
    each = getattr(trait, "_value_trait", None) or trait
    low, high, words = (getattr(each, attribute, None) for attribute in ("min", "max", "values"))
    numbers = "" if low is None else f"{low:g} or more" if high in (None, math.inf) else f"from {low:g} to {high:g}"
    limits = numbers or " or ".join(words or ())
    return trait.help.rstrip(".") + (f" ({limits})" if limits else "")
