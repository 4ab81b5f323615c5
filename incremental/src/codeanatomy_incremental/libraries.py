"""The library files of a graph: those that the imports of the workspace lead to, and no others.

The engine says which modules are missing, the search path says which files they are, and the engine reads these, until nothing
is missing any more. What comes in depends on the imports alone, not on the order in which they were written: nearest modules
first, up to the limit of the options. `refresh` takes out what nothing leads to any longer and follows a changed environment.
"""

from __future__ import annotations

import copy
import logging
import os
import sys
from collections.abc import Collection, Container, Mapping, Sequence

import msgspec

from codeanatomy_engine import Engine, held_bytes

from codeanatomy_incremental import environment, library
from codeanatomy_incremental.library import Library, LibraryFile, Missing
from codeanatomy_incremental.options import WorkspaceOptions

logger = logging.getLogger(__name__)


class Kept(msgspec.Struct, frozen=True):
    """What the cache of library facts did since the graph was opened."""

    extracted: int = 0
    found: int = 0
    refused: tuple[tuple[str, str], ...] = ()
    """Files of the cache that were no good or could not be written, with the reason."""


class Held(msgspec.Struct, frozen=True):
    """A library file in the graph, and its size and modification time when it was read."""

    file: LibraryFile
    stamp: tuple[int, int]


class LibraryState(msgspec.Struct, frozen=True):
    """What is remembered of the libraries of a graph: files by URI, and modules that were looked for and are not there."""

    held: dict[str, Held]
    absent: dict[str, str]


