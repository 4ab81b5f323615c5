"""Where the daemon of a workspace is, and how it begins.

A daemon is named by the real path of its workspace, the program that is installed and the environment variables that choose a
Python. It holds a lock on a file for as long as it lives; whoever gets the lock opens the socket and becomes its parent, so there
is never a second one, and nobody waits for a socket that is not there yet. Folder 0700, socket 0600, and both sides ask the system
whose process the other one is.
"""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import struct
import sys
import time
import zlib
from collections.abc import Callable
from typing import NamedTuple

from codeanatomy import __version__

_BEGIN_S = 10.0
"""How long a daemon that somebody else starts may take until it can be reached."""

_LONGEST = 100
"""Paths of sockets are cut off soon after this many bytes."""


class DaemonError(Exception):
    """There is no daemon to be had; `code` says why."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class Place(NamedTuple):
    """The files of one daemon."""

    root: str
    """The workspace, as it was named first."""

    identity: str
    """What must be equal for a daemon to answer: program and environment."""

    base: str

    @property
    def socket(self) -> str:
        """Where it listens."""
        return f"{self.base}.sock"

    @property
    def lock(self) -> str:
        """What it holds; its text is the number of the process and the workspace."""
        return f"{self.base}.lock"

    @property
    def log(self) -> str:
        """What it has to say."""
        return f"{self.base}.log"


def is_supported() -> bool:
    """Whether this system has sockets with owners and processes that fork."""
    return hasattr(socket, "AF_UNIX") and hasattr(os, "fork") and sys.platform != "win32"


def of(root: str) -> Place:
    """The place of the daemon of a workspace; raises `DaemonError` where there can be none."""
    if not is_supported():
        raise DaemonError(
            "daemon-unsupported", "this system has no Unix sockets; the server runs in the process itself"
        )
    identity = "\n".join(
        (__version__, _engine(), *(os.environ.get(name, "") for name in ("VIRTUAL_ENV", "CONDA_PREFIX")))
    )
    real = os.path.realpath(root)
    text = f"{real}\n{identity}".encode("utf-8", "surrogateescape")
    name = f"{zlib.crc32(text):08x}{zlib.adler32(text):08x}"
    return Place(root, identity, os.path.join(folder(), name))


def folder() -> str:
    """The folder of all daemons of this user, made if need be; raises `DaemonError` if others could get at it."""
    environ = os.environ
    own = [environ.get("CODEANATOMY_RUNTIME_DIR", "")]
    if environ.get("XDG_RUNTIME_DIR"):
        own.append(os.path.join(environ["XDG_RUNTIME_DIR"], "codeanatomy"))
    own.append(f"/tmp/codeanatomy-{os.getuid()}")
    path = next((each for each in own if os.path.isabs(each) and len(os.fsencode(each)) + 24 < _LONGEST), own[-1])
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
        status = os.lstat(path)
    except OSError as error:
        raise DaemonError("daemon-no-place", f"{path} cannot be made: {error.strerror}") from error
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) & 0o077:
        raise DaemonError("daemon-no-place", f"{path} is not a folder of this user alone (mode 0700)")
    return path


def connect(place: Place) -> socket.socket | None:
    """A connection to a running daemon, if there is one of this user."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(place.socket)
    except OSError:
        connection.close()
        return None
    if not is_ours(connection):
        connection.close()
        raise DaemonError("daemon-not-ours", f"{place.socket} belongs to somebody else")
    return connection


def is_ours(connection: socket.socket) -> bool:
    """Whether the other side is a process of this user."""
    if hasattr(socket, "SO_PEERCRED"):
        packed = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return struct.unpack("3i", packed)[1] == os.getuid()
    # Where the system does not say, the folder that only we can enter has to do.
    return True


def reach(place: Place) -> socket.socket:
    """A connection to the daemon, which is started if it does not run; raises `DaemonError`."""
    # The engine has threads of its own, which a fork would lose.
    return _reach(place, _start_afresh if "codeanatomy_engine" in sys.modules else _start)


