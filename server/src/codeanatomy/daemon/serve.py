"""The daemon: one process that holds the graph of a workspace and answers editors and commands about it.

Each connection has a thread and a session of its own: documents, capabilities and diagnostics of one client are nothing to
another one. The process ends when nobody was connected for a while, when its workspace is gone, or when it is told to.
"""

from __future__ import annotations

import contextlib
import gc
import json
import logging
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from codeanatomy_engine import CancelToken, Compiling, EngineError, Snapshot, give_back

from codeanatomy_incremental import image
from codeanatomy_incremental.live import Graph, LiveError
from codeanatomy_incremental.options import Options, RulesOptions
from codeanatomy_incremental.packs import load as packs
from codeanatomy_incremental.packs.load import PackError
from codeanatomy_incremental.shared import ClientGraph, SharedGraph
from codeanatomy_incremental.strict_toml import TomlError
from codeanatomy_incremental.workspace import SourceBytes

from codeanatomy import __version__, config
from codeanatomy.daemon import place
from codeanatomy.daemon.keeper import Keeper
from codeanatomy.daemon.outbox import Outbox
from codeanatomy.lsp import frames
from codeanatomy.lsp.frames import FrameError, read_frame
from codeanatomy.lsp.session import Client

logger = logging.getLogger(__name__)

_TICK_S = 0.5
"""How often the daemon looks whether it is still wanted."""

_TIDY_S = 5.0
"""Memory is not given back more often, however many come and go."""

_NOT_KEPT = "history-not-kept"

_ASKED = frozenset(
    {"definition", "references", "explain", "diagnostics", "paths", "query", "bundle", "outputs", "plan", "stats"}
)
"""Questions of a snapshot that commands may ask."""


def run(at: place.Place, listener: socket.socket) -> int:
    """Be the daemon of a workspace until it is over; the exit code."""
    image.name_first(at.root, os.environ)
    # Compiled in a thread of the engine while the rest is loaded.
    ahead = Compiling(packs.load(config.packs_of(Path(at.root), RulesOptions()), Path(), ()).document)
    sys.setswitchinterval(0.0005)
    # In place of whatever the process logged to that this one was forked from.
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger().handlers = [handler]
    logging.getLogger().setLevel("INFO")
    logging.getLogger("watchfiles").setLevel("WARNING")
    return Daemon(at, listener, ahead).run()


class SharedGraphs:
    """The graphs of a daemon: one for each folder, options, program and interpreter."""

    encoding = "utf-16"

    def __init__(self, ahead: Compiling | None, kept: str) -> None:
        """The newest graph of the folder `kept` is not released."""
        self._kept = kept
        self._ahead = ahead
        self._lock = threading.Lock()
        self._graphs: list[SharedGraph] = []

    def open(self, settings: config.Configuration, client: Client) -> ClientGraph:
        """What a client sees of a folder."""
        return self.shared(settings, client.python).client(client.python)

    def new(self, settings: config.Configuration, client: Client) -> Graph:
        """A graph that takes the place of a shared one."""
        return self._new(settings, client.python)

    def shared(self, settings: config.Configuration, python: str) -> SharedGraph:
        """The graph of a folder, made if need be; for whoever has chosen no interpreter it may be that of any."""
        with self._lock:
            found = (each for each in reversed(self._graphs) if _serves(each.graph, settings, python))
            graph = next(found, None)
            if graph is None:
                graph = SharedGraph(self._new(settings, python))
                self._graphs.append(graph)
            return graph

    def _new(self, settings: config.Configuration, python: str) -> Graph:
        return Graph(settings.root, settings.options, settings.program, self.encoding, python, self._ahead, True)

    def all(self) -> list[SharedGraph]:
        """All graphs, the newest last."""
        with self._lock:
            return list(self._graphs)

    def released(self) -> None:
        """Release graphs that nobody uses, but for the newest one of the folder that is kept."""
        with self._lock:
            newest = next((each for each in reversed(self._graphs) if os.fspath(each.graph.root) == self._kept), None)
            over = [each for each in self._graphs if not each.clients and each is not newest]
            self._graphs = [each for each in self._graphs if each not in over]
        for graph in over:
            graph.stop()


def _serves(graph: Graph, settings: config.Configuration, python: str) -> bool:
    """Whether a graph is what a client with these settings would get for itself."""
    is_same = (graph.root, graph.options, graph.program) == (settings.root, settings.options, settings.program.document)
    return is_same and python in ("", graph.libraries.python)


