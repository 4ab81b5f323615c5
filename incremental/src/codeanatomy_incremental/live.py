"""The living graph of a workspace: one writer, one queue, and snapshots that never change.

`Graph` does the work in one thread: it compares with the disk, stages files, commits. `LiveGraph` is the shell around it that
owns every thread, lock, queue and clock of the product: editors and watchers submit changes from any thread, the newest text
wins, and a question waits for the snapshot that holds every edit submitted before it. A failure of the writer becomes a
status with a code, and the writer lives on.
"""

from __future__ import annotations

import copy
import datetime
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

import msgspec

from codeanatomy_engine import CancelToken, Compiling, Engine, EngineError, Image, Snapshot, SourceFile

from codeanatomy_incremental import disk, governance, strict_toml, watch, workspace
from codeanatomy_incremental.change import Change, Closed, Edited, Opened, Rescan, Saved, Work, coalesce
from codeanatomy_incremental.evidence import scip
from codeanatomy_incremental.image import ImageFile, Kept, conditions_of, image_of
from codeanatomy_incremental.libraries import Libraries, cache_folder
from codeanatomy_incremental.library import is_library
from codeanatomy_incremental.options import Options
from codeanatomy_incremental.packs.load import Program
from codeanatomy_incremental.witnesses import Process, Processes, Question, ask_all

logger = logging.getLogger(__name__)

_HEARD_BYTES = 4 << 20
"""So much of what witnesses say is taken in at once."""

_IDLE_S = 60.0
"""A witness that nobody has asked for so long is ended."""

_NOT_YET_S = 0.02
"""How long to wait for a text to be in the graph."""

_SCIP = "scip"
"""The witness that reads an index."""

_MOST_INDEX = 1 << 30
"""A larger index is left out."""

_TOO_LARGE = "memory-budget"
"""A change that failed with this code fails again unless something changes."""

_SYNTAX = "cpython"
"""The witness that judges syntax."""


_IMAGE_LATEST_S = 15.0
"""An image that is due waits so long for a rest, in seconds: who types on and on keeps what was indexed too."""

_AGAIN_S = 0.5
"""So soon what did not get into the graph is tried again, then after twice that time, and so on."""
_LATEST_S = 60.0


_WRITER_FAILED = "writer-failed"
_SILENT = ("witness-timeout", "witness-crashed")
"""What is over as soon as a witness answers about the file."""


class _Error(msgspec.Struct, frozen=True):
    code: str
    message: str


class _Said(msgspec.Struct, frozen=True):
    """Who says something about which file, or why nothing."""

    path: str = ""
    witness: str = ""
    error: _Error | None = None


class ViewRun(msgspec.Struct, frozen=True):
    """One view that ran in a commit."""

    view: str
    keys: int = 0
    inserted: int = 0
    deleted: int = 0
    micros: int = 0
    mode: str = ""
    reason: str = ""
    """Why it ran in this mode, if that is not the usual one."""


class Report(msgspec.Struct, frozen=True):
    """What a commit did."""

    generation: int
    mode: str = ""
    files: tuple[str, ...] = ()
    """Files whose evidence was extracted."""

    extract_micros: int = 0
    """Parsing and extracting evidence."""

    micros: int = 0
    """Bringing the views up to date."""

    total_micros: int = 0
    evidence: tuple[tuple[str, int, int], ...] = ()
    """Table, rows that came, rows that went."""

    views: tuple[ViewRun, ...] = ()
    documents: dict[str, int] = {}
    """Version of each open document in the snapshot."""


class Progress(msgspec.Struct, frozen=True):
    """How far the first index is."""

    stage: Literal["list", "read", "libraries", "graph", "done"]
    files_done: int = 0
    files_total: int = 0
    bytes_done: int = 0
    seconds: float = 0.0
    """Since the index began."""

    @property
    def rate(self) -> float:
        """Files that were read in a second; 0 if nobody can tell yet."""
        return self.files_done / self.seconds if self.seconds else 0.0

    @property
    def seconds_left(self) -> float:
        """How long reading the rest will take at this rate; 0 if nobody can tell yet."""
        return (self.files_total - self.files_done) / self.rate if self.rate else 0.0


class Status(msgspec.Struct, frozen=True):
    """How the living graph is doing."""

    state: Literal["waiting", "indexing", "live", "failed", "stopped"]
    code: str = ""
    message: str = ""
    watching: str = ""
    """Why the file system is not watched, if it should be and is not."""

    image: str = ""
    """Why there is no image of the graph on disk, if there should be one."""


