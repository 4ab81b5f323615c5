"""One living graph for many clients, each of which is answered about its own texts.

A client sees the disk with the texts over it that it has open itself. As long as no client has a text that another one does not
see, all of them share one graph. A client that would be told of somebody else's unsaved text gets a graph of its own, forked from
the shared one: what neither of them changes is held once. It goes back as soon as the difference is gone, and the fork goes with
it.

Two clients may have one document open as long as its texts are equal. The first that edits it keeps it; the others are set aside
with the text that they had, and are moved when they next ask or edit: a client that only looks at something else costs nothing.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import msgspec

from codeanatomy_engine import EngineError, Snapshot

from codeanatomy_incremental.change import Change, Rescan
from codeanatomy_incremental.live import Graph, LiveError, LiveGraph, Progress, Report, Status
from codeanatomy_incremental.packs.load import Program

_MOST_MOVES = 8
"""So often an answer is begun again because other clients changed texts meanwhile."""


class Moment(NamedTuple):
    """What a question that is asked now has to wait for."""

    lane: _Lane
    revision: int
    epoch: int


class _Document:
    """An open document of a lane."""

    def __init__(self, stamp: int, holder: ClientGraph) -> None:
        self.stamp = stamp
        """Its version in the engine: the versions of clients do not compare."""
        self.holders = {holder}
        """Clients whose text this is."""
        self.aside: dict[ClientGraph, str] = {}
        """Clients that have it open with another text, which is their own."""
        self.compared: tuple[object, bool] = (None, False)
        """Of which text and file it is known whether they are equal, and whether they are."""


class _Lane:
    """A graph with the texts that lie over the disk in it, and the clients that see them."""

    def __init__(self, live: LiveGraph) -> None:
        self.live = live
        self.lock = threading.RLock()
        self.clients: set[ClientGraph] = set()
        self.documents: dict[str, _Document] = {}
        self.epoch = 0
        """Counts what may change whether the texts are those of a client."""
        self._stamps = itertools.count(1)

    def agrees(self, client: ClientGraph) -> bool:
        """Whether everything that lies over the disk here is what a client sees."""
        with self.lock:
            if client.python not in ("", self.live.graph.libraries.python):
                return False
            return len(self.clients) < 2 or all(
                client in document.holders or (client not in document.aside and self._is_as_on_disk(path, document))
                for path, document in self.documents.items()
            )

    def join(self, client: ClientGraph, texts: dict[str, str]) -> bool:
        """Take in a client with its texts if that makes no difference to anybody; whether it did."""
        with self.lock:
            if client.python not in ("", self.live.graph.libraries.python):
                return False
            for path, document in self.documents.items():
                text = texts.get(path)
                if text is None and not self._is_as_on_disk(path, document):
                    return False
                if text is not None and text != self.live.graph.engine.document_text(path):
                    return False
            news = ((path, text) for path, text in texts.items() if path not in self.documents)
            if self.clients and not all(self.live.graph.disk_has(path, text) for path, text in news):
                return False
            self.clients.add(client)
            for path, text in texts.items():
                self.open(client, path, text)
            return True

    def open(self, client: ClientGraph, path: str, text: str) -> bytes | None:
        """Take over a document; the syntax diagnostics, or None if another client has it open with another text."""
        with self.lock:
            self.epoch += 1
            document = self.documents.get(path)
            if document is None or document.holders <= {client}:
                stamp = next(self._stamps)
                found = self.live.open(path, text, stamp)
                if document is None:
                    self.documents[path] = _Document(stamp, client)
                else:
                    document.stamp = stamp
                return found
            if self.live.graph.engine.document_text(path) != text:
                document.aside[client] = text
                document.holders.discard(client)
                return None
            document.aside.pop(client, None)
            document.holders.add(client)
            document.stamp = next(self._stamps)
            return self.live.edit(path, document.stamp, b"[]")

    def edit(self, client: ClientGraph, path: str, changes: bytes) -> bytes:
        """Apply edits to a document that a client holds; the syntax diagnostics."""
        with self.lock:
            document = self.documents[path]
            others = document.holders - {client}
            before = self.live.graph.engine.document_text(path) if others else None
            stamp = next(self._stamps)
            found = self.live.edit(path, stamp, changes)
            document.stamp = stamp
            self.epoch += 1
            if before is not None:
                document.holders = {client}
                document.aside |= dict.fromkeys(others, before)
            return found

    def close(self, client: ClientGraph, path: str) -> None:
        """Let go of a document; it goes back to the disk with the last one that holds it."""
        with self.lock:
            self.epoch += 1
            document = self.documents[path]
            document.holders.discard(client)
            document.aside.pop(client, None)
            if not document.holders:
                # Those that are set aside look at a text that nobody else has any more: they are moved when they ask.
                if document.aside:
                    heir, text = document.aside.popitem()
                    document.holders.add(heir)
                    document.stamp = next(self._stamps)
                    self.live.open(path, text, document.stamp)
                else:
                    del self.documents[path]
                    self.live.close(path)

    def leave(self, client: ClientGraph, paths: list[str]) -> None:
        """Let a client go with its documents."""
        with self.lock:
            for path in paths:
                self.close(client, path)
            self.clients.discard(client)

    def text(self, client: ClientGraph, path: str) -> str:
        """The text that a client sees in a document that it has open."""
        with self.lock:
            aside = self.documents[path].aside.get(client)
            text = self.live.graph.engine.document_text(path) if aside is None else aside
            assert text is not None
            return text

    def stamp(self, client: ClientGraph, path: str) -> int | None:
        """The version in the engine of the text of a client, if that is the one of this lane."""
        with self.lock:
            document = self.documents.get(path)
            return document.stamp if document is not None and client in document.holders else None

    def _is_as_on_disk(self, path: str, document: _Document) -> bool:
        graph = self.live.graph
        try:
            status = os.stat(graph.place_of(path))
        except OSError:
            return False
        key = (document.stamp, status.st_mtime_ns, status.st_size, status.st_ino)
        if document.compared[0] != key:
            text = graph.engine.document_text(path)
            document.compared = (key, text is not None and graph.disk_has(path, text))
        return document.compared[1]


class SharedGraph:
    """The graph of a workspace for as many clients as want it."""

    def __init__(self, graph: Graph) -> None:
        self.base = _Lane(LiveGraph(graph))
        self._lanes = [self.base]
        self._lock = threading.Lock()
        self._started = False
        self._refusal: EngineError | None = None
        self._shows: list[Callable[[Progress], None]] = []
        self._refused: list[Callable[[EngineError], None]] = []

    @property
    def graph(self) -> Graph:
        """The graph that is shared."""
        return self.base.live.graph

    @property
    def status(self) -> Status:
        """How the shared graph is doing."""
        return self.base.live.status

    @property
    def pending(self) -> int:
        """How many changes wait for the writers."""
        with self._lock:
            return sum(lane.live.pending for lane in self._lanes)

    @property
    def clients(self) -> int:
        """How many clients there are."""
        with self._lock:
            return sum(len(lane.clients) for lane in self._lanes)

    @property
    def forks(self) -> int:
        """How many graphs there are beside the shared one."""
        with self._lock:
            return len(self._lanes) - 1

    def client(self, python: str = "") -> ClientGraph:
        """What a new client sees; `python` is the interpreter that it has chosen, if any."""
        return ClientGraph(self, python)

    def stop(self) -> None:
        """Stop all graphs; waits until nothing runs any more."""
        with self._lock:
            lanes, self._lanes = self._lanes, [self.base]
        for lane in lanes:
            lane.live.stop()

    def start(self, on_progress: Callable[[Progress], None], on_refused: Callable[[EngineError], None]) -> None:
        """Begin to follow the workspace, unless somebody did before, and tell one more client about it."""
        with self._lock:
            begins, self._started = not self._started, True
            self._shows.append(on_progress)
            self._refused.append(on_refused)
            refusal = self._refusal
        if refusal is not None:
            on_refused(refusal)
        elif begins:
            self.base.live.start(self._show, self._refuse)

    def forget(self, on_progress: Callable[[Progress], None], on_refused: Callable[[EngineError], None]) -> None:
        """Tell a client nothing any more."""
        with self._lock:
            self._shows.remove(on_progress)
            self._refused.remove(on_refused)

    def _show(self, progress: Progress) -> None:
        with self._lock:
            shows = tuple(self._shows)
        for show in shows:
            show(progress)

    def _refuse(self, error: EngineError) -> None:
        with self._lock:
            self._refusal = error
            refused = tuple(self._refused)
        for tell in refused:
            tell(error)

    def adopt(self, lane: _Lane, make: Callable[[], Graph | Program], told: Callable[[Exception | None], None]) -> None:
        """Let another graph take the place of each; `told` hears how it ended in one of them."""
        with self._lock:
            lanes = list(self._lanes)
        try:
            graphs = [make() for _ in lanes]
        except Exception as error:
            told(error)
            return
        for each, graph in zip(lanes, graphs, strict=True):
            each.live.adopt(lambda graph=graph: graph, told if each is lane else _tell_nobody)

    def first(self, client: ClientGraph) -> _Lane:
        """The lane of a client that has no text yet."""
        return self.base if self.base.join(client, {}) else self._own(client, {})

    def move(self, client: ClientGraph, lane: _Lane, paths: list[str]) -> _Lane:
        """The lane in which a client sees its own texts."""
        texts = {path: lane.text(client, path) for path in paths}
        with self._lock:
            others = [each for each in self._lanes if each is not lane]
        found = next((each for each in others if each.join(client, texts)), None) or self._own(client, texts)
        lane.leave(client, paths)
        self.release(lane)
        return found

    def back(self, client: ClientGraph, lane: _Lane, paths: list[str]) -> _Lane:
        """The shared lane if a client sees nothing else any more, and else the one that it is in."""
        texts = {path: lane.text(client, path) for path in paths}
        if not self.base.join(client, texts):
            return lane
        lane.leave(client, paths)
        self.release(lane)
        return self.base

    def _own(self, client: ClientGraph, texts: dict[str, str]) -> _Lane:
        lane = _Lane(self.base.live.fork())
        if client.python:
            lane.live.choose_python(client.python)
        lane.join(client, texts)
        with self._lock:
            self._lanes.append(lane)
        return lane

    def release(self, lane: _Lane) -> None:
        """Stop a fork that nobody uses."""
        with self._lock:
            is_over = lane is not self.base and not lane.clients and lane in self._lanes
            if is_over:
                self._lanes.remove(lane)
        if is_over:
            lane.live.stop()


def _tell_nobody(_error: Exception | None) -> None:
    """For graphs that nobody has asked about."""


class ClientGraph:
    """The graph of a workspace as one client sees it; the same verbs as those of `LiveGraph`.

    Messages of a client come from one thread, its questions are answered in many.
    """

    def __init__(self, shared: SharedGraph, python: str) -> None:
        self.python = python
        """The interpreter that the client has chosen, if any."""
        self._shared = shared
        self._lock = threading.RLock()
        self._versions: dict[str, int] = {}
        """Documents that the client has open, in its own versions."""
        self._subscribers: list[Callable[[Report], None]] = []
        self._hearers: list[Callable[[str], None]] = []
        self._ends: list[Callable[[], None]] = []
        self._listens: tuple[Callable[[Progress], None], Callable[[EngineError], None]] | None = None
        self._tried = (-1, -1)
        self._gone = False
        self._lane = shared.first(self)

    @property
    def graph(self) -> Graph:
        """The graph that holds the texts of this client."""
        return self._lane.live.graph

    @property
    def status(self) -> Status:
        """How the graph is doing."""
        return self._lane.live.status

    @property
    def revision(self) -> Moment:
        """What a question asked now has to wait for."""
        with self._lock:
            self._settle()
            lane = self._lane
            return Moment(lane, lane.live.revision, lane.epoch)

    def adopt(self, make: Callable[[], Graph | Program], told: Callable[[Exception | None], None]) -> None:
        """Go on with another graph of the same workspace, for all clients, as `LiveGraph` does; `told` hears how it ended here."""
        self._shared.adopt(self._lane, make, told)

    def start(self, on_progress: Callable[[Progress], None], on_refused: Callable[[EngineError], None]) -> None:
        """Begin to follow the workspace, if nobody did before."""
        self._listens = (on_progress, on_refused)
        self._shared.start(on_progress, on_refused)

    @property
    def is_keeping(self) -> bool:
        """Nothing of it is written when it leaves: the graph is that of all clients."""
        return False

    def stop(self) -> None:
        """Leave. What was held for this client alone is released."""
        with self._lock:
            if self._gone:
                return
            self._gone = True
            self._unsubscribe()
            if self._listens is not None:
                self._shared.forget(*self._listens)
            self._lane.leave(self, list(self._versions))
            self._versions.clear()
            self._shared.release(self._lane)

    def cancel_index(self) -> None:
        """Give up the first index if nobody else waits for it."""
        if len(self._lane.clients) < 2:
            self._lane.live.cancel_index()

    def subscribe(self, callback: Callable[[Report], None]) -> None:
        """Call back after each commit that this client sees, in the writer's thread."""
        with self._lock:
            self._subscribers.append(callback)
            self._subscribe()

    def subscribe_judged(self, callback: Callable[[str], None]) -> None:
        """Call back with the path of an open file after its syntax was judged, in a thread of its own."""
        with self._lock:
            self._hearers.append(callback)
            self._subscribe()

    def submit(self, *changes: Change) -> None:
        """Queue changes."""
        self._lane.live.submit(*changes)

    def compare(self) -> None:
        """Compare with the disk before the next answer: events may be on their way."""
        self._lane.live.submit(Rescan("a command asks"))

    def open(self, path: str, text: str, version: int) -> bytes:
        """Let the client own the text of a file; the syntax diagnostics."""
        with self._lock:
            found = self._lane.open(self, path, text)
            self._versions[path] = version
            if found is None:
                self._move()
                return self._lane.edit(self, path, b"[]")
            return found

    def edit(self, path: str, version: int, changes: bytes) -> bytes:
        """Apply the `contentChanges` of the client; the syntax diagnostics."""
        with self._lock:
            if self._lane.stamp(self, path) is None:
                self._move()
            found = self._lane.edit(self, path, changes)
            self._versions[path] = version
            return found

    def choose_python(self, python: str) -> None:
        """Look up imports in another environment from now on."""
        with self._lock:
            self.python = python
            if self._lane.live.graph.libraries.python == python:
                return
            if len(self._lane.clients) < 2:
                self._lane.live.choose_python(python)
            else:
                self._move()

    def save(self, path: str) -> None:
        """Note that the client wrote a file."""
        lane = self._lane
        lane.live.save(path)
        with lane.lock:
            lane.epoch += 1

    def close(self, path: str) -> None:
        """Give a file back to the disk."""
        with self._lock:
            self._versions.pop(path)
            self._lane.close(self, path)

    def snapshot(self) -> Snapshot:
        """The newest snapshot, whatever it holds."""
        return self._lane.live.snapshot()

    def version_of(self, snapshot: Snapshot, path: str) -> int | None:
        """The version of an open document that a snapshot holds, as this client counts."""
        stamp = self._lane.stamp(self, path)
        return self._versions.get(path) if stamp is not None and snapshot.version_of(path) == stamp else None

    def snapshot_for(self, moment: Moment | int, timeout: float | None = None) -> Snapshot:
        """The newest snapshot of what this client sees, once it holds everything before a question; raises `LiveError`."""
        now = self._now(moment)
        for _ in range(_MOST_MOVES):
            snapshot = now.lane.live.snapshot_for(now.revision, timeout)
            if now.lane is self._lane and (now.lane.epoch == now.epoch or now.lane.agrees(self)):
                return snapshot
            now = self.revision
        raise LiveError("graph-busy", "other clients change what this one sees too fast; ask again")

    def near_snapshot(self, moment: Moment | int, path: str, after: int = -1) -> Snapshot | None:
        """The same as that of `LiveGraph`, of what this client sees."""
        now = self._now(moment)
        return now.lane.live.near_snapshot(now.revision, path, after)

    def _now(self, moment: Moment | int) -> Moment:
        if isinstance(moment, Moment) and moment.lane is self._lane:
            return moment
        return self.revision

    def _settle(self) -> None:
        """See to it that what lies over the disk is what this client sees."""
        base = self._shared.base
        if self._lane is not base and (base.epoch, self._lane.epoch) != self._tried:
            self._tried = (base.epoch, self._lane.epoch)
            back = self._shared.back(self, self._lane, list(self._versions))
            if back is not self._lane:
                self._arrive(back)
        if not self._lane.agrees(self):
            self._move()

    def _move(self) -> None:
        if self._gone:
            raise LiveError("graph-stopped", "the client has left")
        self._arrive(self._shared.move(self, self._lane, list(self._versions)))

    def _arrive(self, lane: _Lane) -> None:
        self._lane = lane
        self._subscribe()

    def _subscribe(self) -> None:
        self._unsubscribe()
        lane = self._lane
        self._ends = [lane.live.subscribe(partial(self._tell, lane, callback)) for callback in self._subscribers]
        hearers = (partial(self._tell_judged, lane, callback) for callback in self._hearers)
        self._ends += [lane.live.subscribe_judged(hearer) for hearer in hearers]

    def _unsubscribe(self) -> None:
        for end in self._ends:
            end()
        self._ends = []

    def _tell_judged(self, lane: _Lane, callback: Callable[[str], None], path: str) -> None:
        if lane is self._lane and path in self._versions and lane.stamp(self, path) is not None:
            callback(path)

    def _tell(self, lane: _Lane, callback: Callable[[Report], None], report: Report) -> None:
        # Of a text that this client does not see it hears nothing; its next question gets it a graph of its own.
        if lane is self._lane and lane.agrees(self):
            versions = {path: self._versions[path] for path in report.documents if path in self._versions}
            callback(msgspec.structs.replace(report, documents=versions))
