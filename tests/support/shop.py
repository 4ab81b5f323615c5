"""A small workspace that the stories play in."""

from __future__ import annotations

from pathlib import Path

FILES = {
    "main.py": "from shop import discount\n\n\ndef run(order):\n    return discount(order)\n",
    "shop/__init__.py": '"""A shop."""\n\nfrom .tools import *\n',
    "shop/tools.py": (
        '__all__ = ["discount"]\n\n\n'
        'def discount(order):\n    """Take the seasonal *discount* off an order."""\n    return order * 0.9\n\n\n'
        "class Till:\n    def ring(self):\n        return discount(1)\n"
    ),
}


def build(root: Path) -> Path:
    """Write the shop below a directory; the directory. It has no library, which would only cost time."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "codeanatomy.toml").write_text("[workspace]\nstandard_library = false\n")
    for path, text in FILES.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


def place(path: str, text: str, occurrence: int = 0) -> tuple[int, int]:
    """Line and character, from 0, of an occurrence of a text in a file of the shop."""
    position = -1
    for _ in range(occurrence + 1):
        position = FILES[path].index(text, position + 1)
    before = FILES[path][:position]
    return before.count("\n"), position - (before.rfind("\n") + 1)