class LiveError(Exception):
    """A question that the living graph cannot answer now."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


def _tell_nobody(_report: Report) -> None:
    """For whoever waits for the whole."""


def _show_nobody(_progress: Progress) -> None:
    """For whoever does not watch."""


class Graph:
    """The graph of a workspace, driven by one thread; documents may be touched from any."""

    def __init__(
        self,
        root: Path,
        options: Options,
        program: Program,
        encoding: str = "utf-16",
        python: str = "",
        ahead: Compiling | None = None,
        image: bool = False,
    ) -> None:
        """`python` is the interpreter that the editor has chosen, if any. What is compiled `ahead` is used if it is the program. With
        `image` the graph begins with its image on disk if that is of use."""
        self.root = root
        self.options = options
        self.program = program.document
        self.libraries = Libraries(os.fspath(root), options.workspace, python, os.environ, options.run.memory_mb)
        self.workspace = workspace.Workspace(root=os.fspath(root), options=options.workspace)
        version, platform = self.libraries.target()
        self.image: ImageFile | None = None
        self._opened: Image | None = None
        if image and options.incremental.image:
            self.image = image_of(os.fspath(root), options.workspace, (version, platform), os.environ)
            self._opened = self.image.open(program.document) if self.image is not None else None
        limit = options.workspace.max_file_bytes
        self.engine = Engine.begin(program.document, root.as_uri(), limit, version, platform, ahead)
        self.engine.set_encoding(encoding)
        self.engine.set_policy(msgspec.json.encode(options.run))
        if options.workspace.library_cache:
            self.engine.keep_library_in(cache_folder(os.environ))
        self._known: dict[str, workspace.Known] = {}
        self._open: set[str] = set()
        self._listing: workspace.Listing | None = None
        self._listing_lock = threading.Lock()
        self._modules: tuple[workspace.Listing | None, dict[str, list[workspace.Entry]]] = (None, {})
        self._near: set[str] = set()
        self._index: tuple[tuple[int, int], dict[str, bytes]] = ((0, 0), {})
        """The SCIP index of the workspace by file, and which one it is."""
        self.signals: tuple[governance.Placed, ...] = ()
        """Decisions about the workspace."""

    def index(
        self,
        on_progress: Callable[[Progress], None],
        cancel: CancelToken,
        on_near: Callable[[Report], None] = _tell_nobody,
        clock: Callable[[], float] = time.monotonic,
    ) -> Report:
        """Bring the whole workspace into the graph; raises `LiveError` if it is cancelled.

        Documents that are open come first, with what they import: each time such a part is in the graph, `on_near` gets the
        report of it.
        """
        report = self._from_image(on_progress, cancel, on_near)
        if report is not None:
            return report
        began = clock()
        on_progress(Progress(stage="list"))
        entries = tuple(self._listed().entries.values())
        done = size = 0
        was_near = False
        for batch in self._batches(entries):
            if cancel.cancelled:
                raise LiveError("cancelled", "the index was cancelled")
            was_near |= self._bring_near(on_near, cancel)
            size += self._stage([entry for entry in batch if entry.path not in self._near])
            done += len(batch)
            on_progress(Progress("read", done, len(entries), size, clock() - began))
        on_progress(Progress("libraries", done, len(entries), size, clock() - began))
        self._complete()
        if was_near and self.libraries.is_full:
            # What was nearest to open files need not be nearest to the workspace.
            self.libraries.start_over(self.engine)
            self._complete()
        self._near.clear()
        self._read_signals()
        on_progress(Progress("graph", done, len(entries), size, clock() - began))
        report = self.commit(cancel)
        on_progress(Progress("done", done, len(entries), size, clock() - began))
        self.libraries.keep(self.engine)
        return report

    def apply(
        self,
        work: Work,
        cancel: CancelToken,
        on_near: Callable[[Report], None] = _tell_nobody,
        on_progress: Callable[[Progress], None] = _show_nobody,
        clock: Callable[[], float] = time.monotonic,
    ) -> Report:
        """Bring the changes that a batch of work names into the next snapshot.

        While many files are read, what is typed meanwhile goes into snapshots of its own: `on_near` gets the report of each.
        There is progress if there are more files than one batch.
        """
        began, last = clock(), Progress("list")

        def show(progress: Progress) -> None:
            nonlocal last
            last = msgspec.structs.replace(progress, seconds=clock() - began)
            on_progress(last)

        closed = [path for path in work.closed if is_library(path)]
        if closed:
            self.libraries.closed(self.engine, closed)
            inside = [[path for path in paths if not is_library(path)] for paths in (work.disk, work.closed)]
            work = msgspec.structs.replace(work, disk=tuple(inside[0]), closed=tuple(inside[1]))
        for path in (*work.documents, *work.closed):
            self._known.pop(path, None)
        if work.disk or work.closed or work.rescan:
            self._compare(work, partial(self._bring_near, on_near, cancel), show)
        if work.rescan:
            self.libraries.refresh(self.engine)
        if work.rescan or work.disk:
            self._read_signals()
        self._complete()
        if last.files_total:
            show(msgspec.structs.replace(last, stage="graph"))
        try:
            report = self.commit(cancel)
        finally:
            if last.files_total:
                show(msgspec.structs.replace(last, stage="done"))
        # What an editor holds is known only now: its imports may want more.
        if self._complete():
            report = _together(report, self.commit(cancel))
        self.libraries.keep(self.engine)
        return report

    def commit(self, cancel: CancelToken) -> Report:
        """Make the next snapshot of everything staged and every edited document."""
        report = _report(self.engine.commit(cancel))
        if self.image is not None:
            self.image.changed(report.files)
        return report

    @property
    def wants_image(self) -> bool:
        """Whether an image of what is in the graph now should be written."""
        # What is written while a rule is put aside would be taken for the whole truth by the next start.
        return self.image is not None and self.image.is_due(len(self._known)) and not self.engine.aside()

    def write_image(self) -> Callable[[], None]:
        """What writes an image of what is in the graph now, in whatever thread and however much later."""
        image, engine, capture = self.image, self.engine, self.engine.capture()
        assert image is not None
        known = {path: known for path, known in self._known.items() if path not in self._open}
        kept = msgspec.msgpack.encode(Kept(known, self.libraries.state()))
        image.begin()
        return lambda: image.write(engine, capture, kept)

    def _from_image(
        self, on_progress: Callable[[Progress], None], cancel: CancelToken, on_near: Callable[[Report], None]
    ) -> Report | None:
        """Begin with the image and bring in what changed since it was written; None if there is none that is of use."""
        opened, self._opened = self._opened, None
        if opened is None or self.image is None:
            return None
        on_progress(Progress(stage="list"))
        try:
            kept = self._restored(opened)
        except EngineError as error:
            if error.code != "image-refused":
                raise
            self.image.refuse(error)
            return None
        self.image.opened()
        return self._after(kept, on_progress, cancel, on_near)

    def share(self, place: Path) -> int:
        """Write what is in the graph for other machines; the bytes of the file. Raises `EngineError`."""
        kept = msgspec.msgpack.encode(Kept(dict(self._known), self.libraries.state()))
        return self.engine.write_image(self.engine.capture(), place, self._conditions(), kept)

    def begin_with(self, place: Path, on_progress: Callable[[Progress], None], cancel: CancelToken) -> Report | None:
        """Index with what another machine has written: only files whose bytes are others are extracted. None if it is of another engine,
        program, target or other options; raises `EngineError` for what is damaged."""
        opened = Image.open(place, self.program, self._conditions())
        if opened is None:
            return None
        report = self._after(self._restored(opened), on_progress, cancel, _tell_nobody)
        if self.image is not None:
            self.write_image()()
        return report

    def forget_image(self) -> None:
        """Remove the image that lies on disk: what it holds is not to be trusted."""
        if self.image is not None:
            self.image.place.unlink(missing_ok=True)

    def extracted_anew(self, paths: Sequence[str]) -> Snapshot:
        """A snapshot of these files alone, read and extracted by an engine that knows nothing else."""
        version, platform = self.libraries.target()
        engine = Engine(self.program, self.root.as_uri(), self.options.workspace.max_file_bytes, version, platform)
        read = (workspace.read(self.workspace, self.entry(path), time.time_ns())[0] for path in paths)
        engine.update([source_file(each.entry, each.content, each.error) for each in read], [])
        engine.commit(CancelToken())
        return engine.snapshot()

    def _conditions(self) -> str:
        """What has to be the same on two machines for one to begin with what the other has written."""
        return conditions_of([self.options.workspace, self.libraries.target()])

    def _restored(self, opened: Image) -> Kept:
        opened.verify()
        return msgspec.msgpack.decode(self.engine.restore(opened), type=Kept)

    def _after(
        self,
        kept: Kept,
        on_progress: Callable[[Progress], None],
        cancel: CancelToken,
        on_near: Callable[[Report], None],
    ) -> Report:
        """Bring in what changed since an image was written that the graph has begun with."""
        self._known = {path: known for path, known in kept.known.items() if path not in self._open}
        self.libraries.restore(kept.libraries)
        report = self.apply(Work(rescan="the image is of an earlier time"), cancel, on_near, on_progress)
        # What an editor held when the image was written, and what is not on disk.
        held = set(self.engine.snapshot().paths()) - self._known.keys() - self._open
        if held:
            self.engine.update([], sorted(held))
            report = _together(report, self.commit(cancel))
        on_progress(Progress("done", len(self._known), len(self._known)))
        return report

    def fork(self) -> Graph:
        """A second graph that begins with the newest snapshot of this one and goes its own way from there; what neither changes is
        shared. No document is open in it: `apply` work that names those that are open here as closed."""
        twin = copy.copy(self)
        twin.engine = self.engine.fork()
        twin.libraries = self.libraries.fork()
        twin._known = dict(self._known)
        twin._open = set()
        twin._listing_lock = threading.Lock()
        twin._near = set()
        twin.image, twin._opened = None, None
        return twin

    def follow(self, program: Program, cancel: CancelToken, image: bool = False) -> tuple[str, ...]:
        """Go on under another program: what both say alike stays as it is, and only views whose rules, or what they read, are others run;
        their names. For a fork whose `engine` nobody else uses; with `image` it gets an image of its own. Raises `EngineError` for a
        program that does not compile, and then is as it was."""
        self.engine, told = self.engine.with_program(program.document, cancel)
        self.program = program.document
        if image:
            self.image = image_of(os.fspath(self.root), self.options.workspace, self.libraries.target(), os.environ)
        return tuple(each["view"] for each in msgspec.json.decode(told)["views"])

    def question(self, path: str, witness: str, snapshot: Snapshot, is_brief: bool) -> Question | None:
        """What a witness is asked about the text of a file; None while the newest text is not in a snapshot, or is too large."""
        held = self.engine.stamped(path)
        if held is not None:
            content, stamp = held[0].encode("utf-8", "surrogatepass"), held[1]
        else:
            found = self.on_disk(path)
            if found is None:
                return None
            content, stamp = found, self.engine.stamp_of_bytes(found)
        if snapshot.stamp_of(path) != stamp or not (is_brief or len(content) <= self.options.witnesses.max_file_bytes):
            return None
        major, minor = self.libraries.target()[0].split(".")[:2]
        attached = self._scip(path) if witness == _SCIP else b""
        return Question(path, stamp, witness, content, (int(major), int(minor)), held is not None, is_brief, attached)

    def _scip(self, path: str) -> bytes:
        """What the SCIP index of the workspace says of a file, if it is newer than that."""
        index = os.path.join(os.fspath(self.root), self.options.scip.index)
        try:
            written = os.stat(index)
            if os.stat(self.place_of(path)).st_mtime_ns > written.st_mtime_ns:
                return b""
        except OSError:
            return b""
        key = (written.st_mtime_ns, written.st_size)
        if self._index[0] != key:
            content, wrong = disk.read(index, _MOST_INDEX)
            try:
                self._index = (key, scip.documents(content or b""))
            except ValueError as error:
                wrong, self._index = str(error), (key, {})
            if wrong:
                logger.warning("the index %s is left out: %s", index, wrong)
        return self._index[1].get(path, b"")

    def hear_all(self, names: Sequence[str], paths: Sequence[str], cancel: CancelToken, is_brief: bool = False) -> int:
        """Ask witnesses about files of the newest snapshot, as many at once as there are processors; how many answered."""
        snapshot = self.engine.snapshot()
        asked = (self.question(path, name, snapshot, is_brief) for path in paths for name in names)
        questions = (each for each in asked if each is not None and not cancel.cancelled)
        heard, waiting = 0, b""
        for answer in ask_all(questions, self.options.witnesses.timeout_s, os.cpu_count() or 1):
            self.note_silence(answer)
            waiting = _joined(waiting, answer)
            if len(waiting) > _HEARD_BYTES:
                heard, waiting = heard + self.engine.hear(waiting), b""
        return heard + (self.engine.hear(waiting) if waiting else 0)

    def note_silence(self, answer: bytes) -> None:
        """Note as a fault that the process of a witness ended or was ended, and that it answers again."""
        for said in msgspec.json.decode(answer, type=list[_Said]):
            if said.error is not None:
                cause = f"the witness {said.witness}: {said.error.message}"
                self.engine.note_fault(said.error.code, "extract", cause, said.path)
            else:
                for code in _SILENT:
                    self.engine.works_again(code, said.path)

    def open_paths(self) -> frozenset[str]:
        """The files whose text an editor owns, of the workspace and of libraries."""
        return frozenset((*self._open, *self.libraries.opened))

    def place_of(self, path: str) -> str:
        """Where an open document lies on disk."""
        return self.libraries.path_of(path) if is_library(path) else os.path.join(os.fspath(self.root), path)

    def disk_has(self, path: str, text: str) -> bool:
        """Whether a text of a document is what the disk has."""
        return self.on_disk(path) == text.encode("utf-8", "surrogatepass")

    def on_disk(self, path: str) -> bytes | None:
        """The bytes of a file on disk as source, of the workspace or of a library; None if there are none."""
        return workspace.source_at(self.workspace, path, self.place_of(path))

    def library_file(self, absolute: str) -> str:
        """The path in the graph of a file on disk that belongs to the environment and not to the workspace; empty for others."""
        root = os.fspath(self.root).rstrip(os.sep) + os.sep
        inside = absolute[len(root) :].replace(os.sep, "/") if absolute.startswith(root) else ""
        if inside in self._listed().entries:
            return ""
        return self.libraries.uri_at(absolute)

    def open(self, path: str, text: str, version: int) -> bytes:
        """Let an editor own the text of a file; the syntax diagnostics."""
        if is_library(path):
            return self.libraries.open(self.engine, path, text, version)
        entry = workspace.place(self.workspace, self._listed(), path)
        self._open.add(path)
        return self.engine.open_document(source_file(entry, text.encode("utf-8", "surrogatepass"), ""), version)

    def is_open(self, path: str) -> bool:
        """Whether an editor owns the text of a file."""
        return path in self._open

    def entry(self, path: str) -> workspace.Entry:
        """What a file of the workspace is as a module, or would be if it were there."""
        return workspace.place(self.workspace, self._listed(), path)

    def sources(self) -> dict[str, workspace.SourceBytes]:
        """The bytes from which each file was last read. Files that an editor holds are left out."""
        known = dict(self._known)
        return {path: workspace.SourceBytes(each.entry.stamp[0], each.digest.hex()) for path, each in known.items()}

    def source_line(self, path: str, line: int) -> str:
        """A line of a file on disk, counted from 1 as the protocol of editors counts; empty if it is not there."""
        source, _ = workspace.read(
            self.workspace, workspace.place(self.workspace, self._listed(), path), time.time_ns()
        )
        text = (source.content or b"").decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
        lines = text.split("\n")
        return lines[line - 1] if line <= len(lines) else ""

    def texts(self) -> Iterator[workspace.Source]:
        """Every file of the workspace as it is on disk."""
        for entry in self._listed().entries.values():
            yield workspace.read(self.workspace, entry, time.time_ns())[0]

    def close(self, path: str) -> None:
        """Give a file back to the disk; `apply` work that names it as closed afterwards."""
        self._open.discard(path)
        self.libraries.opened.discard(path)
        self.engine.close_document(path)

    def _read_signals(self) -> None:
        """Let queries see which decisions there are about the workspace. Those of a file that is wrong are left out."""
        try:
            self.signals = governance.read(self.root, datetime.date.today())
        except strict_toml.TomlError as error:
            self.signals = ()
            logger.warning("decisions about the workspace are left out: %s", error)
        self.engine.describe_signals(governance.rows(self.signals))

    def _complete(self) -> bool:
        """Stage the library files that imports want; whether there were any."""
        return self.libraries.complete(self.engine, self._listed().entries)

    def _listed(self) -> workspace.Listing:
        """The listing, made by whoever needs it first: a file that an editor opens needs its module name at once."""
        with self._listing_lock:
            if self._listing is None:
                self._listing = workspace.list_files(self.workspace)
            return self._listing

    def _bring_near(self, on_near: Callable[[Report], None], cancel: CancelToken) -> bool:
        """Bring open documents whose newest text is not in the graph into it, with the nearest files that they lead to; whether
        there were any. The nearest third comes first: it answers most questions."""
        most = self.options.incremental.near_files
        behind = [path for path in self.engine.documents_behind() if path in self._open] if most else []
        if not behind:
            return False
        texts = ((path, self.engine.document_text(path)) for path in behind)
        opened = [
            source_file(self.entry(path), text.encode("utf-8", "surrogatepass"), "")
            for path, text in texts
            if text is not None
        ]
        self.engine.update(opened, [])
        for limit in sorted({max(1, most // 3), most}):
            found = self._stage_near(behind, limit)
            if found.staged:
                on_near(_report(self.engine.commit_some(found.staged, cancel)))
            if found.files < limit:
                break
        return True

    def _stage_near(self, paths: list[str], limit: int) -> _Near:
        """Stage what files lead to through imports until so many are there."""
        tried: set[str] = set()
        while True:
            found = msgspec.json.decode(self.engine.near(paths, self.libraries.needed, limit), type=_Near)
            missing = [module for module in found.missing if module not in tried]
            tried.update(missing)
            if not missing or found.files >= limit or not self._fetch(missing, limit - found.files):
                return found

    def _fetch(self, modules: Sequence[str], room: int) -> bool:
        """Stage the files of modules, so many at most; whether there were any."""
        listing, inside = self._listed(), self._by_module()
        files: list[workspace.Entry] = []
        outside: list[str] = []
        for module in modules:
            if module in inside:
                files += [entry for entry in inside[module] if entry.path not in self._known]
            elif module in self.libraries.needed or not any(name in inside for name in _packages(module)):
                outside.append(module)
        files = files[:room]
        self._near.update(entry.path for entry in files)
        self._stage(files)
        fetched = self.libraries.fetch(self.engine, outside[: room - len(files)], listing.entries)
        return bool(files) or fetched

    def _by_module(self) -> dict[str, list[workspace.Entry]]:
        """The files of the workspace by the modules that they are."""
        listing = self._listed()
        if self._modules[0] is not listing:
            by_module: dict[str, list[workspace.Entry]] = {}
            for entry in listing.entries.values():
                by_module.setdefault(entry.module, []).append(entry)
            self._modules = (listing, by_module)
        return self._modules[1]

    def _compare(self, work: Work, between: Callable[[], object], on_progress: Callable[[Progress], None]) -> None:
        """Stage what differs on disk. Between two batches of files `between` is called and `on_progress` told."""
        looked = None
        if not work.rescan:
            looked = workspace.look(self.workspace, self._listed(), (*work.disk, *work.closed))
        listing = looked or workspace.list_files(self.workspace)
        with self._listing_lock:
            self._listing = listing
        found = workspace.compare(listing, self._known)
        gone = {path for path in (*found.removed, *work.closed) if path not in listing.entries} - self._open
        if gone:
            self.engine.update([], sorted(gone))
        for path in gone:
            self._known.pop(path, None)
        done = size = 0
        for batch in self._batches(found.to_read):
            if done:
                on_progress(Progress("read", done, len(found.to_read), size))
                between()
            size += self._stage(batch)
            done += len(batch)

    def _stage(self, entries: Sequence[workspace.Entry]) -> int:
        """Hand files that really differ to the engine; the number of bytes that were read."""
        files: list[SourceFile] = []
        known: dict[str, workspace.Known] = {}
        size = 0
        for entry in entries:
            if entry.path in self._open:
                continue
            source, now_known = workspace.read(self.workspace, entry, time.time_ns())
            size += len(source.content or b"")
            known[entry.path] = now_known
            if workspace.differs(self._known.get(entry.path), now_known):
                files.append(source_file(entry, source.content, source.error))
        if files:
            self.engine.update(files, [])
        self._known.update(known)
        return size

    def _batches(self, entries: Sequence[workspace.Entry]) -> Iterator[Sequence[workspace.Entry]]:
        step = self.options.incremental.batch_files
        return (entries[start : start + step] for start in range(0, len(entries), step))


def _joined(left: bytes, right: bytes) -> bytes:
    """Two lists in JSON as one."""
    if right == b"[]":
        return left
    return left[:-1] + b"," + right[1:] if left else right


def _report(told: bytes) -> Report:
    return msgspec.json.decode(told, type=Report)


def _log_refusal(error: EngineError) -> None:
    logger.error("there is no graph: %s", error)


def _packages(module: str) -> Iterator[str]:
    """The packages that a module would lie in, outermost first."""
    parts = module.split(".")
    return (".".join(parts[:end]) for end in range(1, len(parts)))


class _Near(msgspec.Struct, frozen=True):
    """What open documents lead to."""

    files: int
    staged: list[str]
    missing: list[str]


class LiveGraph:
    """A graph that follows its editors and its disk until it is stopped."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._options = graph.options.incremental
        self._condition = threading.Condition()
        self._queue: list[Change] = []
        self._revision = 0
        self._done = -1
        self._failure: LiveError | None = None
        self._near = -1
        """The generation of the newest snapshot, while the writer is in the middle of something."""
        self._status = Status(state="waiting")
        self._watching = ""
        self._subscribers: list[Callable[[Report], None]] = []
        self._stop = threading.Event()
        self._is_keeping = False
        self._cancel = CancelToken()
        self._turning = threading.Lock()
        """Held by the writer while it works on the graph."""
        self._taken: list[Change] = [Rescan("the first index")]
        """What the writer has taken from the queue and is not in the graph yet."""
        self._threads: list[threading.Thread] = []
        self._documents: dict[str, int] = {}
        """The version of each document that an editor owns."""
        self._touching = threading.RLock()
        """Held while a document is touched, so that none is while one graph takes the place of another."""
        self._adopting = threading.Lock()
        self._wanted = 0
        """How many graphs were to be adopted; only the newest is."""
        self._held: tuple[str, ...] = ()
        """Files of which the graph that is to be adopted holds what editors had when it was forked."""
        self._next: Graph | None = None
        self._processes = Processes(graph.options.witnesses.timeout_s)
        self._resting: dict[str, dict[str, float]] = {}
        """By witness: the files that it is to be asked about, each with the time when its text will have rested."""
        self._hearers: list[Callable[[str], None]] = []
        """Who wants to know that the syntax of a file was judged."""

    @property
    def status(self) -> Status:
        """How the graph is doing."""
        image = self.graph.image.refusal if self.graph.image is not None else ""
        return msgspec.structs.replace(self._status, watching=self._watching, image=image)

    @property
    def revision(self) -> int:
        """The number of changes that were submitted; what a question asked now has to wait for."""
        with self._condition:
            return self._revision

    def start(
        self,
        on_progress: Callable[[Progress], None],
        on_refused: Callable[[EngineError], None] = _log_refusal,
    ) -> None:
        """Index the workspace and follow it from then on. `on_progress` is called by the writer, and `on_refused` before it
        ends because the program does not compile."""
        self._spawn("writer", lambda: self._write(on_progress, on_refused))
        if self._options.watch:
            self._spawn("watcher", self._watch)

    def fork(self) -> LiveGraph:
        """A second living graph that begins where this one is, with the texts of the disk, and follows the disk from then on.

        Waits until the writer of this one has done what it is doing.
        """
        with self._turning:
            twin = LiveGraph(self.graph.fork())
            with self._condition:
                missed = [*self._taken, *self._queue]
            changes = [*missed, *(Closed(path) for path in self.graph.open_paths())]
            if changes:
                twin.submit(*changes)
            else:
                twin._done = 0
            twin._status, twin._taken = self._status, []
        twin._spawn("writer", lambda: twin._follow(_show_nobody))
        if twin._options.watch:
            twin._spawn("watcher", twin._watch)
        return twin

    @property
    def pending(self) -> int:
        """How many changes wait for the writer."""
        with self._condition:
            return len(self._queue)

    def stop(self, patience_s: float | None = None) -> None:
        """Stop following; waits until nothing runs any more, or for so many seconds. The last snapshot stays readable."""
        until = None if patience_s is None else time.monotonic() + patience_s
        self._stop.set()
        self._cancel.cancel()
        with self._condition:
            self._condition.notify_all()
        self._processes.close()
        for thread in self._threads:
            thread.join(None if until is None else max(0.0, until - time.monotonic()))
        # One may have begun meanwhile.
        self._processes.close()
        self._status = Status(state="stopped")

    @property
    def is_keeping(self) -> bool:
        """Whether it has stopped and an image is still being written: that takes seconds for thousands of files."""
        return self._is_keeping

    def adopt(self, make: Callable[[], Graph | Program], told: Callable[[Exception | None], None]) -> None:
        """Go on with another graph of the same workspace, made by a function, once it holds all files, or under another program,
        once the views have run that it changes. Until then, and if the function or the compiler of rules refuses, the present graph
        answers. `told` hears how it ended, in a thread of its own; of several that are asked for only the newest is adopted."""
        with self._condition:
            self._wanted += 1
            number = self._wanted
        self._spawn("adopter", lambda: self._adopt(number, make, told))

    def cancel_index(self) -> None:
        """Give up the first index. Open documents are still served; a later comparison with the disk brings in the rest."""
        self._cancel.cancel()

    def subscribe(self, callback: Callable[[Report], None]) -> Callable[[], None]:
        """Call back after each commit, in the writer's thread; the result ends it."""
        with self._condition:
            self._subscribers.append(callback)

        def unsubscribe() -> None:
            with self._condition:
                self._subscribers.remove(callback)

        return unsubscribe

    def subscribe_judged(self, callback: Callable[[str], None]) -> Callable[[], None]:
        """Call back with the path of an open file after its syntax was judged, in a thread of its own; the result ends it."""
        with self._condition:
            self._hearers.append(callback)

        def unsubscribe() -> None:
            with self._condition:
                self._hearers.remove(callback)

        return unsubscribe

    def submit(self, *changes: Change) -> int:
        """Queue changes; the revision that holds them."""
        with self._condition:
            self._queue.extend(changes)
            self._revision += 1
            self._condition.notify_all()
            return self._revision

    def open(self, path: str, text: str, version: int) -> bytes:
        """Let an editor own the text of a file; the syntax diagnostics, before anything else is done with the text."""
        with self._touching:
            diagnostics = self.graph.open(path, text, version)
            self._documents[path] = version
        self._touched(path)
        self.submit(Opened(path, version))
        return diagnostics

    def edit(self, path: str, version: int, changes: bytes) -> bytes:
        """Apply the `contentChanges` of an editor; the syntax diagnostics, before anything else is done with the text."""
        with self._touching:
            diagnostics = self.graph.engine.edit_document(path, version, changes)
            self._documents[path] = version
        self._touched(path)
        self.submit(Edited(path, version))
        return diagnostics

    def choose_python(self, python: str) -> None:
        """Look up imports in another environment from now on."""
        self.graph.libraries.python = python
        self.submit(Rescan("the editor has chosen another interpreter"))

    def save(self, path: str) -> None:
        """Note that an editor wrote a file."""
        if not is_library(path):
            self.submit(Saved(path))

    def close(self, path: str) -> None:
        """Give a file back to the disk."""
        with self._touching:
            self.graph.close(path)
            self._documents.pop(path, None)
        self.submit(Closed(path))

    def snapshot(self) -> Snapshot:
        """The newest snapshot, whatever it holds."""
        return self.graph.engine.snapshot()

    def version_of(self, snapshot: Snapshot, path: str) -> int | None:
        """The version of an open document that a snapshot holds, as its editor counts."""
        return snapshot.version_of(path)

    def snapshot_for(self, revision: int, timeout: float | None = None) -> Snapshot:
        """The newest snapshot, once it holds everything up to a revision; raises `LiveError` if that cannot be."""
        limit = self._options.answer_timeout_s if timeout is None else timeout
        with self._condition:
            arrived = False
            # The first index may take its time: it shows its progress, and an editor can give up waiting.
            while not arrived:
                arrived = self._condition.wait_for(lambda: self._done >= revision or self._stop.is_set(), limit)
                if timeout is not None or self._status.state != "indexing":
                    break
            if not arrived:
                raise LiveError("graph-busy", f"the graph did not catch up within {limit:g} s; ask again")
            if self._done < revision:
                raise LiveError("graph-stopped", "the graph has been stopped")
            if self._failure is not None:
                raise self._failure
        return self.snapshot()

    def near_snapshot(self, revision: int, path: str, after: int = -1) -> Snapshot | None:
        """A snapshot that holds the newest text of every open document while the writer is busy with much else; None once the
        newest snapshot holds everything up to a revision, for which `snapshot_for` need not wait any more, and for files that
        no editor has open. Of several the first that is newer than generation `after`.

        Waits until there is one or the other. What it says of open documents and of what they import is what the whole graph
        would say, as far as it goes; only the whole graph knows what other files say of them.
        """

        def is_over() -> bool:
            return self._done >= revision or self._stop.is_set()

        def is_near() -> bool:
            return self._near > after and not self.graph.engine.documents_behind()

        if not self.graph.is_open(path):
            return None
        with self._condition:
            self._condition.wait_for(lambda: is_over() or is_near(), self._options.answer_timeout_s)
            return None if is_over() or not is_near() else self.snapshot()

    def _write(self, on_progress: Callable[[Progress], None], on_refused: Callable[[EngineError], None]) -> None:
        self._status = Status(state="indexing")
        with self._condition:
            revision = self._revision
        self._turn(revision, partial(self.graph.index, on_progress, self._cancel, self._on_near))
        try:
            self.graph.engine.ready()
        except EngineError as error:
            on_refused(error)
            return
        if self.graph.image is not None and self.graph.image.refusal:
            code, _, cause = self.graph.image.refusal.partition(": ")
            self.graph.engine.note_fault(code, "persist", cause, os.fspath(self.graph.image.place))
        self._cancel = CancelToken()
        self._follow(on_progress)

    def _follow(self, on_progress: Callable[[Progress], None]) -> None:
        """Bring change after change into the graph until it is stopped."""
        pause = self._options.poll_s
        compared = time.monotonic()
        writing: threading.Thread | None = None
        due: float | None = None
        again = _AGAIN_S
        while not self._stop.is_set():
            rest = max(0.0, compared + pause - time.monotonic()) if pause else None
            is_due = self.graph.wants_image and not (writing is not None and writing.is_alive())
            due = None if not is_due else time.monotonic() if due is None else due
            may_rest = is_due and not self.graph.engine.pending()
            if may_rest:
                idle = self._options.image_idle_s
                rest = idle if rest is None else min(rest, idle)
            is_lame = (self._failure is not None and self._failure.code != _TOO_LARGE) or bool(
                self.graph.engine.aside()
            )
            if is_lame:
                rest = again if rest is None else min(rest, again)
            with self._condition:
                self._condition.wait_for(lambda: bool(self._queue or self._next) or self._stop.is_set(), rest)
                changes, self._queue = self._queue, []
                self._taken = [*self._taken, *changes]
                revision = self._revision
                following, self._next = self._next, None
                held, self._held = self._held, ()
            if self._stop.is_set():
                self._leave(writing)
                return
            is_late = due is not None and time.monotonic() > due + _IMAGE_LATEST_S
            if following is None and (is_late or (may_rest and not changes)):
                writing = threading.Thread(target=self.graph.write_image(), name="codeanatomy-image", daemon=True)
                writing.start()
                due = None
                if not changes:
                    continue
            if following is not None:
                self._turn(revision, partial(self._take_over, following))
                # What changed on disk while it was read.
                gone = (Closed(path) for path in held if path not in self._documents)
                changes = [*changes, Rescan("another program of rules"), *gone]
            if not changes:
                changes = [
                    Rescan("the last change did not get into the graph whole" if is_lame else "regular comparison")
                ]
            work = coalesce(changes, self._options.burst)
            self._turn(revision, partial(self.graph.apply, work, self._cancel, self._on_near, on_progress))
            again = min(2 * again, _LATEST_S) if self._failure is not None or self.graph.engine.aside() else _AGAIN_S
            if work.rescan:
                pause = self._options.poll_s if self._watching else self._options.reconcile_s
                compared = time.monotonic()

    def _leave(self, writing: threading.Thread | None) -> None:
        """Let an image that is due be written, so that the next process need not read everything again."""
        self._is_keeping = True
        try:
            if writing is not None and writing.is_alive():
                writing.join()
            elif self.graph.wants_image and not self.graph.engine.pending():
                self.graph.write_image()()
        finally:
            self._is_keeping = False

    def _adopt(
        self, number: int, make: Callable[[], Graph | Program], told: Callable[[Exception | None], None]
    ) -> None:
        with self._adopting:
            if number != self._wanted or self._stop.is_set():
                return
            try:
                made = make()
                graph, held = (made, ()) if isinstance(made, Graph) else self._followed(made)
                if isinstance(made, Graph):
                    graph.engine.ready()
                    graph.index(_show_nobody, self._cancel)
            except Exception as error:
                if not self._stop.is_set():
                    told(error)
                return
            with self._condition:
                if number != self._wanted:
                    return
                self._next, self._held = graph, held
                self._condition.notify_all()
        told(None)

    def _followed(self, program: Program) -> tuple[Graph, tuple[str, ...]]:
        """The present graph under another program, and the files of which it holds what editors have."""
        with self._turning:
            graph, held = self.graph.fork(), tuple(self.graph.open_paths())
        ran = graph.follow(program, self._cancel, self.graph.image is not None)
        logger.info("another program: %d views ran: %s", len(ran), ", ".join(ran))
        return graph, held

    def _take_over(self, following: Graph) -> Report:
        """Let a graph take the place of the present one, with what editors have open."""
        with self._touching:
            for path, version in self._documents.items():
                text = self.graph.engine.document_text(path)
                if text is not None:
                    following.open(path, text, version)
            report = following.commit(self._cancel)
            self.graph = following
        for path in tuple(self._documents):
            self._touched(path)
        return report

    def _turn(self, revision: int, act: Callable[[], Report]) -> None:
        """Run one piece of work of the writer and tell everybody how it ended."""
        report: Report | None = None
        failure: LiveError | None = None
        try:
            with self._turning:
                report = act()
                self._taken = []
        except LiveError as error:
            failure = error
        except EngineError as error:
            failure = LiveError(error.code, str(error))
            if error.code == _TOO_LARGE:
                self.graph.engine.note_fault(_TOO_LARGE, "run", str(error), "")
            logger.error("the graph could not follow: %s: %s", error.code, error)
        except BaseException as error:
            # A panic of the engine arrives as a BaseException; the writer has to outlive that too.
            failure = LiveError(_WRITER_FAILED, f"{type(error).__name__}: {error}")
            self.graph.engine.note_fault(_WRITER_FAILED, "run", str(failure), "")
            logger.exception("the graph could not follow")
        if failure is None:
            self._status = Status(state="live")
            for code in (_WRITER_FAILED, _TOO_LARGE):
                self.graph.engine.works_again(code, "")
        else:
            self._status = Status(state="failed", code=failure.code, message=str(failure))
        with self._condition:
            self._done = max(self._done, revision)
            self._failure = failure
            self._near = -1
            subscribers = tuple(self._subscribers)
            self._condition.notify_all()
        for subscriber in subscribers if report is not None else ():
            try:
                subscriber(report)  # type: ignore[arg-type]
            except Exception:
                logger.exception("a subscriber of the graph failed")

    def _touched(self, path: str) -> None:
        """Let witnesses wait until the text of a file has rested again."""
        options = self.graph.options.witnesses
        now = time.monotonic()
        with self._condition:
            if options.syntax:
                self._rest("", path, now + options.rest_ms / 1000)
            for name in options.at_rest:
                self._rest(name, path, now + options.tables_ms / 1000)

    def _rest(self, witness: str, path: str, until: float) -> None:
        """Note when a text will have rested; whoever calls it holds the condition."""
        if witness not in self._resting:
            self._resting[witness] = {}
            self._spawn(f"witness-{witness or _SYNTAX}", lambda: self._hear(witness))
        self._resting[witness][path] = until

    def _hear(self, witness: str) -> None:
        """Ask one witness about each open file whose text rests; the empty name asks whether CPython takes the text."""
        resting = self._resting[witness]
        process = self._processes.of(witness or _SYNTAX)
        while True:
            with self._condition:
                path = min(resting, key=resting.__getitem__, default="")
                now = time.monotonic()
                if path and resting[path] <= now:
                    due = resting.pop(path)
                else:
                    if self._stop.is_set():
                        return
                    is_new = self._condition.wait(resting[path] - now if path else _IDLE_S)
                    if not (is_new or path or self._stop.is_set()):
                        process.close()
                    continue
            if self._stop.is_set():
                return
            self._ask(witness, process, path, due)

    def _ask(self, witness: str, process: Process, path: str, due: float) -> None:
        graph, is_brief = self.graph, not witness
        if path not in self._documents:
            return
        try:
            question = None
            if self._status.state not in ("waiting", "indexing"):
                question = graph.question(path, witness or _SYNTAX, graph.engine.snapshot(), is_brief)
            if question is not None:
                answer = process.ask(question)
                if self._stop.is_set():
                    # What ended is the process, not by itself.
                    return
                graph.note_silence(answer)
                heard = graph.engine.hear(answer)
                hearers = tuple(self._hearers) if heard and is_brief else ()
                for hearer in hearers:
                    hearer(path)
                return
        except EngineError as error:
            logger.error("the witness %s was not understood: %s", witness or _SYNTAX, error)
            return
        # The text is on its way into the graph, or the graph is being built.
        if time.monotonic() < due + self._options.answer_timeout_s:
            with self._condition:
                self._resting[witness].setdefault(path, time.monotonic() + _NOT_YET_S)

    def _on_near(self, report: Report) -> None:
        with self._condition:
            self._near = report.generation
            self._condition.notify_all()

    def _watch(self) -> None:
        step = self._options.step_ms
        try:
            for changes in watch.watch(self.graph.workspace.root, step, workspace.is_of_interest, self._stop):
                self.submit(*changes)
        except watch.WatchError as error:
            self._watching = str(error)
            logger.warning(
                "cannot watch the file system (%s); comparing with the disk every %g s", error, self._options.poll_s
            )
            self.submit(Rescan("the watcher stopped"))
            try:
                # There is nothing to note it in before.
                self.graph.engine.ready()
            except EngineError:
                return
            self.graph.engine.note_fault("watch-refused", "read", str(error), "")

    def _spawn(self, name: str, act: Callable[[], None]) -> None:
        thread = threading.Thread(target=act, name=f"codeanatomy-{name}", daemon=True)
        self._threads.append(thread)
        thread.start()


def _together(first: Report, second: Report) -> Report:
    """Two commits as one."""
    return msgspec.structs.replace(
        second,
        files=tuple(sorted({*first.files, *second.files})),
        extract_micros=first.extract_micros + second.extract_micros,
        micros=first.micros + second.micros,
        total_micros=first.total_micros + second.total_micros,
        evidence=(*first.evidence, *second.evidence),
        views=(*first.views, *second.views),
        documents=first.documents | second.documents,
    )


def source_file(entry: workspace.Entry, content: bytes | None, error: str) -> SourceFile:
    """A file of the workspace as the engine takes it; the code says why there is no content."""
    return SourceFile(
        entry.path,
        entry.module,
        entry.package,
        entry.is_package,
        entry.is_stub,
        entry.partition,
        entry.search_rank,
        content,
        error=error,
    )
