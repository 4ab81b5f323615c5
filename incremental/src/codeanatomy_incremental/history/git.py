"""The commit that a working tree stands on, read from the files of the repository. Nothing is run, nothing outside is followed."""

from __future__ import annotations

import os
import re

from codeanatomy_incremental import disk

_MOST_BYTES = 1 << 24
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def head(root: str) -> tuple[str, str]:
    """The commit and the branch of the repository around a folder; empty where there is none, or none can be told."""
    folder = _repository(root)
    if not folder:
        return "", ""
    text = _text(os.path.join(folder, "HEAD")).strip()
    if not text.startswith("ref:"):
        return (text, "") if _COMMIT.fullmatch(text) else ("", "")
    name = text[4:].strip()
    if not re.fullmatch(r"refs/[\w./@+-]+", name) or ".." in name:
        return "", ""
    branch = name.removeprefix("refs/heads/")
    # A linked working tree keeps its HEAD for itself and shares its branches.
    common = _text(os.path.join(folder, "commondir")).strip()
    for place in (folder, os.path.normpath(os.path.join(folder, common))) if common else (folder,):
        commit = _text(os.path.join(place, *name.split("/"))).strip()
        if _COMMIT.fullmatch(commit):
            return commit, branch
        for line in _text(os.path.join(place, "packed-refs")).splitlines():
            commit, _, packed = line.partition(" ")
            if packed == name and _COMMIT.fullmatch(commit):
                return commit, branch
    return "", branch


def _repository(root: str) -> str:
    """The folder that `.git` is or names, of the folder or of one above it."""
    here = os.path.abspath(root)
    while True:
        at = os.path.join(here, ".git")
        if os.path.isdir(at):
            return at
        if os.path.isfile(at):
            named = _text(at).strip()
            return os.path.join(here, named[7:].strip()) if named.startswith("gitdir:") else ""
        above = os.path.dirname(here)
        if above == here:
            return ""
        here = above


def _text(path: str) -> str:
    content, _ = disk.read(path, _MOST_BYTES)
    return (content or b"").decode("utf-8", "replace")
