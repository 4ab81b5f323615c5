"""A workspace with a daemon of its own, which goes with the test."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.editor import FRONT, PATIENCE_S, Editor
from codeanatomy.daemon import caller, place
from tests.support import shop


class Home:
    """A workspace and what is known of its daemon."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.place = place.of(str(root))

    def editor(self, **more: Any) -> Editor:
        """An editor that has not said hello yet."""
        return Editor(self.root, FRONT, **more)

    def status(self) -> dict[str, Any]:
        """What the daemon says of itself."""
        found = caller.control(str(self.root), "status")
        assert found is not None
        return found

    @property
    def pid(self) -> int:
        """The process of the daemon; 0 without one."""
        return place.holder(self.place)

    def kill(self) -> int:
        """End the daemon as a crash does; the process that it was."""
        until(lambda: self.pid != 0)
        pid = self.pid
        os.kill(pid, signal.SIGKILL)
        until(lambda: self.pid != pid)
        return pid


def until(holds: Callable[[], bool], within: float = PATIENCE_S) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline, "it does not come to hold"
        time.sleep(0.01)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(shop.build(tmp_path / "ws"))
    yield made
    if pid := made.pid:
        with contextlib.suppress(ProcessLookupError):  # it may end by itself
            os.kill(pid, signal.SIGKILL)
