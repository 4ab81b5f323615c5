"""Which workspaces the user of this machine trusts. What a workspace says of itself counts for nothing.

The folders stand in a file of the user (`trusted.toml`), which `codeanatomy trust` writes. A workspace is trusted if it is one of them or
lies in one, links followed. A file that lies in the workspace that it would vouch for, belongs to somebody else or can be written by others
vouches for nothing.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping

import msgspec

from codeanatomy_incremental import disk, strict_toml
from codeanatomy_incremental.user_folders import config_folder

FILE = "trusted.toml"

_MOST_BYTES = 1 << 20


class _Trusted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stands in the file."""

    folders: tuple[str, ...] = ()


def place(environ: Mapping[str, str]) -> str:
    """The file of the user: in `CODEANATOMY_CONFIG_DIR`, else in `codeanatomy` in the folder that the system has for configuration."""
    return os.path.join(config_folder(environ), FILE)


def folders(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The folders that the user trusts, as written; raises `strict_toml.TomlError` if the file is wrong."""
    file = place(environ)
    content, wrong = disk.read(file, _MOST_BYTES)
    if wrong == "source-vanished":
        return ()
    if content is None:
        raise strict_toml.TomlError(file, None, "", f"cannot be read: {wrong}")
    text = content.decode("utf-8", "replace")
    return strict_toml.fit(strict_toml.parse(text, file), _Trusted, text, file).folders


def trusted(root: str, environ: Mapping[str, str]) -> bool:
    """Whether the user trusts the workspace at `root`; raises `strict_toml.TomlError` if the file is wrong."""
    real, file = os.path.realpath(root), os.path.realpath(place(environ))
    if _holds(real, file) or not _is_ours(file):
        return False
    return any(os.path.isabs(each) and _holds(os.path.realpath(each), real) for each in folders(environ))


def trust(root: str, environ: Mapping[str, str]) -> None:
    """Trust a workspace from now on; raises `OSError` if that cannot be written."""
    held = folders(environ)
    real = os.path.realpath(root)
    if real not in held:
        _write((*held, real), environ)


def distrust(root: str, environ: Mapping[str, str]) -> bool:
    """Trust a workspace no more; false if it was not named. One that lies in a trusted folder is trusted still."""
    held, real = folders(environ), os.path.realpath(root)
    left = tuple(each for each in held if os.path.realpath(each) != real)
    if left != held:
        _write(left, environ)
    return left != held


def _write(held: tuple[str, ...], environ: Mapping[str, str]) -> None:
    file = place(environ)
    os.makedirs(os.path.dirname(file), mode=0o700, exist_ok=True)
    lines = "".join(f"    {msgspec.json.encode(each).decode()},\n" for each in held)
    beside = f"{file}.{os.getpid()}"
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as stream:
        stream.write(f"# Workspaces whose tools `codeanatomy` may run when you ask for it.\nfolders = [\n{lines}]\n")
    os.replace(beside, file)


def _holds(folder: str, path: str) -> bool:
    """Whether a path is a folder or lies in it, both without links."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _is_ours(file: str) -> bool:
    """Whether a file is this user's, and nobody else may write it."""
    try:
        status = os.stat(file)
    except OSError:
        return False
    if not hasattr(os, "getuid"):
        return True
    return status.st_uid == os.getuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
