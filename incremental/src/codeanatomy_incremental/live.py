"""The living graph of a workspace: one writer, one queue, and snapshots that never change.

`Graph` does the work in one thread: it compares with the disk, stages files, commits. `LiveGraph` is the shell around it that
owns every thread, lock, queue and clock of the product: editors and watchers submit changes from any thread, the newest text
wins, and a question waits for the snapshot that holds every edit submitted before it. A failure of the writer becomes a
status with a code, and the writer lives on.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

import msgspec

from codeanatomy_engine import CancelToken, Engine, EngineError, Snapshot, SourceFile

from codeanatomy_incremental import watch, workspace
from codeanatomy_incremental.change import Change, Closed, Edited, Opened, Rescan, Saved, Work, coalesce
from codeanatomy_incremental.libraries import Libraries, cache_folder
from codeanatomy_incremental.options import Options
from codeanatomy_incremental.packs.load import Program

logger = logging.getLogger(__name__)


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


class Status(msgspec.Struct, frozen=True):
    """How the living graph is doing."""

    state: Literal["waiting", "indexing", "live", "failed", "stopped"]
    code: str = ""
    message: str = ""
    watching: str = ""
    """Why the file system is not watched, if it should be and is not."""


class LiveError(Exception):
    """A question that the living graph cannot answer now."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class Graph:
    """The graph of a workspace, driven by one thread; documents may be touched from any."""

    def __init__(
        self, root: Path, options: Options, program: Program, encoding: str = "utf-16", python: str = ""
    ) -> None:
        """`python` is the interpreter that the editor has chosen, if any."""
        self.root = root
        self.options = options
        self.libraries = Libraries(os.fspath(root), options.workspace, python, os.environ)
        self.workspace = workspace.Workspace(root=os.fspath(root), options=options.workspace)
        version, platform = self.libraries.target()
        self.engine = Engine(program.document, root.as_uri(), options.workspace.max_file_bytes, version, platform)
        self.engine.set_encoding(encoding)
        if options.workspace.library_cache:
            self.engine.keep_library_in(cache_folder(os.environ))
        self._known: dict[str, workspace.Known] = {}
        self._open: set[str] = set()
        self._listing: workspace.Listing | None = None
        self._listing_lock = threading.Lock()

    def index(
        self, on_progress: Callable[[Progress], None], cancel: CancelToken, clock: Callable[[], float] = time.monotonic
    ) -> Report:
        """Bring the whole workspace into the graph; raises `LiveError` if it is cancelled."""
        began = clock()
        on_progress(Progress(stage="list"))
        entries = tuple(self._listed().entries.values())
        done = size = 0
        for batch in self._batches(entries):
            if cancel.cancelled:
                raise LiveError("cancelled", "the index was cancelled")
            size += self._stage(batch)
            done += len(batch)
            on_progress(Progress("read", done, len(entries), size, clock() - began))
        on_progress(Progress("libraries", done, len(entries), size, clock() - began))
        self._complete()
        on_progress(Progress("graph", done, len(entries), size, clock() - began))
        report = self.commit(cancel)
        on_progress(Progress("done", done, len(entries), size, clock() - began))
        self.libraries.keep(self.engine)
        return report

    def apply(self, work: Work, cancel: CancelToken) -> Report:
        """Bring the changes that a batch of work names into the next snapshot."""
        for path in (*work.documents, *work.closed):
            self._known.pop(path, None)
        if work.disk or work.closed or work.rescan:
            self._compare(work)
        if work.rescan:
            self.libraries.refresh(self.engine)
        self._complete()
        report = self.commit(cancel)
        # What an editor holds is known only now: its imports may want more.
        if self._complete():
            report = _together(report, self.commit(cancel))
        self.libraries.keep(self.engine)
        return report

    def commit(self, cancel: CancelToken) -> Report:
        """Make the next snapshot of everything staged and every edited document."""
        return msgspec.json.decode(self.engine.commit(cancel), type=Report)

    def open(self, path: str, text: str, version: int) -> bytes:
        """Let an editor own the text of a file; the syntax diagnostics."""
        entry = workspace.place(self.workspace, self._listed(), path)
        self._open.add(path)
        return self.engine.open_document(_source_file(entry, text.encode("utf-8", "surrogatepass"), ""), version)

    def entry(self, path: str) -> workspace.Entry:
        """What a file of the workspace is as a module, or would be if it were there."""
        return workspace.place(self.workspace, self._listed(), path)

    def source_line(self, path: str, line: int) -> str:
        """A line of a file on disk, counted from 1 as the protocol of editors counts; empty if it is not there."""
        source, _ = workspace.read(
            self.workspace, workspace.place(self.workspace, self._listed(), path), time.time_ns()
        )
        text = (source.content or b"").decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
        lines = text.split("\n")
        return lines[line - 1] if line <= len(lines) else ""

    def close(self, path: str) -> None:
        """Give a file back to the disk; `apply` work that names it as closed afterwards."""
        self._open.discard(path)
        self.engine.close_document(path)

    def _complete(self) -> bool:
        """Stage the library files that imports want; whether there were any."""
        return self.libraries.complete(self.engine, self._listed().entries)

    def _listed(self) -> workspace.Listing:
        """The listing, made by whoever needs it first: a file that an editor opens needs its module name at once."""
        with self._listing_lock:
            if self._listing is None:
                self._listing = workspace.list_files(self.workspace)
            return self._listing

    def _compare(self, work: Work) -> None:
        """Stage what differs on disk."""
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
        for batch in self._batches(found.to_read):
            self._stage(batch)

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
                files.append(_source_file(entry, source.content, source.error))
        if files:
            self.engine.update(files, [])
        self._known.update(known)
        return size

    def _batches(self, entries: Sequence[workspace.Entry]) -> Iterator[Sequence[workspace.Entry]]:
        step = self.options.incremental.batch_files
        return (entries[start : start + step] for start in range(0, len(entries), step))


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
        self._status = Status(state="waiting")
        self._subscribers: list[Callable[[Report], None]] = []
        self._stop = threading.Event()
        self._cancel = CancelToken()
        self._threads: list[threading.Thread] = []

    @property
    def status(self) -> Status:
        """How the graph is doing."""
        return self._status

    @property
    def revision(self) -> int:
        """The number of changes that were submitted; what a question asked now has to wait for."""
        with self._condition:
            return self._revision

    def start(self, on_progress: Callable[[Progress], None]) -> None:
        """Index the workspace and follow it from then on. `on_progress` is called by the writer."""
        self._spawn("writer", lambda: self._write(on_progress))
        if self._options.watch:
            self._spawn("watcher", self._watch)

    def stop(self) -> None:
        """Stop following; waits until nothing runs any more. The last snapshot stays readable."""
        self._stop.set()
        self._cancel.cancel()
        with self._condition:
            self._condition.notify_all()
        for thread in self._threads:
            thread.join()
        self._status = Status(state="stopped")

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

    def submit(self, *changes: Change) -> int:
        """Queue changes; the revision that holds them."""
        with self._condition:
            self._queue.extend(changes)
            self._revision += 1
            self._condition.notify_all()
            return self._revision

    def open(self, path: str, text: str, version: int) -> bytes:
        """Let an editor own the text of a file; the syntax diagnostics, before anything else is done with the text."""
        diagnostics = self.graph.open(path, text, version)
        self.submit(Opened(path, version))
        return diagnostics

    def edit(self, path: str, version: int, changes: bytes) -> bytes:
        """Apply the `contentChanges` of an editor; the syntax diagnostics, before anything else is done with the text."""
        diagnostics = self.graph.engine.edit_document(path, version, changes)
        self.submit(Edited(path, version))
        return diagnostics

    def choose_python(self, python: str) -> None:
        """Look up imports in another environment from now on."""
        self.graph.libraries.python = python
        self.submit(Rescan("the editor has chosen another interpreter"))

    def save(self, path: str) -> None:
        """Note that an editor wrote a file."""
        self.submit(Saved(path))

    def close(self, path: str) -> None:
        """Give a file back to the disk."""
        self.graph.close(path)
        self.submit(Closed(path))

    def snapshot(self) -> Snapshot:
        """The newest snapshot, whatever it holds."""
        return self.graph.engine.snapshot()

    def snapshot_for(self, revision: int, timeout: float | None = None) -> Snapshot:
        """The newest snapshot, once it holds everything up to a revision; raises `LiveError` if that cannot be."""
        limit = self._options.answer_timeout_s if timeout is None else timeout
        with self._condition:
            arrived = self._condition.wait_for(lambda: self._done >= revision or self._stop.is_set(), limit)
            if not arrived:
                raise LiveError("graph-busy", f"the graph did not catch up within {limit:g} s; ask again")
            if self._done < revision:
                raise LiveError("graph-stopped", "the graph has been stopped")
            if self._failure is not None:
                raise self._failure
        return self.snapshot()

    def _write(self, on_progress: Callable[[Progress], None]) -> None:
        self._status = Status(state="indexing", watching=self._status.watching)
        with self._condition:
            revision = self._revision
        self._turn(revision, partial(self.graph.index, on_progress, self._cancel))
        self._cancel = CancelToken()
        pause = self._options.poll_s
        compared = time.monotonic()
        while not self._stop.is_set():
            rest = max(0.0, compared + pause - time.monotonic()) if pause else None
            with self._condition:
                self._condition.wait_for(lambda: bool(self._queue) or self._stop.is_set(), rest)
                changes, self._queue = self._queue, []
                revision = self._revision
            if self._stop.is_set():
                return
            if not changes:
                changes = [Rescan("regular comparison")]
            work = coalesce(changes, self._options.burst)
            self._turn(revision, partial(self.graph.apply, work, self._cancel))
            if work.rescan:
                pause = self._options.poll_s if self._status.watching else self._options.reconcile_s
                compared = time.monotonic()

    def _turn(self, revision: int, act: Callable[[], Report]) -> None:
        """Run one piece of work of the writer and tell everybody how it ended."""
        report: Report | None = None
        failure: LiveError | None = None
        try:
            report = act()
        except LiveError as error:
            failure = error
        except EngineError as error:
            failure = LiveError(error.code, str(error))
            logger.error("the graph could not follow: %s: %s", error.code, error)
        except BaseException as error:
            # A panic of the engine arrives as a BaseException; the writer has to outlive that too.
            failure = LiveError("writer-failed", f"{type(error).__name__}: {error}")
            logger.exception("the graph could not follow")
        watching = self._status.watching
        if failure is None:
            self._status = Status(state="live", watching=watching)
        else:
            self._status = Status(state="failed", code=failure.code, message=str(failure), watching=watching)
        with self._condition:
            self._done = max(self._done, revision)
            self._failure = failure
            subscribers = tuple(self._subscribers)
            self._condition.notify_all()
        for subscriber in subscribers if report is not None else ():
            try:
                subscriber(report)  # type: ignore[arg-type]
            except Exception:
                logger.exception("a subscriber of the graph failed")

    def _watch(self) -> None:
        step = self._options.step_ms
        try:
            for changes in watch.watch(self.graph.workspace.root, step, workspace.is_of_interest, self._stop):
                self.submit(*changes)
        except watch.WatchError as error:
            self._status = msgspec.structs.replace(self._status, watching=str(error))
            logger.warning(
                "cannot watch the file system (%s); comparing with the disk every %g s", error, self._options.poll_s
            )
            self.submit(Rescan("the watcher stopped"))

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


def _source_file(entry: workspace.Entry, content: bytes | None, error: str) -> SourceFile:
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
