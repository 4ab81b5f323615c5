"""The Python files of a workspace: which they are, what modules they are, and what their bytes are.

All reading of source from disk happens here, and comparing the disk with what is known is the truth that every watcher
event is only a hint for. A listing never leaves the root: symbolic links to directories are not followed (what they lead to
inside the root is found by its real path), links to files count only if they end inside. Whatever a file system can hold is
normal input: special files, unreadable ones and files that vanish become sources with an error code, never exceptions.

Not here: the ignore file of the user's home, because the graph of a workspace must not depend on whose machine reads it.
"""

from __future__ import annotations

import errno
import hashlib
import operator
import os
import stat
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pathspec

from codeanatomy_incremental import disk, governance, notebook
from codeanatomy_incremental.options import CONFIG_NAME, WorkspaceOptions

SUFFIXES = (".py", ".pyi", notebook.SUFFIX)
PROJECT_FILES = ("pyproject.toml", "setup.py", "setup.cfg")
SKIPPED_DIRS = frozenset(
    {
        ".git", ".hg", ".svn", ".jj", ".venv", "venv", "node_modules", "__pycache__", "site-packages", ".tox", ".nox",
        ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", ".eggs", "__pypackages__",
    }
)  # fmt: skip
"""Directories that hold no source of the workspace, whatever ignore files say."""

BUILD_DIRS = frozenset({"build", "dist"})
"""Directories that are skipped beside a project file, unless they are packages."""

_TIMES_NOTEBOOK = 8
"""A notebook may be so many times larger than a file of code: most of it is what cells have printed and drawn."""

_SETTLED_NS = 2_000_000_000
"""A file changed less than this before it was read may change again within the same time stamp."""


class Workspace(msgspec.Struct, frozen=True):
    """A root directory and the options that decide what belongs to it."""

    root: str
    """Absolute path, as the user or the editor wrote it."""

    options: WorkspaceOptions


class Entry(msgspec.Struct, frozen=True):
    """A file of the workspace: its name as a module and its stamp on disk."""

    path: str
    """Relative to the root, with `/`."""

    module: str
    package: str
    """Package against which relative imports resolve."""

    is_package: bool
    is_stub: bool
    partition: str
    search_rank: int
    """Place in the order of search: roots first, then package before module and source before stub."""

    stamp: tuple[int, int, int, int]
    """Size, modification and change time in nanoseconds, inode."""

    error: str = ""
    """Code of what forbids reading it, if anything."""


class Source(msgspec.Struct, frozen=True):
    """A file of the workspace with its bytes, or with the code that says why there are none."""

    entry: Entry
    content: bytes | None
    error: str = ""


class Known(msgspec.Struct, frozen=True):
    """What is remembered of a file that was read."""

    entry: Entry
    digest: bytes
    settled: bool
    """Whether the stamp can be trusted to change with the content."""


class SourceBytes(msgspec.Struct, frozen=True):
    """The bytes of a file, by their number and digest."""

    bytes: int
    digest: str
    """As `digest` makes it, in hexadecimal; of a file that cannot be read that of the code that says why."""


class Listing(msgspec.Struct, frozen=True):
    """The files of a workspace at one moment."""

    entries: dict[str, Entry]
    """By path, sorted."""

    roots: tuple[str, ...]
    """Folders from which imports start, in the order of search."""

    refused: tuple[str, ...]
    """Files whose names are not text, made printable; the graph cannot name them."""


_MOST_SETTINGS = 1 << 20
"""A larger ignore or project file is none."""


class Comparison(msgspec.Struct, frozen=True):
    """How a listing differs from what is known."""

    to_read: tuple[Entry, ...]
    removed: tuple[str, ...]


def find_root(start: Path, otherwise: Path) -> Path:
    """The directory of the workspace that holds a file or directory: the nearest with a `codeanatomy.toml`, else the nearest
    with a project file or a repository, else `otherwise` if that holds it, else its own directory."""
    start = Path(os.path.abspath(start))
    here = start if start.is_dir() else start.parent
    for markers in ((CONFIG_NAME,), (*PROJECT_FILES, ".git", ".hg")):
        for folder in (here, *here.parents):
            if any((folder / marker).exists() for marker in markers):
                return folder
    return otherwise if otherwise in (here, *here.parents) else here


