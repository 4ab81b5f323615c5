"""Turns file system events into changes, as a hint.

The only place that knows `watchfiles`. Its defaults wait 50 ms and longer, so a small step is set here; events may be lost (an
overflow is not reported, a path that is no text ends the watch), which is why nothing depends on getting any: the caller
compares with the disk at its own pace. Where the system refuses to watch, `WatchError` says so and the caller compares more
often.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol

from codeanatomy_incremental.change import Change, Created, Deleted, Modified

if TYPE_CHECKING:
    import watchfiles


class StopEvent(Protocol):
    """What ends a watch."""

    def is_set(self) -> bool:
        """Whether the watch has to end."""
        ...


class WatchError(Exception):
    """The system cannot watch this directory; the message says why and what helps."""


def watch(
    root: str, step_ms: int, is_of_interest: Callable[[str], bool], stop: StopEvent
) -> Iterator[tuple[Change, ...]]:
    """The changes below a directory, a tuple for each run of events, until `stop` is set.

    `is_of_interest` sees the name of a file or directory without its folder.
    """
    # It brings asyncio along: nobody's first answer shall wait for that.
    import watchfiles

    real = os.path.realpath(root)

    def concerns(_kind: watchfiles.Change, path: str) -> bool:
        return path != real and f"{os.sep}.git{os.sep}" not in path and is_of_interest(os.path.basename(path))

    try:
        for events in watchfiles.watch(
            real,
            watch_filter=concerns,
            step=step_ms,
            debounce=max(50, 5 * step_ms),
            rust_timeout=500,
            yield_on_timeout=False,
            stop_event=stop,
            raise_interrupt=False,
            ignore_permission_denied=True,
        ):
            changes = tuple(_change(kind, path, real) for kind, path in sorted(events))
            if changes:
                yield changes
    except (OSError, RuntimeError, UnicodeError) as error:
        raise WatchError(_reason(error)) from error


def _change(kind: watchfiles.Change, path: str, root: str) -> Change:
    relative = os.path.relpath(path, root).replace(os.sep, "/")
    match kind.name:
        case "added":
            return Created(path=relative)
        case "modified":
            return Modified(path=relative)
        case "deleted":
            return Deleted(path=relative)


def _reason(error: Exception) -> str:
    number = getattr(error, "errno", None)
    text = str(error)
    if number == errno.ENOSPC or "limit" in text or "No space left" in text:
        return "the system allows no more watched directories; raise fs.inotify.max_user_watches"
    if number == errno.EMFILE or "Too many open files" in text:
        return "the system allows no more watchers; raise fs.inotify.max_user_instances"
    return text or type(error).__name__
