"""`workspace/willRenameFiles`: files or directories are about to get new paths; what imports then have to say."""

from __future__ import annotations

import msgspec

from codeanatomy.ide.will_rename_files import Moved, will_rename_files
from codeanatomy.lsp import convert
from codeanatomy.lsp.edits import document_edits
from codeanatomy.lsp.session import Folder, Question, Session

METHOD = "workspace/willRenameFiles"


class _File(msgspec.Struct, frozen=True, rename="camel"):
    old_uri: str
    new_uri: str


class _Params(msgspec.Struct, frozen=True):
    files: list[_File]


def answer(session: Session, question: Question) -> bytes:
    """The edits, to be made before the move; null if nothing follows."""
    asked = convert.decode(question.params, _Params)
    for folder in session.folders:
        snapshot = session.snapshot(question, folder)
        paths = snapshot.paths()
        moved = tuple(each for file in asked.files for each in _moved(folder, paths, file))
        if not moved:
            continue
        following = will_rename_files(snapshot, moved)
        for remark in following.remarks:
            session.show(remark)
        if following.edits:
            edits = {path: list(each) for path, each in following.edits.items()}
            return convert.json(document_edits(session, folder, snapshot, edits))
    return b"null"


def _moved(folder: Folder, paths: list[str], file: _File) -> list[Moved]:
    """All files of a folder that a move takes along; a directory stands for itself as a package."""
    old, new = (convert.path_of(uri) for uri in (file.old_uri, file.new_uri))
    old_path = folder.path_of(old) if old else None
    if old_path is None:
        return []
    new_path = folder.path_of(new) if new else None
    taken = [path for path in paths if path == old_path or path.startswith(f"{old_path}/")]
    if taken and old_path not in taken and f"{old_path}/__init__.py" not in taken:
        taken.append(f"{old_path}/__init__.py")
    return [_one(folder, path, new_path + path.removeprefix(old_path) if new_path else "") for path in taken]


def _one(folder: Folder, path: str, new_path: str) -> Moved:
    before = folder.live.graph.entry(path)
    if not new_path.endswith((".py", ".pyi")):
        return Moved(path, before.module, "", "")
    after = folder.live.graph.entry(new_path)
    return Moved(path, before.module, after.module, after.package)