def list_files(workspace: Workspace) -> Listing:
    """All Python files and notebooks of a workspace."""
    found: dict[str, tuple[tuple[int, int, int, int], str]] = {}
    refused: list[str] = []
    projects: set[str] = {""}
    packages: set[str] = set()
    layouts: set[str] = set()
    notebooks: set[str] = set()
    real_root = os.path.realpath(workspace.root)
    for folder, files in _walk(workspace):
        names = {entry.name for entry in files}
        if not names.isdisjoint(PROJECT_FILES):
            projects.add(folder)
        if not names.isdisjoint(("__init__.py", "__init__.pyi")):
            packages.add(folder)
        if folder.rpartition("/")[2] == "src":
            layouts.add(folder)
        for entry in files:
            if not entry.name.endswith(SUFFIXES):
                continue
            path = _join(folder, entry.name)
            if not _is_text(path):
                refused.append(path.encode("utf-8", "backslashreplace").decode("utf-8"))
                continue
            stamped = _stamp(workspace, entry.path, entry.is_symlink(), real_root)
            if stamped is not None:
                found[path] = stamped
                if notebook.is_notebook(path):
                    notebooks.add(folder)
    sources = {folder for folder in layouts if folder.rpartition("/")[0] in projects}
    # The kernel of a notebook begins to look for modules where the notebook lies.
    roots = _search_roots(workspace, projects, packages, sources | notebooks)
    prefix = _root_package(workspace)
    entries = {path: _entry(path, roots, prefix, *found[path]) for path in sorted(found)}
    return Listing(entries=entries, roots=roots, refused=tuple(sorted(refused)))


def look(workspace: Workspace, listing: Listing, paths: Iterable[str]) -> Listing | None:
    """The listing after a look at some paths, or None if only a new listing can tell.

    Only a new listing can tell when a directory came or went, or a file that decides what modules other files are.
    """
    entries = dict(listing.entries)
    real_root = os.path.realpath(workspace.root)
    prefix = _root_package(workspace)
    for path in paths:
        name = path.rpartition("/")[2]
        decides = name in PROJECT_FILES or name in (".gitignore", "pyvenv.cfg", CONFIG_NAME)
        appears = (path in entries) != os.path.lexists(_absolute(workspace, path))
        if decides or (appears and (name.startswith("__init__.") or notebook.is_notebook(name))):
            return None
        if not name.endswith(SUFFIXES):
            if os.path.isdir(_absolute(workspace, path)) or any(known.startswith(f"{path}/") for known in entries):
                return None
            continue
        absolute = _absolute(workspace, path)
        belongs = _is_text(path) and _belongs(workspace, path)
        stamped = _stamp(workspace, absolute, os.path.islink(absolute), real_root) if belongs else None
        if stamped is None:
            entries.pop(path, None)
        else:
            entries[path] = _entry(path, listing.roots, prefix, *stamped)
    return Listing(entries=dict(sorted(entries.items())), roots=listing.roots, refused=listing.refused)


def place(workspace: Workspace, listing: Listing, path: str) -> Entry:
    """The entry that a file has or would have, for text that is not on disk."""
    known = listing.entries.get(path)
    return known or _entry(path, listing.roots, _root_package(workspace), (0, 0, 0, 0), "")


def compare(listing: Listing, known: Mapping[str, Known]) -> Comparison:
    """The files whose stamp or module name differs from what is known, and those that are gone."""
    to_read = tuple(
        entry
        for path, entry in listing.entries.items()
        if (before := known.get(path)) is None or not before.settled or before.entry != entry
    )
    return Comparison(to_read=to_read, removed=tuple(sorted(known.keys() - listing.entries.keys())))


