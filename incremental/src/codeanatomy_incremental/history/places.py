"""Where the history of a workspace is kept."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Mapping

from codeanatomy_incremental.history.delta import Place


def place_of(root: str, environ: Mapping[str, str], uri: str = "", options: tuple[tuple[str, str], ...] = ()) -> Place:
    """The place of the history of a workspace: `uri`, else `CODEANATOMY_HISTORY`, else a folder of this user for the workspace.

    Never what a file of the workspace says: opening a stranger's repository must not write to places that it names.
    """
    named = uri or environ.get("CODEANATOMY_HISTORY", "")
    if named:
        return Place(named if "://" in named else os.path.abspath(named), options)
    real = os.path.realpath(root)
    name = re.sub(r"[^\w.-]", "_", os.path.basename(real)) or "root"
    digest = hashlib.blake2b(os.fsencode(real), digest_size=6).hexdigest()
    return Place(os.path.join(_data_folder(environ), "history", f"{name}-{digest}"))


def _data_folder(environ: Mapping[str, str]) -> str:
    if environ.get("CODEANATOMY_DATA_DIR"):
        return os.path.abspath(environ["CODEANATOMY_DATA_DIR"])
    home = environ.get("HOME") or environ.get("USERPROFILE") or os.path.expanduser("~")
    match sys.platform:
        case "win32":
            folder = environ.get("LOCALAPPDATA") or os.path.join(home, "AppData", "Local")
        case "darwin":
            folder = os.path.join(home, "Library", "Application Support")
        case _:
            folder = environ.get("XDG_DATA_HOME") or os.path.join(home, ".local", "share")
    return os.path.join(folder, "codeanatomy")
