"""Decodes a TOML text into a typed value and says exactly what is wrong if it does not fit.

Every refusal names file, line and key, what was expected, and the nearest name that would have been right. Knows no
option and no rule: the shape comes from the caller.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import inspect as shapes

T = TypeVar("T")
KeyPath = tuple[str | int, ...]

_HEADER = re.compile(r"^\s*\[\[?\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$")
_ASSIGNMENT = re.compile(
    r"""^\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*="""
)
_AT = re.compile(r"^(?P<what>.*) - at `\$(?P<path>.*)`$", re.DOTALL)
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\[(\.\.\.)\]")
_TOML_PLACE = re.compile(r"\s*\(at (?:line (?P<line>\d+), column \d+|end of document)\)$")


class TomlError(Exception):
    """A TOML text that is not what it should be."""

    def __init__(self, file: str, line: int | None, key: str, message: str, hint: str = "") -> None:
        self.file = file
        self.line = line
        """The line that is wrong, counted from 1, if it can be named."""
        self.key = key
        """The key, dotted, if the text could be parsed."""
        self.message = message
        self.hint = hint
        super().__init__(f"{self.place}: {message}" + (f" ({hint})" if hint else ""))

    @property
    def place(self) -> str:
        """The file and line, as editors and terminals make it clickable."""
        return self.file if self.line is None else f"{self.file}:{self.line}"


def parse(text: str, file: str) -> dict[str, Any]:
    """The tables of a TOML text; raises `TomlError` if it is not TOML."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        place = _TOML_PLACE.search(message)
        line = len(text.splitlines()) if place else None
        if place and place["line"]:
            line = int(place["line"])
        raise TomlError(file, line, "", f"not valid TOML: {_TOML_PLACE.sub('', message)}") from error


def decode(text: str, file: str, shape: type[T]) -> T:
    """The value of `shape` that a TOML text holds; raises `TomlError` if a key is unknown or a value does not fit."""
    return fit(parse(text, file), shape, text, file)


def fit(tables: Mapping[str, Any], shape: type[T], text: str, file: str) -> T:
    """Parsed tables as a value of `shape`; `text` serves to find lines."""
    _refuse_unfit(tables, _info(shape), (), text, file)
    try:
        return msgspec.convert(tables, shape)
    except msgspec.ValidationError as error:
        what, path = _place_of(str(error))
        raise TomlError(file, line_of(text, path), dotted(path), what) from error


@functools.cache
def _info(shape: type[Any]) -> shapes.Type:
    """What a shape looks like; costs as much as decoding ten files of that shape."""
    return shapes.type_info(shape)


def line_of(text: str, path: KeyPath) -> int | None:
    """The line on which the deepest part of a key path that can be found is written, if any."""
    names = tuple(step for step in path if isinstance(step, str))
    table: tuple[str, ...] = ()
    best: tuple[int, int] | None = None
    quote = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if quote:
            if line.count(quote) % 2:
                quote = ""
            continue
        header = _HEADER.match(line)
        assignment = None if header else _ASSIGNMENT.match(line)
        if header:
            table = _split(header[1])
            here = table
        elif assignment:
            here = table + _split(assignment[1])
        else:
            continue
        depth = _common(here, names)
        whole = depth == len(here) or depth == len(names)
        if whole and depth and (best is None or depth > best[0]):
            best = (depth, number)
        if assignment:
            quote = next((mark for mark in ('"""', "'''") if line.count(mark) % 2), "")
    return best[1] if best else None


_LISTED = 24
"""More names than these are no help."""


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint that names what was probably meant, or everything there is, if that is little."""
    import difflib

    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean `{close[0]}`?"
    if len(names) > _LISTED:
        return f"it is none of the {len(names)} that are known"
    return f"known are {', '.join(f'`{each}`' for each in names)}" if names else ""


def dotted(path: KeyPath) -> str:
    """A key path as people write it."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def _refuse_unfit(value: Any, shape: shapes.Type, path: KeyPath, text: str, file: str) -> None:
    match shape:
        case shapes.StructType(fields=fields) if isinstance(value, Mapping):
            known = {field.encode_name: field for field in fields}
            for key, item in value.items():
                if key not in known:
                    kind = "section" if isinstance(item, Mapping) and not path else "key"
                    here = (*path, key)
                    raise TomlError(
                        file, line_of(text, here), dotted(here), f"unknown {kind} `{dotted(here)}`", nearest(key, known)
                    )
                _refuse_unfit(item, known[key].type, (*path, key), text, file)
            for name, field in known.items():
                if field.required and name not in value:
                    here = (*path, name)
                    raise TomlError(file, line_of(text, path) or 1, dotted(here), f"`{dotted(here)}` is missing")
        case shapes.ListType(item_type=item) | shapes.VarTupleType(item_type=item) if isinstance(value, Sequence):
            for index, each in enumerate(value):
                _refuse_unfit(each, item, (*path, index), text, file)
        case shapes.DictType(value_type=shapes.StrType()) if isinstance(value, Mapping):
            # The decoder cannot say which item of a table is wrong.
            for key, each in value.items():
                if not isinstance(each, str):
                    here = (*path, key)
                    found = "table" if isinstance(each, Mapping) else type(each).__name__
                    message = f"`{dotted(here)}`: expected `str`, got `{found}`"
                    raise TomlError(file, line_of(text, here), dotted(here), message)
        case shapes.UnionType(types=types):
            for member in types:
                if isinstance(member, shapes.StructType | shapes.DictType):
                    _refuse_unfit(value, member, path, text, file)
        case _:
            return


def _place_of(message: str) -> tuple[str, KeyPath]:
    found = _AT.match(message)
    if found is None:
        return _lower(message), ()
    path: list[str | int] = []
    for name, index, _any in _STEP.findall(found["path"]):
        if name:
            path.append(name)
        elif index:
            path.append(int(index))
    return f"`{dotted(tuple(path))}`: {_lower(found['what'])}", tuple(path)


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _split(key: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in re.findall(r'"[^"]*"|\'[^\']*\'|[^.\s]+', key))


def _common(left: Sequence[str], right: Sequence[str]) -> int:
    depth = 0
    for ours, theirs in zip(left, right, strict=False):
        if ours != theirs:
            break
        depth += 1
    return depth
