"""What an index in the SCIP format says of a text: which symbol stands where, and where it is defined.

An index (`index.scip`) is made by another tool, `scip-python` for instance, and lies in the workspace. It is read, never made: making it
would run that tool over the workspace. The message of a file is cut out of the index by its frames (`documents`) and read here, by the numbers of the
fields of the published schema. Ranges count letters as the document says (UTF-16 where it does not say).
"""

from __future__ import annotations

from collections.abc import Iterator

from codeanatomy_incremental.evidence import (
    PLACE,
    Evidence,
    MissingError,
    Row,
    Source,
    Table,
    bool_column,
    id_column,
    symbol_column,
)

TABLES = (
    Table(
        "scip_occurrences",
        "Occurrences of symbols as a SCIP index has them.",
        "",
        (
            symbol_column("symbol", "as SCIP spells it; a local one with its file before it", "scip_symbol"),
            bool_column("is_definition", "it is defined here"),
            bool_column("is_import", "it is imported here"),
            id_column("expr", "name", "the name or attribute of the graph that stands there; 0 if none", "expr"),
            id_column("binding", "binding", "the binding of the graph that stands there; 0 if none", "binding"),
            *PLACE,
        ),
    ),
)

_DOCUMENTS, _PATH, _OCCURRENCES, _ENCODING = 2, 1, 2, 6
_DEFINITION, _IMPORT = 1, 2


def documents(index: bytes) -> dict[str, bytes]:
    """The messages of an index by the paths of their files; raises `ValueError` for what is no index."""
    found: dict[str, bytes] = {}
    for number, value in _fields(index):
        if number == _DOCUMENTS and isinstance(value, bytes):
            path = next((each for field, each in _fields(value) if field == _PATH and isinstance(each, bytes)), b"")
            found[path.decode("utf-8", "replace")] = value
    return found


def extract(source: Source) -> Evidence:
    """The occurrences in a text; raises `MissingError` without an index that has the file."""
    if not source.attachment:
        raise MissingError("there is no `index.scip` in the workspace that knows this text")
    encoding, rows = 0, list[Row]()
    occurrences: list[bytes] = []
    for number, value in _fields(source.attachment):
        if number == _ENCODING and isinstance(value, int):
            encoding = value
        elif number == _OCCURRENCES and isinstance(value, bytes):
            occurrences.append(value)
    for occurrence in occurrences:
        numbers, symbol, roles = _read(occurrence)
        if not symbol or len(numbers) not in (3, 4):
            continue
        end_line = numbers[0] if len(numbers) == 3 else numbers[2]
        start = _offset(source, numbers[0], numbers[1], encoding)
        end = _offset(source, end_line, numbers[-1], encoding)
        name = f"{source.path} {symbol}" if symbol.startswith("local ") else symbol
        flags = [bool(roles & _DEFINITION), bool(roles & _IMPORT)]
        rows.append([name, *flags, [start, end], [start, end], start, end, source.line(start)])
    return Evidence({"scip_occurrences": rows})


def _read(occurrence: bytes) -> tuple[list[int], str, int]:
    """Range, symbol and roles of an occurrence."""
    numbers: list[int] = []
    symbol, roles = "", 0
    for number, value in _fields(occurrence):
        match number, value:
            case (1, bytes()):
                at = 0
                while at < len(value):
                    one, at = _varint(value, at)
                    numbers.append(one)
            case (1, int()):
                numbers.append(value)
            case (2, bytes()):
                symbol = value.decode("utf-8", "replace")
            case (3, int()):
                roles = value
            case _:
                pass
    return numbers, symbol, roles


def _offset(source: Source, line: int, column: int, encoding: int) -> int:
    """The byte of a line and column, both from 0, in letters of an encoding."""
    written = source.line_bytes(line + 1)
    match encoding:
        case 1:
            before = written[:column]
        case 3:
            before = written.decode("utf-8", "surrogatepass")[:column].encode("utf-8", "surrogatepass")
        case _:
            units = written.decode("utf-8", "surrogatepass").encode("utf-16-le", "surrogatepass")[: 2 * column]
            before = units.decode("utf-16-le", "replace").encode("utf-8")
    return source.offset(line + 1, len(before))


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message: their numbers, and a number or bytes; raises `ValueError` if it is cut short or malformed."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        match key & 7:
            case 0:
                value, at = _varint(message, at)
                yield key >> 3, value
            case 2:
                size, at = _varint(message, at)
                if at + size > len(message):
                    raise ValueError("a field of the index is longer than the index")
                yield key >> 3, message[at : at + size]
                at += size
            case 1 | 5 as kind:
                at += 8 if kind == 1 else 4
            case kind:
                raise ValueError(f"the index has a field of the unknown kind {kind}")


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(message) and shift < 64:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
    raise ValueError("a number of the index is cut short")