class Daemon:
    """The process with its clients."""

    def __init__(self, at: place.Place, listener: socket.socket, ahead: Compiling | None = None) -> None:
        self._place = at
        self._listener = listener
        self._graphs = SharedGraphs(ahead, at.root)
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._clients = 0
        self._served = 0
        self._began = self._idle_since = time.monotonic()
        self._over = threading.Event()
        self._keeper = Keeper(at.root)
        self._told = self._keeper.said
        self._has_parted = False
        """Whether somebody has left since memory was last given back."""
        self._tidied = 0.0

    def run(self) -> int:
        """Serve until it is over; the exit code."""
        signal.signal(signal.SIGTERM, lambda _number, _frame: self._over.set())
        for each in (signal.SIGINT, signal.SIGHUP):
            signal.signal(each, signal.SIG_IGN)
        root = os.stat(self._place.root)
        self._listener.settimeout(_TICK_S)
        logger.info("serving %s as process %d, version %s", self._place.root, os.getpid(), __version__)
        looked = time.monotonic()
        while not self._over.is_set():
            with contextlib.suppress(TimeoutError):
                connection, _ = self._listener.accept()
                connection.settimeout(None)
                threading.Thread(target=self._serve, args=(connection,), name="codeanatomy-client", daemon=True).start()
            # Also while one after the other comes.
            if time.monotonic() < looked + _TICK_S:
                continue
            looked = time.monotonic()
            reason = self._reason_to_end(root)
            if reason:
                logger.info("ending: %s", reason)
                break
            self._keep_history()
            self._tidy()
        # Nobody finds it any more; the lock goes with the process.
        os.unlink(self._place.socket)
        self._listener.close()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            _end(connection)
        return 0

    def _reason_to_end(self, root: os.stat_result) -> str:
        try:
            now = os.stat(self._place.root)
        except OSError:
            return "the workspace is gone"
        if (now.st_dev, now.st_ino) != (root.st_dev, root.st_ino):
            return "the workspace was replaced"
        with self._lock:
            idle = 0.0 if self._connections else time.monotonic() - self._idle_since
        return "nobody is connected" if idle > self._idle_s() else ""

    def _tidy(self) -> None:
        """Give back what those who left have held, once nobody waits for anything: objects that hold each other, and memory that the
        allocators keep for the next thread of theirs. Both grow with every editor that comes and goes if nobody does."""
        now = time.monotonic()
        if not self._has_parted or now < self._tidied + _TIDY_S or any(graph.pending for graph in self._graphs.all()):
            return
        self._has_parted, self._tidied = False, now
        gc.collect()
        give_back()

    def _keep_history(self) -> None:
        graphs = self._graphs.all()
        # A version that lacks what a rule would say, if it worked, would tell of changes that nobody made.
        if graphs and not graphs[-1].graph.engine.aside():
            state = graphs[-1].status.state
            is_busy = state != "live" or any(graph.pending for graph in graphs)
            idle_s = graphs[-1].graph.options.history.idle_s
            self._keeper.look(_generation(graphs[-1]), is_busy, idle_s, time.monotonic())
            engine = graphs[-1].graph.engine
            if self._keeper.said != self._told and self._keeper.said.startswith("failed"):
                engine.note_fault(_NOT_KEPT, "persist", self._keeper.said, "")
            elif self._keeper.said == "written":
                engine.works_again(_NOT_KEPT, "")
            self._told = self._keeper.said

    def _idle_s(self) -> float:
        graphs = self._graphs.all()
        return graphs[-1].graph.options.daemon.idle_s if graphs else Options().daemon.idle_s

    def _serve(self, connection: socket.socket) -> None:
        """Serve one connection; nothing that it does ends the daemon."""
        if not place.is_ours(connection):
            logger.warning("a process of another user was refused")
            connection.close()
            return
        with self._lock:
            self._connections.add(connection)
            self._served += 1
            name = f"daemon-{os.getpid()}-{self._served}"
        stream = connection.makefile("rb")
        try:
            self._talk(connection, stream, name)
        except (OSError, FrameError) as error:
            logger.info("%s: %s", name, error)
        except Exception:
            logger.exception("%s failed", name)
        finally:
            with self._lock:
                self._connections.discard(connection)
                self._idle_since = time.monotonic()
            # The descriptor is open for as long as one of both is.
            stream.close()
            _end(connection)

    def _talk(self, connection: socket.socket, stream: BinaryIO, name: str) -> None:
        body = read_frame(stream)
        if body is None:
            return
        hello = _read(body)
        if hello.get("identity") != self._place.identity:
            error = ("daemon-other-version", "this daemon is of another version", "", "answer", "")
            connection.sendall(frames.frame(_refusal(*error)))
            return
        is_client = hello.get("kind") in ("editor", "command")
        with self._lock:
            self._clients += is_client
        try:
            self._greeted(hello, connection, stream, name)
        finally:
            # A client counts until what was held for it alone is gone.
            self._graphs.released()
            with self._lock:
                self._clients -= is_client
                self._has_parted |= is_client

    def _greeted(self, hello: dict[str, Any], connection: socket.socket, stream: BinaryIO, name: str) -> None:
        match hello.get("kind"):
            case "editor":
                from codeanatomy.lsp.server import Server

                outbox = Outbox(connection)
                Server(stream, outbox, self._graphs, name).serve()
                outbox.close()
            case "command":
                self._command(connection, stream, str(hello.get("root")))
            case "start":
                self._follow(self._place.root).stop()
                connection.sendall(frames.frame(b"+" + json.dumps(self.status()).encode()))
            case "status":
                connection.sendall(frames.frame(b"+" + json.dumps(self.status()).encode()))
            case "stop":
                connection.sendall(frames.frame(b"+" + json.dumps({"pid": os.getpid()}).encode()))
                self._over.set()
            case _:
                connection.sendall(frames.frame(_refusal("bad-message", "this is no greeting", "", "answer", "")))

    def _command(self, connection: socket.socket, stream: BinaryIO, root: str) -> None:
        """Answer questions about one snapshot."""
        graph: ClientGraph | None = None
        snapshot: Snapshot | None = None
        sources: dict[str, SourceBytes] = {}
        try:
            while (body := read_frame(stream)) is not None:
                try:
                    if snapshot is None or graph is None:
                        graph = self._follow(root)
                        before = graph.graph.sources()
                        snapshot = graph.snapshot_for(graph.revision).counting("utf-32")
                        # What was read meanwhile may be in the snapshot or not.
                        after = graph.graph.sources()
                        sources = {path: known for path, known in after.items() if before.get(path, known) == known}
                    asked = _read(body)
                    if asked.get("ask") == "hear":
                        heard = _hear(graph, asked.get("arguments"))
                        snapshot = graph.snapshot().counting("utf-32")
                        answer = b"+%d" % heard
                    else:
                        answer = b"+" + _answer(graph, snapshot, sources, asked)
                except (TomlError, PackError) as error:
                    answer = _refusal("bad-config", str(error), "", "decode", "")
                except EngineError as error:
                    answer = _refusal(error.code, str(error), error.hint, error.stage, error.where)
                except LiveError as error:
                    answer = _refusal(error.code, str(error), "", "run", "")
                connection.sendall(frames.frame(answer))
        finally:
            if graph is not None:
                graph.stop()

    def _follow(self, root: str) -> ClientGraph:
        """The workspace as it is on disk now, for one command."""
        graph = self._graphs.shared(config.load(Path(root)), "").client()
        graph.start(lambda _: None, lambda _: None)
        graph.compare()
        return graph

    def status(self) -> dict[str, Any]:
        """How the daemon is doing."""
        # Before the graphs: those of a client that is not counted any more are not counted either.
        with self._lock:
            clients = self._clients
        graphs = self._graphs.all()
        return {
            "pid": os.getpid(),
            "root": self._place.root,
            "version": __version__,
            "uptime_s": round(time.monotonic() - self._began, 3),
            "clients": clients,
            "generation": _generation(graphs[-1]) if graphs else 0,
            "memory_bytes": _memory(),
            "pending": sum(graph.pending for graph in graphs),
            "threads": threading.active_count(),
            "graphs": sum(1 + graph.forks for graph in graphs),
            "state": graphs[-1].status.state if graphs else "waiting",
            "watching": graphs[-1].status.watching if graphs else "",
            "image": graphs[-1].status.image if graphs else "",
            "history": self._keeper.said,
            "faults": [each for graph in graphs for each in _faults(graph)],
            "log": self._place.log,
        }


