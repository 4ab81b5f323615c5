"""Differences between two versions of a graph, for people: as a table for a terminal, and as Markdown for a pull request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from codeanatomy_incremental.history.difference import Definition, Difference, Edge, End

from codeanatomy import report

_MOST = 50
"""Edges of a kind that a report lists; it says how many more there are."""

_SAID = {
    "calls": "calls",
    "imports": "imports",
    "inherits": "inherits from",
    "overrides": "overrides",
    "implements": "implements",
    "decorates": "is decorated by",
}
_SIGN = {"created": "+", "removed": "-"}


def text(found: Difference, docs: Mapping[str, str]) -> str:
    """A difference on a terminal."""
    lines = [_headline(found)]
    if found.summary:
        rows = ((kind, f"+{each['created']}", f"-{each['removed']}") for kind, each in found.summary.items())
        lines += ["", report.table(("edges", "created", "removed"), rows)]
    if found.definitions:
        lines += ["", *(f"{_SIGN[each.change]} {each.kind} {each.name}{_place(each)}" for each in found.definitions)]
    for edge in found.edges:
        times = f" ({edge.count} times)" if edge.count > 1 else ""
        lines += [
            "",
            f"{_SIGN[edge.change]} {edge.kind}: {edge.source.name} -> {edge.target.name}{times}{_place(edge.source)}",
            f"    because {edge.cause}",
            f"    rule {edge.rule}, confidence {edge.confidence:.2f}"
            + (f": {docs[edge.rule]}" if docs.get(edge.rule) else ""),
            *(f"    evidence {each.table}: {each.text} ({each.change}){_place(each)}" for each in edge.evidence),
        ]
    return "\n".join(lines)


def markdown(found: Difference, docs: Mapping[str, str], title: str) -> str:
    """A difference as a report for a pull request. Whatever comes from source is escaped."""
    lines = [f"## {_escaped(title)}", "", _escaped(_headline(found))]
    if found.summary:
        lines += ["", "| edges | created | removed |", "|---|---:|---:|"]
        lines += [f"| {kind} | {each['created']} | {each['removed']} |" for kind, each in found.summary.items()]
    lines += _section("Definitions that are new", [each for each in found.definitions if each.change == "created"])
    lines += _section("Definitions that are gone", [each for each in found.definitions if each.change == "removed"])
    kinds = sorted({edge.kind for edge in found.edges}, key=lambda kind: (kind not in _SAID, kind))
    for kind in kinds:
        for change, word in (("created", "new"), ("removed", "gone")):
            edges = [edge for edge in found.edges if (edge.kind, edge.change) == (kind, change)]
            if edges:
                lines += ["", f"### `{kind}` that are {word}: {sum(edge.count for edge in edges)}", ""]
                lines += ["| from | to | because | rule | confidence |", "|---|---|---|---|---:|"]
                lines += [_row(edge) for edge in edges[:_MOST]]
                lines += [f"\nand {len(edges) - _MOST} more"] if len(edges) > _MOST else []
    rules = sorted({edge.rule for edge in found.edges if docs.get(edge.rule)})
    if rules:
        lines += ["", "<details><summary>What the rules say</summary>", ""]
        lines += [f"- `{rule}`: {_escaped(docs[rule])}" for rule in rules]
        lines += ["", "</details>"]
    return "\n".join(lines)


def _row(edge: Edge) -> str:
    times = f" ({edge.count} times)" if edge.count > 1 else ""
    cells = (
        _end(edge.source) + times,
        _end(edge.target),
        _escaped(edge.cause),
        _code(edge.rule),
        f"{edge.confidence:.2f}",
    )
    return f"| {' | '.join(cells)} |"


def _end(end: End) -> str:
    return _code(end.name) + (f"<br>{_escaped(f'{end.file}:{end.line}' if end.line else end.file)}" if end.file else "")


def _section(title: str, found: Sequence[Definition]) -> Iterator[str]:
    if found:
        yield from ("", f"### {title}: {len(found)}", "")
        yield from (f"- {each.kind} {_code(each.name)}{_escaped(_place(each))}" for each in found[:_MOST])
        if len(found) > _MOST:
            yield f"- and {len(found) - _MOST} more"


def _headline(found: Difference) -> str:
    how = {word: sum(each == word for each in found.files.values()) for word in ("added", "modified", "removed")}
    files = ", ".join(f"{number} {word}" for word, number in how.items() if number) or "none changed"
    created = sum(each["created"] for each in found.summary.values())
    removed = sum(each["removed"] for each in found.summary.values())
    touched = (
        f"; {len(found.touched)} more files whose edges changed although their source did not" if found.touched else ""
    )
    return f"files: {files}{touched}; edges: {created} created, {removed} removed"


def _place(at: object) -> str:
    file, line = getattr(at, "file", ""), getattr(at, "line", 0)
    return f"  {file}:{line}" if file and line else f"  {file}" if file else ""


def _code(text: str) -> str:
    return "`" + text.replace("`", "'").replace("|", "\\|").replace("\n", " ") + "`"


def _escaped(text: str) -> str:
    """Text that Markdown shows as it is."""
    for sign in "\\`*_{}[]<>#|":
        text = text.replace(sign, f"\\{sign}")
    return text.replace("\n", " ")
