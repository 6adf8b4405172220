"""The files that settings of builds stand in, as the terminal reads them. A server's own reading of them is Jupyter's."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_config_path
from traitlets import TraitError
from traitlets.config.loader import Config, FileConfigLoader, JSONFileConfigLoader, LazyConfigValue, PyFileConfigLoader

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
    _check_names(file, config)
    settings = BuildSettings()
    for name, value in config.get(_OURS, {}).items():
        _check_value(file, settings, name, value)
    return config


def _check_names(file: Path, config: Config) -> None:
    known = BuildSettings.class_trait_names(config=True)
    for section in config:
        if section not in (_OURS, _SERVERS) and (meant := difflib.get_close_matches(section, (_OURS, _SERVERS), 1, 0.8)):
            raise _unknown(file, f"{section}", meant)
    for name in config.get(_OURS, ()):
        if name not in known:
            raise _unknown(file, f"{_OURS}.{name}", [f"{_OURS}.{near}" for near in difflib.get_close_matches(name, known, 1)])
    for name in config.get(_SERVERS, ()):
        if name in known:
            raise _unknown(file, f"{_SERVERS}.{name}", [f"{_OURS}.{name}"])


def _unknown(file: Path, name: str, meant: list[str]) -> RequestError:
    return RequestError(
        f"{file}: there is no setting {name}", f"did you mean {meant[0]}?" if meant else "docs/settings.md lists them", path=str(file)
    )


def _check_value(file: Path, settings: BuildSettings, name: str, value: Any) -> None:
    if isinstance(value, LazyConfigValue):  # `.append(…)` and the like
        value = value.get_value(getattr(settings, name))
    try:
        setattr(settings, name, value)
    except TraitError as error:
        why = f": {error}" if isinstance(error, WrongSetting) else ""
        raise RequestError(f"{file}: {name} cannot be {value!r}{why}", _possible(settings, name), path=str(file)) from None


def _possible(settings: BuildSettings, name: str) -> str:
    """What a setting means, and the numbers or words that it may be, in a line."""
    trait = settings.traits()[name]
    each = getattr(trait, "_value_trait", None) or trait
    low, high, words = (getattr(each, attribute, None) for attribute in ("min", "max", "values"))
    numbers = "" if low is None else f"{low:g} or more" if high in (None, math.inf) else f"from {low:g} to {high:g}"
    limits = numbers or " or ".join(words or ())
    return trait.help.rstrip(".") + (f" ({limits})" if limits else "")
