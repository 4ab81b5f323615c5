"""What holds for every test: caches and daemons of the person who runs them are not touched, and none is left behind."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def _own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    names = ("CODEANATOMY_CACHE_DIR", "CODEANATOMY_DATA_DIR")
    before = {name: os.environ.get(name) for name in names}
    for name in names:
        os.environ[name] = str(tmp_path_factory.mktemp(name.split("_")[1].lower()))
    yield
    for name, value in before.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value


@pytest.fixture(scope="session", autouse=True)
def _own_daemons() -> Iterator[None]:
    # Paths of sockets are short; those of pytest are not.
    folder = Path(tempfile.mkdtemp(prefix="ca-"))
    before = os.environ.get("CODEANATOMY_RUNTIME_DIR")
    os.environ["CODEANATOMY_RUNTIME_DIR"] = str(folder)
    yield
    if before is None:
        del os.environ["CODEANATOMY_RUNTIME_DIR"]
    else:
        os.environ["CODEANATOMY_RUNTIME_DIR"] = before
    for lock in folder.glob("*.lock"):
        pid = _holder(lock)
        if pid:
            with contextlib.suppress(ProcessLookupError):  # it may end by itself
                os.kill(pid, signal.SIGKILL)
    # One that is ending removes its socket by itself.
    shutil.rmtree(folder, ignore_errors=True)


def _holder(lock: Path) -> int:
    """The process that still holds a lock, if one does."""
    from codeanatomy.daemon.place import Place, holder

    return holder(Place("", "", str(lock.with_suffix(""))))
