"""Runs programs and says what called what: one line of a program, and the function that Python entered because of it.

A program of its own, so that what it runs and imports stays away from the tests: programs come as JSON on standard input, each a
table of path to text with a `main.py`, and for each the calls go to standard output as `[path, line, callee]`.

A callee is `module:qualified.name`, a lambda `module:<lambda LINE>`. The line is that of the nearest frame of the program: a function that
the library calls back counts for the line that called the library. Nobody asked for these, so they do not count: what the library
calls for itself, its private and inner functions and those that it wrote itself, what an import statement calls, and the
bodies of modules, classes and comprehensions. A class has no frame: what is seen of its call is its `__init__`.
"""

from __future__ import annotations

import importlib
import inspect
import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

_OWN_BODY = {"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"}


def calls(program: Mapping[str, str], root: Path) -> list[tuple[str, int, str]]:
    """What calls what while `main` is imported."""
    modules = {}
    for path, text in program.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
        modules[str(file)] = path
    found: set[tuple[str, int, str]] = set()

    def caller(frame: FrameType | None) -> FrameType | None:
        while frame is not None and frame.f_code.co_filename not in modules:
            frame = frame.f_back
        return frame

    def note(at: FrameType | None, callee: str) -> None:
        if at is not None and at.f_code.co_filename in modules:
            found.add((modules[at.f_code.co_filename], at.f_lineno, callee))

    def on_event(frame: FrameType, event: str, called: Any) -> None:
        if event == "c_call":
            module = (called.__module__ or type(called.__self__).__module__).lstrip("_")
            if _is_public(called.__qualname__):
                note(frame, f"{module}:{called.__qualname__}")
        elif event == "call" and _is_function(frame.f_code):
            if frame.f_code.co_filename in modules:
                note(caller(frame.f_back), _name(frame))
            elif _is_public(frame.f_code.co_qualname):
                note(frame.f_back, _name(frame))

    sys.path.insert(0, str(root))
    importlib.invalidate_caches()
    before = set(sys.modules)
    sys.setprofile(on_event)
    try:
        importlib.import_module("main")
    finally:
        sys.setprofile(None)
        sys.path.remove(str(root))
        for name in set(sys.modules) - before:
            if str(getattr(sys.modules[name], "__file__", "")) in modules:
                del sys.modules[name]
    return sorted(found)


def _is_function(code: CodeType) -> bool:
    return (
        bool(code.co_flags & inspect.CO_NEWLOCALS)
        and code.co_name not in _OWN_BODY
        and not code.co_filename.startswith(("<frozen importlib", "<string>"))
    )


def _is_public(name: str) -> bool:
    """Whether a function of the library is one that people call by name."""
    first = name.partition(".")[0]
    return not first.startswith("_") and "<locals>" not in name


def _name(frame: FrameType) -> str:
    code = frame.f_code
    name = (
        f"<lambda {code.co_firstlineno}>" if code.co_name == "<lambda>" else code.co_qualname.replace(".<locals>", "")
    )
    return f"{frame.f_globals['__name__']}:{name}"


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    with tempfile.TemporaryDirectory() as scratch:
        programs = json.load(sys.stdin)
        json.dump(
            [calls(each, Path(scratch, str(number)).resolve()) for number, each in enumerate(programs)], sys.stdout
        )