def begin(place: Place) -> None:
    """See to it that the daemon runs, as a child of this process if need be, which has loaded no engine; raises `DaemonError`."""
    assert "codeanatomy_engine" not in sys.modules, "a process with threads must not fork"
    _reach(place, _start).close()


def _reach(place: Place, start: Callable[[Place], bool]) -> socket.socket:
    deadline = time.monotonic() + _BEGIN_S
    while time.monotonic() < deadline:
        connection = connect(place)
        if connection is not None:
            return connection
        if not start(place):
            # Somebody else is starting it, or it is about to end.
            time.sleep(0.005)
    raise DaemonError("daemon-unreachable", f"the daemon of {place.root} does not listen; see {place.log}")


def holder(place: Place) -> int:
    """The process that holds the lock, if any; 0 otherwise."""
    import fcntl

    try:
        descriptor = os.open(place.lock, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return 0
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return 0
    except BlockingIOError:
        number = os.read(descriptor, 32).split(b"\n")[0]
        return int(number) if number.isdigit() else 0
    finally:
        os.close(descriptor)


def _start_afresh(place: Place) -> bool:
    """Have a process that has loaded nothing start the daemon; whether it did."""
    # Not from the folder that we happen to be in.
    command = [sys.executable, "-P", "-m", "codeanatomy", "daemon", "start", "--root", place.root]
    silence = os.open(os.devnull, os.O_RDWR)
    to_nowhere = [(os.POSIX_SPAWN_DUP2, silence, number) for number in (0, 1, 2)]
    _, ended = os.waitpid(os.posix_spawn(sys.executable, command, os.environ, file_actions=to_nowhere), 0)
    os.close(silence)
    return ended == 0


def _start(place: Place) -> bool:
    """Become the parent of the daemon, unless another process has the lock; whether it is so."""
    import fcntl

    try:
        lock = os.open(place.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise DaemonError("daemon-no-place", f"{place.lock} cannot be made: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return False
    try:
        listener = _listen(place)
        log = os.open(place.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        child = os.fork()
        if child == 0:
            _become(place, listener, lock, log)
        os.close(log)
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{child}\n{place.root}\n".encode("utf-8", "surrogateescape"), 0)
        listener.close()
    except OSError as error:
        raise DaemonError("daemon-no-place", f"{place.socket} cannot be opened: {error.strerror}") from error
    finally:
        os.close(lock)
    return True


def _listen(place: Place) -> socket.socket:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(place.socket)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(place.socket)
    finally:
        os.umask(before)
    listener.listen(64)
    return listener


def _become(place: Place, listener: socket.socket, lock: int, log: int) -> None:
    """Be the daemon from here on, with nothing left of the process that we were."""
    code = 70
    try:
        os.setsid()
        os.umask(0o077)
        silence = os.open(os.devnull, os.O_RDONLY)
        os.dup2(silence, 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        kept = sorted((listener.fileno(), lock))
        os.closerange(3, kept[0])
        os.closerange(kept[0] + 1, kept[1])
        os.closerange(kept[1] + 1, os.sysconf("SC_OPEN_MAX") if os.sysconf("SC_OPEN_MAX") < 65536 else 65536)
        os.chdir("/")

        from codeanatomy.daemon import serve

        code = serve.run(place, listener)
    except BaseException:
        import traceback

        traceback.print_exc(file=sys.__stderr__)
    finally:
        if sys.__stderr__ is not None:
            sys.__stderr__.flush()
        os._exit(code)


def _engine() -> str:
    """What is installed as the engine: its path, size and time, so that an update makes other daemons."""
    import importlib.util

    spec = importlib.util.find_spec("codeanatomy_engine")
    if spec is None or not spec.submodule_search_locations:
        return ""
    package = next(iter(spec.submodule_search_locations))
    status = os.stat(os.path.join(package, "_native.abi3.so"))
    return f"{package} {status.st_size} {status.st_mtime_ns}"
