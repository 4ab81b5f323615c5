"""Exit codes of the command line. Stable: programs match them."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """How a command ended."""

    OK = 0
    FINDINGS = 1
    BAD_INPUT = 2
    BAD_PACK = 3
    BROKEN_RULE = 4
    RUNTIME = 5
    ENGINE_MISSING = 10


class InputError(Exception):
    """Something that the user gave is wrong; the message says what, and what would be right."""
