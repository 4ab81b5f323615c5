"""Has versions added to the history of a workspace when its daemon has nothing to do.

Another process does the work: it asks the daemon like any command, yields to everything else, and may be killed at any time.
"""

from __future__ import annotations

import logging
import os
import sys

logger = logging.getLogger(__name__)

_YIELDS = 10
"""How much less urgent it is than what people wait for."""


class Keeper:
    """Decides when a version is due, and follows the process that adds it."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._generation = 0
        self._changed = 0.0
        self._is_due = False
        self._process = 0
        self.said = "waiting"
        """waiting, writing, written, or failed with the exit code of `codeanatomy delta checkpoint`; the log says more."""

    def look(self, generation: int, is_busy: bool, idle_s: float, now: float) -> None:
        """Begin a checkpoint if something changed and nothing did for so long; called again and again, with the time."""
        self._follow()
        if generation != self._generation:
            self._generation, self._changed, self._is_due = generation, now, True
        if self._is_due and idle_s and not is_busy and not self._process and now - self._changed >= idle_s:
            self._is_due = False
            self._begin()

    def _begin(self) -> None:
        command = [sys.executable, "-P", "-m", "codeanatomy", "delta", "checkpoint", "--maintain", "--root", self._root]
        silence = os.open(os.devnull, os.O_RDWR)
        to_nowhere = [(os.POSIX_SPAWN_DUP2, silence, number) for number in (0, 1)]
        try:
            self._process = os.posix_spawn(sys.executable, command, os.environ, file_actions=to_nowhere)
            os.setpriority(os.PRIO_PROCESS, self._process, _YIELDS)
            self.said = "writing"
        except OSError as error:
            self.said = f"failed: {error.strerror}"
            logger.warning("the history is not kept: %s", error)
        finally:
            os.close(silence)

    def _follow(self) -> None:
        if not self._process:
            return
        process, status = os.waitpid(self._process, os.WNOHANG)
        if not process:
            return
        self._process = 0
        code = os.waitstatus_to_exitcode(status)
        self.said = "written" if code == 0 else f"failed: {code}"
        if code:
            logger.warning("the history is not kept: `codeanatomy delta checkpoint` ended with %d", code)