def _hear(graph: ClientGraph, arguments: object) -> int:
    """Ask witnesses about files, for a command; how many answered."""
    match arguments:
        case [list(names), list(paths), bool(is_brief)]:
            return graph.graph.hear_all(list(map(str, names)), list(map(str, paths)), CancelToken(), is_brief)
        case _:
            raise LiveError("bad-message", "witnesses are asked by names, about paths")


def _answer(graph: ClientGraph, snapshot: Snapshot, sources: dict[str, SourceBytes], asked: dict[str, Any]) -> bytes:
    what, arguments = asked.get("ask"), asked.get("arguments")
    match what, arguments:
        case "begin", []:
            return b""
        case "sources", []:
            return msgspec.json.encode(sources)
        case "package", []:
            # A run is exported rarely, and a person waits for the daemon to start.
            from codeanatomy_incremental import package

            return package.written(package.made(graph.graph, snapshot))
        case "source_line", [str(path), int(line)]:
            return graph.graph.source_line(path, line).encode("utf-8", "surrogatepass")
        case _:
            pass
    if what not in _ASKED or not isinstance(arguments, list):
        raise LiveError("bad-message", f"there is no question {what!r}")
    found: bytes | list[str] = getattr(snapshot, str(what))(*arguments)
    return found if isinstance(found, bytes) else msgspec.json.encode(found)


def _refusal(code: str, message: str, hint: str, stage: str, where: str) -> bytes:
    said = {"code": code, "message": message, "hint": hint, "stage": stage, "where": where}
    return b"-" + json.dumps(said).encode()


def _read(body: bytes) -> dict[str, Any]:
    try:
        message = json.loads(body)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}


def _generation(graph: SharedGraph) -> int:
    if graph.status.state in ("waiting", "indexing"):
        return 0
    return graph.graph.engine.snapshot().generation


def _faults(graph: SharedGraph) -> list[dict[str, Any]]:
    """What fails now."""
    return [each for each in json.loads(graph.graph.engine.faults()) if not each["until"]]


def _memory() -> int:
    """Resident bytes; the most there ever were where the system says no more."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _end(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the other side may have been first
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
