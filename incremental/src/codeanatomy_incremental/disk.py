"""Reading files whose content nobody vouches for: never waits, never runs anything, never reads more than was asked for.

A path that comes from a workspace or an environment may be a pipe, a device, a loop of links or gone. All of these are normal
answers with a code of their own, never exceptions.
"""

from __future__ import annotations

import os
import stat


def read(path: str, limit: int) -> tuple[bytes | None, str]:
    """The bytes of a regular file, or the code of what forbids it: `source-vanished`, `source-unreadable`, `source-too-large`."""
    # Opening does not block, should a pipe stand or have come to stand there.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags)
        with open(descriptor, "rb", buffering=0) as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                return None, "source-unreadable"
            if status.st_size > limit:
                return None, "source-too-large"
            content = b"".join(iter(lambda: file.read(1 << 20), b""))
    except FileNotFoundError:
        return None, "source-vanished"
    except (OSError, ValueError):
        return None, "source-unreadable"
    return (None, "source-too-large") if len(content) > limit else (content, "")


def names(folder: str) -> dict[str, bool]:
    """What a folder holds, by name: whether each is a folder itself. Empty for what cannot be listed."""
    found: dict[str, bool] = {}
    try:
        with os.scandir(folder) as listing:
            for entry in listing:
                try:
                    found[entry.name] = entry.is_dir()
                except OSError:
                    # A loop of links is neither file nor folder.
                    found[entry.name] = False
    except (OSError, ValueError):
        return {}
    return found
