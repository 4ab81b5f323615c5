"""What is wrong with a file: its syntax, and what diagnostic rules say of it.

Syntax comes with every keystroke and rules only with the next snapshot, so the two kinds must be told apart: the code says.
"""

from __future__ import annotations

import msgspec

from codeanatomy_engine import Snapshot

_OF_SOURCE = ("syntax-", "source-")


class _Coded(msgspec.Struct, frozen=True):
    code: str | int = ""


def diagnostics(snapshot: Snapshot, path: str) -> bytes:
    """Everything that is wrong with a file, as LSP `Diagnostic[]`."""
    return snapshot.diagnostics(path)


def of_rules(found: bytes) -> bytes:
    """Those of some diagnostics that rules made, as LSP `Diagnostic[]`."""
    if found == b"[]":
        return found
    kept = [
        raw
        for raw in msgspec.json.decode(found, type=list[msgspec.Raw])
        if not str(msgspec.json.decode(raw, type=_Coded).code).startswith(_OF_SOURCE)
    ]
    return msgspec.json.encode(kept)


def together(syntax: bytes, rules: bytes) -> bytes:
    """Two lists of diagnostics as one."""
    if rules == b"[]":
        return syntax
    return rules if syntax == b"[]" else syntax[:-1] + b"," + rules[1:]
