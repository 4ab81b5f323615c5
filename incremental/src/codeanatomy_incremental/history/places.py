"""Where the history of a workspace is kept."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping

from codeanatomy_incremental.history.delta import Place
from codeanatomy_incremental.user_folders import data_folder


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
    return Place(os.path.join(data_folder(environ), "history", f"{name}-{digest}"))