class Libraries:
    """What one graph holds of the libraries of its environment."""

    def __init__(
        self, root: str, options: WorkspaceOptions, python: str, environ: Mapping[str, str], memory_mb: int = 0
    ) -> None:
        self._root = root
        self._options = options
        self._memory_mb = memory_mb
        self._environ = environ
        self.python = python
        """The interpreter that the editor has chosen; `refresh` follows a change."""
        self.needed: list[str] = list(library.NEEDED) if options.standard_library else []
        """Modules that are wanted whatever is imported."""
        self._environment: environment.Environment | None = None
        self._library: Library | None = None
        self._held: dict[str, Held] = {}
        self._absent: dict[str, str] = {}
        self._refused: set[tuple[str, str]] = set()
        self._seen: dict[str, LibraryFile] = {}
        """Files that an editor has opened, by URI."""
        self.opened: set[str] = set()
        """URIs of files whose text an editor owns."""
        self._unsure = False
        """Whether modules may lie elsewhere by now than where the graph has them from."""

    @property
    def is_empty(self) -> bool:
        """Whether the options want no libraries at all."""
        return not (self._options.standard_library or self._options.packages)

    def complete(self, engine: Engine, inside: Container[str]) -> bool:
        """Stage every library file that imports want and that is not there; whether there were any.

        `inside` are the paths of the workspace.
        """
        if self.is_empty:
            return False
        news = staged = False
        while missing := msgspec.json.decode(engine.missing_modules(self.needed), type=list[tuple[str, bool]]):
            files: list[LibraryFile] = []
            packages = self._packages
            for module, certain in missing:
                found = self._admitted(module, inside, packages)
                if isinstance(found, LibraryFile):
                    packages += found.partition == "library"
                    files.append(found)
                    self._held[found.uri] = Held(found, _stamp(found.path))
                elif certain or found.exists:
                    self._absent[module] = found.reason
            news = True
            if files:
                engine.update_library(msgspec.json.encode(files), [])
                staged = True
        if news:
            self._describe(engine)
        return staged

    def fetch(self, engine: Engine, modules: Sequence[str], inside: Container[str]) -> bool:
        """Stage the files that some modules are in libraries, before `complete` looks at all; whether there were any."""
        files: list[LibraryFile] = []
        for module in () if self.is_empty else modules:
            found = self._admitted(module, inside, self._packages)
            if isinstance(found, LibraryFile):
                files.append(found)
                self._held[found.uri] = Held(found, _stamp(found.path))
        if files:
            engine.update_library(msgspec.json.encode(files), [])
        return bool(files)

    def state(self) -> LibraryState:
        """What another process needs to go on with this graph. Of files whose text an editor owns the disk has to be read."""
        unread = (-2, -2)
        held = {uri: Held(of.file, unread if uri in self.opened else of.stamp) for uri, of in self._held.items()}
        return LibraryState(held, dict(self._absent))

    def restore(self, state: LibraryState) -> None:
        """Go on with the graph of another process; `refresh` finds what has changed since."""
        self._held, self._absent, self._unsure = dict(state.held), dict(state.absent), True

    @property
    def is_full(self) -> bool:
        """Whether files may have stayed out because there are so many."""
        return self._packages >= self._options.library_files

    def start_over(self, engine: Engine) -> None:
        """Stage the going of all library files; `complete` brings back those that are wanted."""
        engine.update_library(b"[]", sorted(self._held))
        self._held.clear()
        self._absent.clear()
        engine.forget_missing_modules()

    @property
    def _packages(self) -> int:
        return sum(held.file.partition == "library" for held in self._held.values())

    def files(self) -> tuple[LibraryFile, ...]:
        """The library files of the graph, sorted."""
        return tuple(self._held[uri].file for uri in sorted(self._held))

    def uri_at(self, path: str) -> str:
        """The path in the graph of the library file that lies at an absolute path, in the graph or not; empty if none does."""
        found = self._library.at(path) if self._library is not None and not self.is_empty else None
        if found is None:
            return ""
        self._seen[found.uri] = found
        return found.uri

    def path_of(self, uri: str) -> str:
        """Where a file that `uri_at` has named lies on disk."""
        return self._seen[uri].path

    def fork(self) -> Libraries:
        """The same libraries for a graph that begins as this one is and goes its own way."""
        twin = copy.copy(self)
        twin._held, twin._absent = dict(self._held), dict(self._absent)
        twin._refused, twin.opened = set(self._refused), set()
        if self._environment is not None:
            twin._library = Library(self._environment, self._options.standard_library, self._options.packages)
        return twin

    def open(self, engine: Engine, uri: str, text: str, version: int) -> bytes:
        """Let an editor own the text of a file that `uri_at` has named; the syntax diagnostics."""
        self.opened.add(uri)
        return engine.open_library_document(msgspec.json.encode(self._seen[uri]), text, version)

    def closed(self, engine: Engine, uris: Collection[str]) -> None:
        """Stage what the graph keeps of library files that an editor has closed."""
        gone = {uri for uri in uris if uri not in self._held}
        kept = [self._held[uri].file for uri in uris if uri not in gone]
        engine.update_library(msgspec.json.encode(kept), sorted(gone))

    def target(self) -> tuple[str, str]:
        """The version of Python (`3.11`) and the system (as `sys.platform`) for which branches are decided."""
        if self._environment is None:
            self._look()
        assert self._environment is not None
        major, minor = self._environment.version
        return f"{major}.{minor}", self._environment.platform

    def keep(self, engine: Engine) -> Kept:
        """Write what is new into the cache, after the commit that needed it; what the cache did so far."""
        if self.is_empty:
            return Kept()
        kept = msgspec.json.decode(engine.write_library(), type=Kept)
        for name, reason in kept.refused:
            if (name, reason) not in self._refused:
                self._refused.add((name, reason))
                logger.warning("the cache of library facts does without %s: %s", name, reason)
        return kept

    def refresh(self, engine: Engine) -> None:
        """Stage what changed on disk, and the going of what nothing needs; `complete` afterwards."""
        if self.is_empty or self._library is None:
            return
        removed: set[str] = set()
        if self._look() or self._unsure:
            self._unsure = False
            for uri, held in self._held.items():
                if self._library.resolve(held.file.module) != held.file:
                    removed.add(uri)
        changed: list[LibraryFile] = []
        for uri, held in self._held.items():
            stamp = _stamp(held.file.path)
            if uri not in removed and stamp != held.stamp:
                changed.append(held.file)
                self._held[uri] = Held(held.file, stamp)
        removed.update(engine.unneeded_library_files(self.needed))
        for uri in removed:
            self._held.pop(uri, None)
        changed = [file for file in changed if file.uri not in removed]
        if removed or changed:
            engine.update_library(msgspec.json.encode(changed), sorted(removed))
        self._absent.clear()
        engine.forget_missing_modules()
        self._describe(engine)

    def _look(self) -> bool:
        """Discover the environment; whether it is another one than before."""
        found = environment.discover(self._root, self._options.python, self.python, self._environ)
        if self._library is not None and found == self._environment:
            return False
        self._environment = found
        self._library = Library(found, self._options.standard_library, self._options.packages)
        return True

    def _admitted(self, module: str, inside: Container[str], packages: int) -> LibraryFile | Missing:
        """The file of a module if it may come in beside that many files of packages."""
        if self._library is None:
            self._look()
        assert self._library is not None
        found = self._library.resolve(module)
        if isinstance(found, Missing):
            return found
        held = self._held.get(found.uri)
        if held is not None and held.file.module != module:
            return Missing(f"its file is in the graph as `{held.file.module}`", exists=True)
        prefix = self._root.rstrip(os.sep) + os.sep
        if found.path.startswith(prefix) and found.path[len(prefix) :].replace(os.sep, "/") in inside:
            return Missing("its file belongs to the workspace", exists=True)
        if found.partition == "library" and packages >= self._options.library_files:
            said = f"the graph holds {packages} files of packages already (option workspace.library_files)"
            return Missing(said, exists=True)
        if found.partition == "library" and self._memory_mb and held_bytes() > self._memory_mb << 19:
            return Missing("half of what the graph may hold is held already (option run.memory_mb)", exists=True)
        return found

    def _describe(self, engine: Engine) -> None:
        """Tell what was looked up, for queries."""
        places = library.places(self._environment) if self._environment is not None else ()
        modules = [{"module": held.file.module, "path": uri, "reason": ""} for uri, held in self._held.items()]
        modules += [{"module": module, "path": "", "reason": reason} for module, reason in self._absent.items()]
        modules.sort(key=lambda row: row["module"])
        engine.describe_environment(msgspec.json.encode({"search_path": places, "library_modules": modules}))


def cache_folder(environ: Mapping[str, str]) -> str:
    """Where the facts of library files are kept; empty if the system has no place for that."""
    if environ.get("CODEANATOMY_CACHE_DIR"):
        return os.path.abspath(environ["CODEANATOMY_CACHE_DIR"])
    home = environ.get("HOME") or environ.get("USERPROFILE") or ""
    match sys.platform:
        case "win32":
            folder = environ.get("LOCALAPPDATA", "")
        case "darwin":
            folder = os.path.join(home, "Library", "Caches") if home else ""
        case _:
            folder = environ.get("XDG_CACHE_HOME") or (os.path.join(home, ".cache") if home else "")
    return os.path.join(folder, "codeanatomy") if os.path.isabs(folder) else ""


def _stamp(path: str) -> tuple[int, int]:
    try:
        status = os.stat(path)
    except OSError:
        return (-1, -1)
    return (status.st_size, status.st_mtime_ns)
