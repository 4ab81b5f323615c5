"""The files of a git commit, in a folder of their own, for a command that a person has typed.

Only objects are read, by `git rev-parse`, `ls-tree` and `cat-file`: no working tree is touched, and neither hooks, filters, pagers,
remotes nor monitors that the configuration of the repository may name are run.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

import msgspec

from codeanatomy_incremental.history.failure import HistoryError
from codeanatomy_incremental.workspace import PROJECT_FILES, SUFFIXES

_WANTED = (*SUFFIXES, ".toml", ".cfg", ".md")
"""Files that a graph is made from: source, configuration, and packs of rules with their books."""

_NAMES = frozenset({*PROJECT_FILES, ".gitignore", ".importlinter", "py.typed"})

_SAFE = (
    *("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "core.pager=cat"),
    *("-c", "protocol.allow=never", "-c", "credential.helper=", "--no-pager", "--no-replace-objects"),
)
_ENVIRON = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}
_PASSED_ON = ("PATH", "HOME", "SYSTEMROOT", "TMPDIR", "TEMP")


class Tree(msgspec.Struct, frozen=True):
    """The files of a commit below the folder of a workspace, by path, with the names of their objects."""

    commit: str
    files: dict[str, str]


def tree(root: Path, name: str) -> Tree:
    """The tree that a name of a commit means: its hash, a branch, a tag, `HEAD~2`. Raises `HistoryError`."""
    if name.startswith("-"):
        raise HistoryError("git-failed", f"`{name}` is no name of a commit")
    commit = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}").decode().strip()
    if not commit:
        raise HistoryError("git-failed", f"there is no commit `{name}` in the repository of {root}", "see `git log`")
    prefix = _git(root, "rev-parse", "--show-prefix").decode("utf-8", "surrogateescape").strip()
    listed = _git(root, "ls-tree", "-r", "-z", "--full-tree", commit, *((prefix,) if prefix else ()))
    return Tree(commit, dict(_wanted(listed, prefix)))


def contents(root: Path, objects: Sequence[str]) -> Iterator[bytes]:
    """The bytes of objects, one after the other."""
    if not objects:
        return
    told = _git(root, "cat-file", "--batch", given="".join(f"{each}\n" for each in objects).encode())
    at = 0
    for each in objects:
        end = told.index(b"\n", at)
        words = told[at:end].split()
        if len(words) != 3 or words[1] != b"blob":
            raise HistoryError("git-failed", f"object {each} is not there", "`git fsck` says more")
        size = int(words[2])
        yield told[end + 1 : end + 1 + size]
        at = end + 2 + size


def put(root: Path, folder: Path, before: Tree | None, after: Tree) -> None:
    """Make a folder that has the files of one tree, or nothing, have those of another."""
    old = before.files if before else {}
    for path in old.keys() - after.files.keys():
        (folder / path).unlink()
    changed = [path for path, each in after.files.items() if old.get(path) != each]
    for path, content in zip(changed, contents(root, [after.files[path] for path in changed]), strict=True):
        at = folder / path
        at.parent.mkdir(parents=True, exist_ok=True)
        at.write_bytes(content)


def _wanted(listed: bytes, prefix: str) -> Iterator[tuple[str, str]]:
    for entry in listed.split(b"\0"):
        head, _, raw = entry.partition(b"\t")
        words = head.decode().split()
        path = raw.decode("utf-8", "surrogateescape").removeprefix(prefix)
        # Links and submodules are no files; what no path of a working tree may be is left alone.
        if len(words) != 3 or words[0] not in ("100644", "100755") or not _is_plain(path):
            continue
        name = path.rpartition("/")[2]
        if name.endswith(_WANTED) or name in _NAMES:
            yield path, words[2]


def _is_plain(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return bool(parts) and not path.startswith("/") and not {"..", ".", ".git"} & set(parts) and "\\" not in path


def _git(root: Path, *words: str, given: bytes = b"") -> bytes:
    environ = {name: os.environ[name] for name in _PASSED_ON if name in os.environ} | _ENVIRON
    try:
        ended = subprocess.run(
            ("git", *_SAFE, "-C", os.fspath(root), *words), input=given, capture_output=True, check=False, env=environ
        )
    except OSError as error:
        raise HistoryError("git-failed", f"git cannot be run: {error.strerror}", "install git") from error
    if ended.returncode and words[0] != "rev-parse":
        raise HistoryError("git-failed", ended.stderr.decode("utf-8", "replace").strip() or f"git {words[0]} failed")
    if ended.returncode == 128:
        raise HistoryError(
            "git-failed", ended.stderr.decode("utf-8", "replace").strip() or f"{root} is in no repository"
        )
    return ended.stdout
