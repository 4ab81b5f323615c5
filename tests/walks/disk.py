"""The disk of a walk, beside what is known to lie there."""

from __future__ import annotations

from pathlib import Path


def put(root: Path, disk: dict[str, str], path: str, text: str | None) -> None:
    """Give a file below a root another text, on disk and in what is known of it; None removes it."""
    file = root / path
    if text is None:
        disk.pop(path, None)
        file.unlink(missing_ok=True)
        return
    disk[path] = text
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode())
