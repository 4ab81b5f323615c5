"""What the graph knows of a stretch of code and its text does not say."""

from __future__ import annotations

from codeanatomy_engine import Snapshot

from codeanatomy_incremental.options import InlayHintsOptions


def inlay_hint(
    snapshot: Snapshot, path: str, start: tuple[int, int], end: tuple[int, int], options: InlayHintsOptions
) -> bytes:
    """Names of parameters, classes of variables and of what functions return, between two lines and characters, as LSP
    `InlayHint[]`."""
    kinds = [
        kind
        for kind, wanted in (
            ("parameter_names", options.parameter_names),
            ("variable_types", options.variable_types),
            ("return_types", options.return_types),
        )
        if wanted
    ]
    return snapshot.inlay_hints(path, (start, end), kinds) if kinds else b"[]"
