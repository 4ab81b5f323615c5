"""A rename as the `WorkspaceEdit` that a client can take.

A client that knows annotations gets what is doubtful as changes to confirm; for another one it is left out and said. Open
documents are edited at the version that the answer saw, so that a client whose text went on refuses instead of guessing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from codeanatomy_engine import Snapshot

from codeanatomy_incremental import governance

from codeanatomy.ide import rename
from codeanatomy.lsp.session import Folder, Session

_ANNOTATIONS = {
    "several": ("May mean something else", "the word may mean another definition too"),
    "unsure": ("Not certain", "what the word means was inferred, and the inference is weak"),
    "string": ("Inside a string", "the string looks like the name of the definition"),
    "unknown": ("Same name, unknown object", "nothing is known of the object before the dot"),
}


def workspace_edit(session: Session, folder: Folder, snapshot: Snapshot, renaming: rename.Renaming) -> bytes:
    """The `WorkspaceEdit`; what is left out of it and what else is to know is shown to the person."""
    client = session.client
    if not client.annotates:
        renaming = rename.sure(renaming)
    if renaming.moves and not client.renames_files:
        raise rename.Refusal(
            "rename-files-unsupported",
            f"`{renaming.old_name}` is a module, and this editor does not let a server rename files",
        )
    _ask_signals(session, folder, [*renaming.edits, *(move.old for move in renaming.moves)])
    for remark in renaming.remarks:
        session.show(remark)
    texts = {path: [_text(edit, renaming) for edit in edits] for path, edits in renaming.edits.items()}
    answer = document_edits(session, folder, snapshot, texts)
    if renaming.moves:
        answer["documentChanges"] += [
            {"kind": "rename", "oldUri": session.uri(folder, move.old), "newUri": session.uri(folder, move.new)}
            for move in renaming.moves
        ]
    doubts = sorted({edit.doubt for edits in renaming.edits.values() for edit in edits if edit.doubt})
    if doubts:
        answer["changeAnnotations"] = {
            doubt: {"label": _ANNOTATIONS[doubt][0], "description": _ANNOTATIONS[doubt][1], "needsConfirmation": True}
            for doubt in doubts
        }
    return msgspec.json.encode(answer)


def with_files(session: Session, edit: bytes, more: Mapping[str, Sequence[dict[str, Any]]]) -> bytes:
    """A `WorkspaceEdit` with edits of files that are in no graph, by URI."""
    whole: dict[str, Any] = msgspec.json.decode(edit)
    for uri, edits in more.items():
        document = session.document(uri)
        if "changes" in whole:
            whole["changes"][uri] = edits
        else:
            of = {"uri": uri, "version": None if document is None else document.version}
            whole["documentChanges"].append({"textDocument": of, "edits": edits})
    return msgspec.json.encode(whole)


def _ask_signals(session: Session, folder: Folder, paths: Sequence[str]) -> None:
    """Read what was decided about files before they change: raises `Refusal` if a signal blocks work on one, and shows what asks for care."""
    graph = folder.live.graph
    said: set[str] = set()
    for path in paths:
        signal = governance.decided(graph.signals, path, graph.entry(path).module)
        if signal is None or signal.status == "CLEAN":
            continue
        sentence = f"{signal.status} {signal.scope}: {signal.reason} ({signal.recorded_by})"
        if signal.status == "BLOCKED":
            raise rename.Refusal("rename-governed", f"`{path}` would change, and work on it is blocked. {sentence}")
        said.add(sentence)
    for sentence in sorted(said):
        session.show(sentence)


def document_edits(
    session: Session, folder: Folder, snapshot: Snapshot, edits: Mapping[str, Sequence[Any]]
) -> dict[str, Any]:
    """Text edits by path as a workspace edit of the kind that the client takes."""
    if not session.client.versioned_edits:
        return {"changes": {session.uri(folder, path): each for path, each in edits.items()}}
    return {
        "documentChanges": [
            {
                "textDocument": {"uri": session.uri(folder, path), "version": folder.live.version_of(snapshot, path)},
                "edits": each,
            }
            for path, each in edits.items()
        ]
    }


def _text(edit: rename.Edit, renaming: rename.Renaming) -> dict[str, Any]:
    text: dict[str, Any] = {"range": edit.range, "newText": renaming.new_name}
    if edit.doubt:
        text["annotationId"] = edit.doubt
    return text
