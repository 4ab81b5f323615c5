"""Where the files of this user lie: what the user has decided, and what is kept for longer than a cache."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import NamedTuple


class _Folder(NamedTuple):
    """The names of one folder: variables that say it, and where it lies below the home folder without them."""

    own: str
    windows: tuple[str, str]
    others: tuple[str, str]


_CONFIG = _Folder("CODEANATOMY_CONFIG_DIR", ("APPDATA", "Roaming"), ("XDG_CONFIG_HOME", ".config"))
_DATA = _Folder("CODEANATOMY_DATA_DIR", ("LOCALAPPDATA", "Local"), ("XDG_DATA_HOME", os.path.join(".local", "share")))


def config_folder(environ: Mapping[str, str]) -> str:
    """The folder of this user for decisions: `CODEANATOMY_CONFIG_DIR`, else `codeanatomy` where the system has configuration."""
    return _of(_CONFIG, environ)


def data_folder(environ: Mapping[str, str]) -> str:
    """The folder of this user for what is kept: `CODEANATOMY_DATA_DIR`, else `codeanatomy` where the system has data."""
    return _of(_DATA, environ)


def _of(names: _Folder, environ: Mapping[str, str]) -> str:
    if environ.get(names.own):
        return os.path.abspath(environ[names.own])
    home = environ.get("HOME") or environ.get("USERPROFILE") or os.path.expanduser("~")
    match sys.platform:
        case "win32":
            variable, below = names.windows
            folder = environ.get(variable) or os.path.join(home, "AppData", below)
        case "darwin":
            folder = os.path.join(home, "Library", "Application Support")
        case _:
            variable, below = names.others
            folder = environ.get(variable) or os.path.join(home, below)
    return os.path.join(folder, "codeanatomy")
