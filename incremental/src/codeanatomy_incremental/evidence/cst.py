"""What LibCST says of a text: qualified names, and the comments that stand beside statements.

LibCST keeps every letter of the text; its metadata name what a name or attribute is called from outside (`os.path.join` for `join` behind
`from os.path import join`). It is asked for nothing that would read another file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from codeanatomy_incremental.evidence import (
    PLACE,
    Evidence,
    MissingError,
    Place,
    Row,
    Source,
    Table,
    id_column,
    symbol_column,
    text_column,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

NEEDS = ("libcst", "libcst.metadata", "libcst._nodes.internal", "libcst.native")
"""Modules that have to be loaded before this process is closed off."""

TABLES = (
    Table(
        "cst_names",
        "Names and attributes as LibCST qualifies them; several rows where it knows several names.",
        "",
        (
            id_column("expr", "expr", "the expression of the graph that stands there; 0 if none", "expr"),
            id_column("binding", "binding", "the binding of the graph that stands there; 0 if none", "binding"),
            symbol_column("written", "as it stands in the text; of an attribute its last name", "symbol"),
            symbol_column("qualified", "its name from outside, such as `os.path.join` or `Shop.pay.<locals>.order`"),
            symbol_column("source", "import, builtin or local"),
            *PLACE,
        ),
    ),
    Table(
        "cst_nodes",
        "Statements and comments with the whole of their text, as LibCST cuts it.",
        "cst_node",
        (
            id_column("cst_node", "cst", "", "cst"),
            id_column("parent", "cst", "the statement that holds it; 0 for those of the module"),
            symbol_column("kind", "class of the node, such as `If`, `SimpleStatementLine` or `Comment`"),
            text_column("text", "of a comment: its text"),
            *PLACE,
        ),
    ),
)


def extract(source: Source) -> Evidence:
    """Names and statements; nothing of a text that LibCST cannot parse."""
    try:
        import libcst
        from libcst import metadata
    except ImportError as error:
        raise MissingError("LibCST is not installed beside CodeAnatomy: `pip install libcst`") from error
    try:
        wrapper = metadata.MetadataWrapper(libcst.parse_module(source.data), unsafe_skip_copy=True)
    except libcst.ParserSyntaxError:
        return Evidence({})
    found = wrapper.resolve_many([metadata.ByteSpanPositionProvider, metadata.QualifiedNameProvider])
    spans: Mapping[Any, Any] = found[metadata.ByteSpanPositionProvider]
    names: Mapping[Any, Any] = found[metadata.QualifiedNameProvider]

    def place(node: Any) -> Place | None:
        span = spans.get(node)
        return None if span is None else [span.start, span.start + span.length]

    rows: list[Row] = []
    for node, qualified in names.items():
        at = place(node)
        if at is None or not isinstance(node, libcst.Name | libcst.Attribute):
            continue
        written = node.value if isinstance(node, libcst.Name) else node.attr.value
        # They come as they are, or as a function that finds them.
        known: Any = qualified() if callable(qualified) else qualified
        for each in sorted(known, key=_name):
            rows.append([at, at, written, each.name, each.source.name.lower(), *at, source.line(at[0])])
    return Evidence({"cst_names": rows, "cst_nodes": _nodes(source, wrapper.module, place)})


def _name(qualified: Any) -> str:
    return str(qualified.name)


def _nodes(source: Source, module: Any, place: Any) -> list[Row]:
    import libcst

    rows: list[Row] = []
    todo: list[tuple[Any, str | None]] = [(module, None)]
    while todo:
        node, parent = todo.pop()
        own = parent
        kinds = libcst.BaseStatement | libcst.BaseSmallStatement | libcst.Comment | libcst.ExceptHandler | libcst.Else
        if isinstance(node, kinds):
            at = place(node)
            if at is not None:
                own = str(len(rows))
                text = node.value if isinstance(node, libcst.Comment) else ""
                rows.append([own, parent, type(node).__name__, text, *at, source.line(at[0])])
        todo.extend((child, own) for child in reversed(node.children))
    return rows