def read(workspace: Workspace, entry: Entry, now_ns: int) -> tuple[Source, Known]:
    """The bytes of a file and what to remember of them. `now_ns` is the time of reading."""
    content, error = (None, entry.error) if entry.error else _source(workspace, entry.path)
    known = digest(content or error.encode())
    settled = not error and now_ns - max(entry.stamp[1], entry.stamp[2]) > _SETTLED_NS
    return (
        Source(entry=entry, content=content, error=error),
        Known(entry=entry, digest=known, settled=settled),
    )


def source_at(workspace: Workspace, path: str, absolute: str) -> bytes | None:
    """The bytes of a file on disk as source, wherever it lies; None if there are none."""
    limit = workspace.options.max_file_bytes
    return notebook.source_of(path, *disk.read(absolute, _limit(workspace, path)), limit)[0]


def _source(workspace: Workspace, path: str) -> tuple[bytes | None, str]:
    content, error = disk.read(_absolute(workspace, path), _limit(workspace, path))
    return notebook.source_of(path, content, error, workspace.options.max_file_bytes)


def _limit(workspace: Workspace, path: str) -> int:
    """How many bytes a file may have on disk."""
    return workspace.options.max_file_bytes * (_TIMES_NOTEBOOK if notebook.is_notebook(path) else 1)


def digest(content: bytes) -> bytes:
    """What tells the contents of files apart."""
    return hashlib.blake2b(content, digest_size=16).digest()


def differs(before: Known | None, after: Known) -> bool:
    """Whether a file that was read again means a change for the graph; a touched file does not."""
    if before is None or before.digest != after.digest:
        return True
    stamp = (0, 0, 0, 0)
    return msgspec.structs.replace(before.entry, stamp=stamp) != msgspec.structs.replace(after.entry, stamp=stamp)


def is_of_interest(name: str) -> bool:
    """Whether an event about a file or directory of this name may matter; directories are told by having no suffix."""
    return (
        name.endswith(SUFFIXES)
        or "." not in name
        or name in PROJECT_FILES
        or name in (".gitignore", "pyvenv.cfg", CONFIG_NAME, governance.FILE)
    )


def _walk(workspace: Workspace) -> Iterator[tuple[str, list[os.DirEntry[str]]]]:
    """Every directory that belongs to the workspace with its files, each real directory once."""
    visited: set[tuple[int, int]] = set()
    stack: list[tuple[str, _Rules]] = [("", _Rules.of_root(workspace))]
    while stack:
        folder, rules = stack.pop()
        absolute = _absolute(workspace, folder)
        try:
            status = os.stat(absolute)
            with os.scandir(absolute) as listing:
                entries = sorted(listing, key=_name)
        except OSError:
            # A directory that cannot be listed holds nothing that could be shown; its files have no known names.
            continue
        if (status.st_dev, status.st_ino) in visited:
            continue
        visited.add((status.st_dev, status.st_ino))
        names = {entry.name for entry in entries}
        if folder and not names.isdisjoint(("pyvenv.cfg", "CACHEDIR.TAG")):
            continue
        rules = rules.below(workspace, folder) if ".gitignore" in names else rules
        is_project = not names.isdisjoint(PROJECT_FILES)
        files: list[os.DirEntry[str]] = []
        for entry in entries:
            path = _join(folder, entry.name)
            if entry.is_dir(follow_symlinks=False):
                if not (_is_skipped_dir(workspace, path, is_project) or rules.ignores(f"{path}/")):
                    stack.append((path, rules))
            elif entry.name in PROJECT_FILES or (entry.name.endswith(SUFFIXES) and not rules.ignores(path)):
                files.append(entry)
        yield folder, files


_name = operator.attrgetter("name")


def _belongs(workspace: Workspace, path: str) -> bool:
    """Whether a listing would reach a path; used for single files, where walking everything would be waste."""
    rules = _Rules.of_root(workspace)
    folder = ""
    parts = path.split("/")
    for part in parts[:-1]:
        here = _absolute(workspace, folder)
        is_project = any(os.path.lexists(os.path.join(here, name)) for name in PROJECT_FILES)
        rules = rules.below(workspace, folder)
        folder = _join(folder, part)
        absolute = _absolute(workspace, folder)
        if (
            os.path.islink(absolute)
            or _is_skipped_dir(workspace, folder, is_project)
            or any(os.path.lexists(os.path.join(absolute, mark)) for mark in ("pyvenv.cfg", "CACHEDIR.TAG"))
            or rules.ignores(f"{folder}/")
        ):
            return False
    return not rules.below(workspace, folder).ignores(path)


