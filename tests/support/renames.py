"""Renames of texts in memory: asked at a cursor, applied as an editor would."""

from __future__ import annotations

from collections.abc import Mapping

from codeanatomy_engine import Snapshot

from codeanatomy_incremental.options import WorkspaceOptions
from codeanatomy_incremental.workspace import Listing, Workspace, place

from codeanatomy.ide.explain import Position
from codeanatomy.ide.rename import Renaming, rename, sure
from codeanatomy.ide.will_rename_files import Following, Moved
from tests.support.memory import Memory

CURSOR = "‸"

_WORKSPACE = Workspace(root="/", options=WorkspaceOptions())
_EMPTY = Listing(entries={}, roots=("",), refused=())


def cursor(texts: Mapping[str, str]) -> tuple[dict[str, str], str, int, int]:
    """The texts without the mark of the cursor, and where it stood."""
    [path] = [path for path, text in texts.items() if CURSOR in text]
    before = texts[path][: texts[path].index(CURSOR)]
    line = before.count("\n")
    plain = {each: text.replace(CURSOR, "") for each, text in texts.items()}
    return plain, path, line, len(before) - (before.rfind("\n") + 1)


def holding(memory: Memory, texts: Mapping[str, str]) -> Memory:
    """A graph that holds these texts and no others; engines are dear, so one serves many."""
    memory.write(dict.fromkeys(memory.texts) | dict(texts))
    memory.commit()
    return memory


def applied(texts: Mapping[str, str], renaming: Renaming) -> dict[str, str]:
    """The texts after all edits and moves of a rename."""
    after = dict(texts)
    for path, edits in renaming.edits.items():
        text = after[path]
        for edit in reversed(edits):
            start, end = offset(text, edit.range.start), offset(text, edit.range.end)
            assert text[start:end] == renaming.old_name, (path, edit, text[start:end])
            text = text[:start] + renaming.new_name + text[end:]
        after[path] = text
    for move in renaming.moves:
        for path in [path for path in after if path == move.old or path.startswith(f"{move.old}/")]:
            moved = move.new + path.removeprefix(move.old)
            assert moved not in after, moved
            after[moved] = after.pop(path)
    return after


def moved(texts: Mapping[str, str], old: str, new: str) -> tuple[Moved, ...]:
    """The files that the move of a file or directory takes along, as the modules that they are before and after."""
    taken = [path for path in texts if path == old or path.startswith(f"{old}/")]
    if old not in texts and f"{old}/__init__.py" not in taken:
        taken.append(f"{old}/__init__.py")
    found: list[Moved] = []
    for path in taken:
        before = place(_WORKSPACE, _EMPTY, path)
        after = place(_WORKSPACE, _EMPTY, new + path.removeprefix(old))
        found.append(Moved(path, before.module, after.module, after.package))
    return tuple(found)


def followed(texts: Mapping[str, str], following: Following) -> dict[str, str]:
    """The texts after the edits that follow a move, by their paths before it."""
    after = dict(texts)
    for path, edits in following.edits.items():
        text = after[path]
        for edit in reversed(edits):
            start, end = offset(text, edit.range.start), offset(text, edit.range.end)
            text = text[:start] + edit.new_text + text[end:]
        after[path] = text
    return after


def asked(snapshot: Snapshot, path: str, line: int, character: int, new: str) -> Renaming:
    """What a client without annotations is given."""
    return sure(rename(snapshot, path, line, character, new))


def offset(text: str, position: Position) -> int:
    """Of a position in UTF-16, as the protocol counts it."""
    start = 0
    for _ in range(position.line):
        ends = [at for at in (text.find("\n", start), text.find("\r", start)) if at >= 0]
        start = min(ends) + 1
        if text[start - 1 : start + 1] == "\r\n":
            start += 1
    units = 0
    while units < position.character:
        units += 2 if ord(text[start]) > 0xFFFF else 1
        start += 1
    return start
