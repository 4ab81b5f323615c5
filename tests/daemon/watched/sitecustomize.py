"""Writes down what a process does, and every process that it forks: one line for each event that the interpreter audits."""

from __future__ import annotations

import os
import sys
import threading

_BUSY = threading.local()
_LOG = os.environ["WATCHED_LOG"]
_TOLD = frozenset(
    {
        "open",
        "exec",
        "import",
        "os.system",
        "os.exec",
        "os.posix_spawn",
        "os.spawn",
        "subprocess.Popen",
        "os.fork",
        "ctypes.dlopen",
    }
    | {
        "os.listdir",
        "os.scandir",
        "socket.connect",
        "socket.bind",
        "os.remove",
        "os.rename",
        "os.mkdir",
        "os.rmdir",
        "os.symlink",
    }
    | {"pty.spawn", "os.startfile", "code.__new__", "webbrowser.open", "urllib.Request", "shutil.rmtree"}
)


def _tell(event: str, arguments: tuple[object, ...]) -> None:
    if event not in _TOLD or getattr(_BUSY, "is_so", False):
        return
    _BUSY.is_so = True
    try:
        match event:
            case "exec":
                what: object = getattr(arguments[0], "co_filename", "")
            case "import":
                what = arguments[1]
            case "socket.connect" | "socket.bind":
                what = arguments[1]
            case _:
                what = arguments[0] if arguments else ""
        if isinstance(what, bytes):
            what = os.fsdecode(what)
        if isinstance(what, str) and event in ("open", "os.listdir", "os.scandir", "exec") and not what.startswith("<"):
            what = os.path.abspath(what)
        log = os.open(_LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(log, f"{event}\t{what}\n".encode("utf-8", "backslashreplace"))
        os.close(log)
    finally:
        _BUSY.is_so = False


sys.addaudithook(_tell)