def _is_skipped_dir(workspace: Workspace, path: str, is_project: bool) -> bool:
    name = path.rpartition("/")[2]
    if name in SKIPPED_DIRS:
        return True
    return name in BUILD_DIRS and is_project and not os.path.lexists(_absolute(workspace, f"{path}/__init__.py"))


class _Rules(msgspec.Struct, frozen=True):
    """The ignore rules that hold in a directory: the patterns of the options, then ignore files from the outermost in."""

    always: pathspec.GitIgnoreSpec
    layers: tuple[tuple[str, pathspec.GitIgnoreSpec], ...]
    """Directory of each ignore file, relative to the root and ending in `/` unless empty, and its patterns. For a file above
    the root it is `^` and what has to be put before a path to make it relative to that file."""

    @classmethod
    def of_root(cls, workspace: Workspace) -> _Rules:
        always = _patterns(workspace.options.exclude)
        layers: list[tuple[str, pathspec.GitIgnoreSpec]] = []
        if workspace.options.respect_gitignore:
            root = Path(os.path.realpath(workspace.root))
            repository = next((each for each in (root, *root.parents) if (each / ".git").exists()), root)
            outside = [each for each in reversed(root.parents) if each == repository or repository in each.parents]
            files = [(repository, repository / ".git" / "info" / "exclude")]
            files += [(folder, folder / ".gitignore") for folder in outside]
            for folder, file in files:
                spec = _ignore_file(file)
                below = "" if folder == root else f"{root.relative_to(folder).as_posix()}/"
                # Whoever opens an ignored directory as a workspace wants to see it.
                if spec is not None and not (below and spec.check_file(below).include):
                    layers.append((f"^{below}", spec))
        return cls(always=always, layers=tuple(layers))

    def below(self, workspace: Workspace, folder: str) -> _Rules:
        """The rules inside a directory, its own ignore file included if there is one."""
        if not workspace.options.respect_gitignore:
            return self
        spec = _ignore_file(Path(_absolute(workspace, folder)) / ".gitignore")
        if spec is None:
            return self
        return _Rules(always=self.always, layers=(*self.layers, (f"{folder}/" if folder else "", spec)))

    def ignores(self, path: str) -> bool:
        """Whether a path is left out; directories end in `/`. The innermost ignore file that speaks of it decides."""
        if self.always.patterns and self.always.check_file(path).include:
            return True
        for prefix, spec in reversed(self.layers):
            seen = prefix[1:] + path if prefix.startswith("^") else path[len(prefix) :]
            verdict = spec.check_file(seen).include
            if verdict is not None:
                return verdict
        return False


def _ignore_file(file: Path) -> pathspec.GitIgnoreSpec | None:
    content, _ = disk.read(os.fspath(file), _MOST_SETTINGS)
    return None if content is None else _patterns(content.decode("utf-8", "surrogateescape").splitlines())


def _patterns(lines: Sequence[str]) -> pathspec.GitIgnoreSpec:
    """The patterns of an ignore file; like git, a line that is no pattern is passed over."""
    valid: list[str] = []
    for line in lines:
        try:
            pathspec.GitIgnoreSpec.from_lines([line])
        except ValueError:
            continue
        valid.append(line)
    return pathspec.GitIgnoreSpec.from_lines(valid)


