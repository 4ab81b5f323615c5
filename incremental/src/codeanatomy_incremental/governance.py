"""Decisions about parts of a workspace, as data that is read before work starts: `governance.toml` at its root.

A signal says of a scope (a module and all below it, a path or pattern of paths, or `*`) that it is clean, blocked, to be worked on with care, or
waiting for a decision; why, by whom it was recorded, and when it expires. Of those that cover a file and have not expired the one with the
narrowest scope counts, of several the last. So a clean part of a blocked package is a second signal, and no signal ever needs to be edited.
"""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

import msgspec

from codeanatomy_incremental import disk, strict_toml

FILE = "governance.toml"

CODES = {
    "governance-blocked": "A signal blocks work on a part of the workspace.",
    "governance-pending": "A part of the workspace waits for a decision.",
    "governance-warning": "A signal asks for care with a part of the workspace.",
    "governance-expired": "A signal has expired and counts no more.",
}
"""What the code of each finding of `codeanatomy check` means."""

_MOST_BYTES = 1 << 20

Status = Literal["CLEAN", "BLOCKED", "WARN", "PENDING"]


class Signal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One decision."""

    status: Status
    scope: str
    """A dotted module, which stands for everything below it; a path or a pattern of paths (anything with `/` or a suffix); or `*`."""
    reason: str
    recorded_by: str
    expires_at: datetime.date | None = None
    """The last day on which it counts; left out, it counts until it is taken back."""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    signals: tuple[Signal, ...] = ()


class Placed(msgspec.Struct, frozen=True):
    """A signal with the line on which it begins, and whether it counts today."""

    signal: Signal
    line: int
    in_force: bool


def read(root: Path, today: datetime.date) -> tuple[Placed, ...]:
    """The signals of a workspace, in the order in which they were recorded; raises `TomlError` if the file is wrong."""
    content, wrong = disk.read(os.fspath(root / FILE), _MOST_BYTES)
    if content is None:
        if wrong == "source-vanished":
            return ()
        raise strict_toml.TomlError(FILE, None, "", f"cannot be read: {wrong}")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise strict_toml.TomlError(FILE, None, "", "is not UTF-8 text") from error
    signals = strict_toml.decode(text, FILE, _File).signals
    lines = [number for number, line in enumerate(text.splitlines(), start=1) if line.strip().startswith("[[signals]]")]
    lines += [1] * (len(signals) - len(lines))
    return tuple(
        Placed(signal, line, signal.expires_at is None or signal.expires_at >= today)
        for signal, line in zip(signals, lines, strict=False)
    )


def decided(signals: Sequence[Placed], path: str, module: str) -> Signal | None:
    """The signal that counts for a file, if any."""
    covering = [each.signal for each in signals if each.in_force and covers(each.signal.scope, path, module)]
    # The last of those that are as narrow as the narrowest.
    return max(enumerate(covering), key=lambda each: (len(each[1].scope.rstrip("*")), each[0]), default=(0, None))[1]


def covers(scope: str, path: str, module: str) -> bool:
    """Whether a file lies in a scope."""
    if scope == "*":
        return True
    if "/" in scope or scope.endswith((".py", ".pyi", ".ipynb")):
        return fnmatchcase(path, scope) or path.startswith(scope.rstrip("/") + "/")
    return module == scope or module.startswith(f"{scope}.")


def record(root: Path, signal: Signal) -> None:
    """Write a signal behind the others."""
    file = root / FILE
    before = file.read_text("utf-8") if file.is_file() else ""
    lines = ["[[signals]]"]
    lines += [f"{key} = {json.dumps(getattr(signal, key))}" for key in ("status", "scope", "reason", "recorded_by")]
    if signal.expires_at is not None:
        lines.append(f"expires_at = {signal.expires_at.isoformat()}")
    gap = "\n" if before and not before.endswith("\n\n") else ""
    file.write_text(before + gap + "\n".join(lines) + "\n", "utf-8")


def rows(signals: Sequence[Placed]) -> bytes:
    """The rows of the table `governance_signals`, for the engine."""
    told = [
        {
            "status": each.signal.status,
            "scope": each.signal.scope,
            "reason": each.signal.reason,
            "recorded_by": each.signal.recorded_by,
            "expires_at": "" if each.signal.expires_at is None else each.signal.expires_at.isoformat(),
            "in_force": each.in_force,
            "line": each.line,
        }
        for each in signals
    ]
    return msgspec.json.encode(told)
