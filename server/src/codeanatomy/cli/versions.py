"""What the names of versions mean to `codeanatomy delta`: versions of a history, commits of git, the workspace as it is now.

What is in no history is made for the command in a place that goes with it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import re
import tempfile
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from codeanatomy_engine import CancelToken

from codeanatomy_incremental import environment, workspace
from codeanatomy_incremental.change import Work
from codeanatomy_incremental.history import checkpoint, contents, git, manifest, share
from codeanatomy_incremental.history.delta import Place
from codeanatomy_incremental.history.failure import HistoryError
from codeanatomy_incremental.history.manifest import Manifest, Origin
from codeanatomy_incremental.history.reader import Version
from codeanatomy_incremental.live import Graph

from codeanatomy import __version__, config
from codeanatomy.cli import git_trees, graph, progress
from codeanatomy.cli.workspace_arguments import overrides

_SAMPLE = 16
"""Files that are extracted here once more, to see that what others have extracted is true."""

NOW = "now"
"""The workspace as it is on disk."""


def write_now(root: Path, place: Place, arguments: Namespace) -> Manifest | None:
    """Add the workspace as it is to a history; None if nothing differs from the newest version."""
    settings = config.load(root, overrides(arguments))
    answering = graph.answering(root, arguments)
    tables = contents.tables(answering.snapshot, answering.sources())
    return checkpoint.write(place, tables, _origin(settings, *git.head(os.fspath(root))))


def publish(root: Path, place: Place, arguments: Namespace) -> tuple[bool, int]:
    """Add the workspace as it is to a history for others, with the index that they begin with; whether it is a new version, and the
    bytes of the index."""
    settings = config.load(root, overrides(arguments))
    indexed = graph.indexed(root, arguments)
    tables = contents.tables(indexed.engine.snapshot(), indexed.sources())
    made = checkpoint.write(place, tables, _origin(settings, *git.head(os.fspath(root))))
    with tempfile.TemporaryDirectory(prefix="codeanatomy-") as folder:
        file = Path(folder, "index")
        indexed.share(file)
        return made is not None, share.put_index(share.newest(place), file)


def begin(root: Path, version: Version, arguments: Namespace) -> tuple[str, int]:
    """Let the workspace begin with a published index instead of reading everything: what came of it, and how many files were extracted.
    Raises `HistoryError` if what it holds is not what the version says, or not what the sources say."""
    with tempfile.TemporaryDirectory(prefix="codeanatomy-") as folder:
        file = Path(folder, "index")
        if not share.get_index(version, file):
            return "no index was published with this version", 0
        opened = graph.opened(root, arguments)
        report = opened.begin_with(file, progress.on_terminal(), CancelToken())
        if report is None:
            return "the index is of another engine, program, target or other options", 0
        try:
            found = opened.sources()
            same = share.equal_files(version, found)
            wrong = share.disagreeing(version, contents.tables(opened.engine.snapshot(), found), same)
            some = random.sample(same, min(_SAMPLE, len(same)))
            anew = contents.tables(opened.extracted_anew(some), {path: found[path] for path in some})
            wrong = wrong or share.disagreeing(version, anew, some)
        except HistoryError:
            opened.forget_image()
            raise
        if wrong:
            opened.forget_image()
            raise HistoryError(
                "share-damaged",
                f"the evidence of {len(wrong)} files is not that of their source, such as {wrong[0]}",
                "publish it again",
            )
        return "taken", len(report.files)


def sources(root: Path, arguments: Namespace) -> dict[str, workspace.SourceBytes]:
    """The bytes of the files of a workspace as they are on disk."""
    of = workspace.Workspace(os.fspath(root), config.load(root, overrides(arguments)).options.workspace)
    entries = workspace.list_files(of).entries
    read = ((path, workspace.read(of, entry, 0)[1]) for path, entry in entries.items())
    return {path: workspace.SourceBytes(known.entry.stamp[0], known.digest.hex()) for path, known in read}


def no_version(place: Place, manifests: Sequence[Manifest], name: str) -> HistoryError:
    """What is said where a history has no version of a name."""
    if not manifests:
        return none_yet(place)
    return HistoryError("history-version", f"the history has no version `{name}`", "`codeanatomy delta log` lists them")


def none_yet(place: Place) -> HistoryError:
    """What is said where there is no history."""
    return HistoryError(
        "history-none", f"there is no history at {place.uri}", "`codeanatomy delta checkpoint` writes the first version"
    )


class Versions:
    """Makes versions out of names; what it has made on the way is gone when it closes."""

    def __init__(self, root: Path, place: Place, arguments: Namespace) -> None:
        self._root = root
        self._place = place
        self._arguments = arguments
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Versions:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove what was made."""
        self._stack.close()

    def resolve(self, names: Sequence[str]) -> list[Version]:
        """The versions that names mean: those of the history, and commits of git where it has none of that name."""
        manifests = manifest.load(self._place)
        found = {name: self._in_history(manifests, name) for name in names if name != NOW}
        if None in found.values():
            # `HEAD` beside a name that only git knows is that of git.
            found |= {name: None for name in found if re.match(r"(?i)head", name)}
        commits = [name for name in found if found[name] is None]
        if commits and not git.head(os.fspath(self._root))[0]:
            raise no_version(self._place, manifests, commits[0])
        made = dict(zip(commits, self._of_commits(commits), strict=True))
        return [found.get(name) or made.get(name) or self._now() for name in names]

    def _in_history(self, manifests: Sequence[Manifest], name: str) -> Version | None:
        found = manifest.find(manifests, name)
        if found is None:
            if re.fullmatch(r"v?\d{1,6}", name) and manifests:
                raise no_version(self._place, manifests, name)
            return None
        version = Version(self._place, found, manifests[-1])
        is_commit = re.fullmatch(r"[0-9a-f]{7,40}", name) and not name.isdecimal()
        return version if not is_commit or self._is_exactly(version) else None

    def _is_exactly(self, version: Version) -> bool:
        """Whether a version was made from what was committed and nothing else."""
        tree = git_trees.tree(self._root, version.manifest.origin.commit)
        rows = version.table(contents.SOURCES)
        known = dict(zip(rows["file"].to_pylist(), rows["digest"].to_pylist(), strict=True))
        files = {path: each for path, each in tree.files.items() if path in known}
        if files.keys() != known.keys():
            return False
        found = zip(files, git_trees.contents(self._root, list(files.values())), strict=True)
        return all(workspace.digest(content).hex() == known[path] for path, content in found)

    def _now(self) -> Version:
        place = Place(self._folder())
        made = write_now(self._root, place, self._arguments)
        assert made is not None, "the first version of a history differs from nothing"
        return Version(place, made, made)

    def _of_commits(self, names: Sequence[str]) -> list[Version]:
        """The versions of commits, one made from the other by what differs."""
        if not names:
            return []
        place, folder = Place(self._folder()), Path(self._folder())
        found = environment.discover(
            os.fspath(self._root), config.load(self._root).options.workspace.python, "", os.environ
        )
        made: list[Manifest] = []
        before: git_trees.Tree | None = None
        standing: Graph | None = None
        for name in names:
            tree = git_trees.tree(self._root, name)
            git_trees.put(self._root, folder, before, tree)
            before = tree
            settings = config.load(folder, overrides(self._arguments))
            document, options = settings.program.document, settings.options
            if standing is None or (standing.program, standing.options) != (document, options):
                standing = Graph(folder, options, settings.program, "utf-32", found.interpreter)
                standing.index(progress.on_terminal(), CancelToken())
            else:
                standing.apply(Work(rescan="another commit"), CancelToken())
            tables = contents.tables(standing.engine.snapshot(), standing.sources())
            version = checkpoint.write(place, tables, _origin(settings, tree.commit, ""))
            made.append(version or made[-1])
        return [Version(place, each, made[-1]) for each in made]

    def _folder(self) -> str:
        return self._stack.enter_context(tempfile.TemporaryDirectory(prefix="codeanatomy-"))


def _origin(settings: config.Configuration, commit: str, branch: str) -> Origin:
    program = hashlib.blake2b(settings.program.document, digest_size=8).hexdigest()
    return Origin(commit=commit, branch=branch, tool=__version__, program=program)