def _stamp(
    workspace: Workspace, absolute: str, is_link: bool, real_root: str
) -> tuple[tuple[int, int, int, int], str] | None:
    """The stamp of a file and the code of what forbids reading it; None if there is no such file in the workspace."""
    try:
        status = os.stat(absolute)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return None
        return (0, 0, 0, 0), "source-unreadable"
    if stat.S_ISDIR(status.st_mode):
        return None
    if is_link and not _is_inside(os.path.realpath(absolute), real_root):
        return None
    stamp = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
    if not stat.S_ISREG(status.st_mode):
        return stamp, "source-unreadable"
    return stamp, "source-too-large" if status.st_size > _limit(workspace, absolute) else ""


def _search_roots(workspace: Workspace, projects: set[str], packages: set[str], sources: set[str]) -> tuple[str, ...]:
    if workspace.options.source_roots:
        given = tuple(dict.fromkeys(_normal(root) for root in workspace.options.source_roots))
        return given if "" in given else (*given, "")
    roots = {project for project in projects if project not in packages}
    for project in projects:
        roots.update(_declared_roots(workspace, project))
    roots.update(folder for folder in sources if folder not in packages)
    return ("", *sorted(roots - {""}))


def _declared_roots(workspace: Workspace, project: str) -> Iterator[str]:
    """Source folders that a project file names for its build tool or for pytest."""
    place = _absolute(workspace, _join(project, "pyproject.toml"))
    content, _ = disk.read(place, _MOST_SETTINGS)
    try:
        tables = tomllib.loads((content or b"").decode("utf-8"))
    except ValueError:
        # No project file, or a broken one: the project then has the layout that its folders show.
        return
    folders: list[Any] = [_at(tables, "tool", "maturin", "python-source")]
    folders.append(_at(tables, "tool", "setuptools", "package-dir", ""))
    for key in (("setuptools", "packages", "find", "where"), ("pytest", "ini_options", "pythonpath")):
        where = _at(tables, "tool", *key)
        folders.extend(where if isinstance(where, list) else [where])
    for folder in folders:
        if isinstance(folder, str):
            path = os.path.normpath(os.path.join(project or ".", folder)).replace(os.sep, "/")
            if not path.startswith("..") and not os.path.isabs(path) and os.path.isdir(_absolute(workspace, path)):
                yield _normal(path)


def _at(tables: Any, *keys: str) -> Any:
    for key in keys:
        tables = tables.get(key) if isinstance(tables, dict) else None
    return tables


def _root_package(workspace: Workspace) -> tuple[str, ...]:
    """The package that the root directory itself is, such as `django` for a workspace that is an installed package."""
    names: list[str] = []
    folder = Path(os.path.realpath(workspace.root))
    while any((folder / name).is_file() for name in ("__init__.py", "__init__.pyi")) and folder.parent != folder:
        names.append(folder.name)
        folder = folder.parent
    return tuple(reversed(names))


def _entry(
    path: str, roots: Sequence[str], prefix: Sequence[str], stamp: tuple[int, int, int, int], error: str
) -> Entry:
    root = max((each for each in roots if not each or path.startswith(f"{each}/")), key=len, default="")
    inside = path[len(root) + 1 :] if root else path
    stem, _, suffix = inside.rpartition(".")
    # No import can say such a name.
    parts = [*(() if root else prefix), *(f"{stem}[{suffix}]" if notebook.is_notebook(path) else stem).split("/")]
    if parts[0].endswith("-stubs"):
        parts[0] = parts[0].removesuffix("-stubs")
    is_package = parts[-1] == "__init__"
    if is_package:
        parts.pop()
    package = parts if is_package else parts[:-1]
    is_stub = suffix == "pyi"
    return Entry(
        path=path,
        module=".".join(parts),
        package=".".join(package),
        is_package=is_package,
        is_stub=is_stub,
        partition="user",
        search_rank=4 * list(roots).index(root) + 2 * (not is_package) + is_stub,
        stamp=stamp,
        error=error,
    )


def _is_inside(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip(os.sep) + os.sep)


def _is_text(path: str) -> bool:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _normal(folder: str) -> str:
    return "" if folder in (".", "./", "") else folder.strip("/").removeprefix("./")


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _absolute(workspace: Workspace, path: str) -> str:
    return os.path.join(workspace.root, path) if path else workspace.root
