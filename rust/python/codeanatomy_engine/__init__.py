"""The engine that keeps a code property graph: documents in, evidence and views inside, snapshots and answers out.

This package is the typed face of the native module and holds no logic. Paths are relative to the workspace and written
with `/`; positions are pairs of line and character in the encoding that `Engine.set_encoding` chose; results are JSON
bytes that are ready to send unless a signature says otherwise.
"""

from __future__ import annotations

from codeanatomy_engine._native import (
    TOKEN_MODIFIERS,
    TOKEN_TYPES,
    CancelToken,
    Capture,
    Compiling,
    Engine,
    EngineError,
    Image,
    Snapshot,
    SourceFile,
    __version__,
    compiles,
    fail_at,
    give_back,
    manifest,
    semantic_tokens_edits,
    would_run,
)

__all__ = [
    "TOKEN_MODIFIERS",
    "TOKEN_TYPES",
    "CancelToken",
    "Capture",
    "Compiling",
    "Engine",
    "EngineError",
    "Image",
    "Snapshot",
    "SourceFile",
    "__version__",
    "compiles",
    "fail_at",
    "give_back",
    "manifest",
    "semantic_tokens_edits",
    "would_run",
]
