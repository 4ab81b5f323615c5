"""The graph of views as a picture: DOT for other tools, SVG and HTML that need nothing else, no network either.

Views stand in the column of their stage, evidence in the first one; what the build waits for is drawn strong.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from itertools import pairwise
from typing import Any, NamedTuple

_WIDTH, _HEIGHT, _GAP_X, _GAP_Y = 190, 26, 60, 10
_COLOURS = {
    "evidence": "#e8e8e8",
    "normalize": "#d7e8f7",
    "derive": "#dcefdc",
    "relate": "#fbe5c8",
    "union": "#f6d6d6",
    "project": "#e5dcf3",
    "diagnostic": "#f9f3c4",
}
_STYLE = """
body { font: 14px/1.45 system-ui, sans-serif; margin: 2em; color: #1b1b1b; background: #fff }
table { border-collapse: collapse; margin: 1em 0 } td, th { padding: 2px 10px; text-align: left; border-bottom: 1px solid #ddd; vertical-align: top }
td.n { text-align: right; font-variant-numeric: tabular-nums } pre { background: #f6f6f6; padding: 1em; overflow: auto; font-size: 12px }
.scroll { overflow: auto; border: 1px solid #ddd } code { font-size: 12px } summary { cursor: pointer; margin: .4em 0 }
"""


class _Node(NamedTuple):
    name: str
    kind: str
    column: int
    row: int
    is_critical: bool
    told: str


def dot(told: dict[str, Any]) -> str:
    """The graph in the language of Graphviz."""
    nodes, critical = _nodes(told), _critical(told)
    lines = [
        "digraph views {",
        "  rankdir=LR;",
        '  node [shape=box, style=filled, fontname="sans-serif", fontsize=10];',
    ]
    for node in nodes.values():
        strong = ", penwidth=3" if node.is_critical else ""
        lines.append(f'  "{node.name}" [fillcolor="{_COLOURS[node.kind]}", tooltip="{node.told}"{strong}];')
    for edge in told["edges"]:
        strong = " [penwidth=3]" if (edge["from"], edge["to"]) in critical else ""
        lines.append(f'  "{edge["from"]}" -> "{edge["to"]}"{strong};')
    return "\n".join([*lines, "}"])


def svg(told: dict[str, Any]) -> str:
    """The graph as a picture."""
    nodes, critical = _nodes(told), _critical(told)
    width = (max(node.column for node in nodes.values()) + 1) * (_WIDTH + _GAP_X) + _GAP_X
    height = (max(node.row for node in nodes.values()) + 1) * (_HEIGHT + _GAP_Y) + _GAP_X
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'font-family="sans-serif" font-size="12">',
        f"<title>The views of program {escape(told['manifest']['fingerprint'])}</title>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    for edge in told["edges"]:
        source, target = nodes[edge["from"]], nodes[edge["to"]]
        strong = (edge["from"], edge["to"]) in critical
        stroke = 'stroke="#c0392b" stroke-width="2.5"' if strong else 'stroke="#999" stroke-width="0.7" opacity="0.55"'
        (x1, y1), (x2, y2) = _place(source), _place(target)
        x1, middle = x1 + _WIDTH, (x1 + _WIDTH + x2) / 2
        y1, y2 = y1 + _HEIGHT / 2, y2 + _HEIGHT / 2
        parts.append(f'<path d="M{x1} {y1} C{middle} {y1} {middle} {y2} {x2} {y2}" fill="none" {stroke}/>')
    for node in nodes.values():
        x, y = _place(node)
        stroke = 'stroke="#c0392b" stroke-width="2.5"' if node.is_critical else 'stroke="#777" stroke-width="0.7"'
        parts.append(
            f'<g><title>{escape(node.told)}</title><rect x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="4" '
            f'fill="{_COLOURS[node.kind]}" {stroke}/><text x="{x + 8}" y="{y + 17}">{escape(_cut(node.name))}</text></g>'
        )
    return "\n".join([*parts, "</svg>"])


def html(told: dict[str, Any]) -> str:
    """The graph with all that the bundle says, on one page."""
    schedule, manifest = told["schedule"], told["manifest"]
    title = f"Views of {told['view']['name']}" if "view" in told else "Views of the program"
    parts = [
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style></head><body>',
        f"<h1>{escape(title)}</h1>",
        _table(
            ("", ""), ((key, manifest[key]) for key in ("fingerprint", "spec_hash", "contracts", "engine", "extractor"))
        ),
        f"<p>{len(schedule['tasks'])} views in {schedule['stages']} stages. Critical path "
        f"{schedule['critical_micros'] / 1000:,.1f} ms of {schedule['total_micros'] / 1000:,.1f} ms: "
        f"{escape(' > '.join(schedule['critical_path']))}</p>",
        "<p>" + " ".join(_key(kind, colour) for kind, colour in _COLOURS.items()) + "</p>",
        f'<div class="scroll">{svg(told)}</div>',
        "<h2>Summary</h2>",
        _table(("", ""), ((key.replace("_", " "), value) for key, value in told["summary"].items())),
        "<h2>Schedule</h2>",
        _table(
            ("view", "stage", "ms", "from", "ms to the end", "slack ms"),
            (
                (
                    task["view"],
                    task["stage"],
                    task["cost_micros"] / 1000,
                    task["cost_from"],
                    task["bottom_level_micros"] / 1000,
                    task["slack_micros"] / 1000,
                )
                for task in sorted(schedule["tasks"], key=lambda task: -task["cost_micros"])
            ),
        ),
    ]
    if "validation" in told:
        parts += _judged(told)
    for form, plan in told.get("plans", {}).items():
        texts = plan.items() if isinstance(plan, dict) else [("", "\n".join(plan) if isinstance(plan, list) else plan)]
        parts += [
            f"<details><summary>{escape(f'{form} {of}'.strip())}</summary><pre>{escape(text)}</pre></details>"
            for of, text in texts
        ]
    return "\n".join([*parts, "</body></html>"])


def _judged(told: dict[str, Any]) -> Iterator[str]:
    findings = told["validation"]["findings"]
    yield f"<h2>Validation: {escape(told['validation']['mode'])}, {len(findings)} findings</h2>"
    rows = ((each["code"], each["weight"], each["place"], each["message"], each["remedy"]) for each in findings)
    yield _table(("code", "weight", "place", "", "remedy"), rows)
    yield "<h2>Decisions</h2>"
    keys = ("view", "decision", "value", "confidence", "evidence", "fallback_reason")
    yield "<details><summary>All decisions</summary>"
    yield _table(keys, ([each[key] for key in keys] for each in told["decisions"]))
    yield "</details>"


def _table(names: tuple[str, ...], rows: Any) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "\n".join("<tr>" + "".join(_cell(value) for value in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>\n{body}</table>"


def _cell(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"<td>{escape('' if value is None else str(value))}</td>"
    return f'<td class="n">{value:,.2f}</td>' if isinstance(value, float) else f'<td class="n">{value:,}</td>'


def _key(kind: str, colour: str) -> str:
    return f'<code style="background:{colour};padding:2px 6px">{kind}</code>'


def _place(node: _Node) -> tuple[float, float]:
    return _GAP_X / 2 + node.column * (_WIDTH + _GAP_X), _GAP_X / 2 + node.row * (_HEIGHT + _GAP_Y)


def _cut(name: str) -> str:
    return name if len(name) <= 26 else f"{name[:25]}…"


def _critical(told: dict[str, Any]) -> frozenset[tuple[str, str]]:
    path = told["schedule"]["critical_path"]
    return frozenset(pairwise(path))


def _nodes(told: dict[str, Any]) -> dict[str, _Node]:
    """Every relation of an edge with its place: the column is its stage, the row near those that it reads."""
    tasks = {task["view"]: task for task in told["schedule"]["tasks"]}
    kinds = {each["name"]: each["kind"] for each in told["outputs"]} | {
        each["view"]: each["kind"] for each in tasks.values()
    }
    edges, stages = told["edges"], told["schedule"]["stages"]
    sizes = {edge["from"]: edge["rows"] for edge in edges}
    columns: dict[str, int] = {}
    for edge in edges:
        for name in (edge["from"], edge["to"]):
            if name in tasks:
                columns[name] = tasks[name]["stage"] + 1
            else:
                columns[name] = 0 if edge["evidence"] and name == edge["from"] else stages + 1
    used = sorted(set(columns.values()))
    columns = {name: used.index(column) for name, column in columns.items()}
    reads: dict[str, list[str]] = {}
    for edge in edges:
        reads.setdefault(edge["to"], []).append(edge["from"])
    rows: dict[str, int] = {}
    for column in range(len(used)):
        here = sorted(name for name, at in columns.items() if at == column)
        near = {name: [rows[of] for of in reads.get(name, ()) if of in rows] for name in here}
        here.sort(key=lambda name: (sum(near[name]) / len(near[name]) if near[name] else 0, name))
        rows |= {name: row for row, name in enumerate(here)}

    def told_of(name: str) -> str:
        size = f"{sizes[name]:,} rows" if name in sizes else ""
        task = tasks.get(name)
        cost = f"{task['cost_micros'] / 1000:,.2f} ms ({task['cost_from']})" if task else ""
        return ", ".join(filter(None, (name, size, cost)))

    critical = set(told["schedule"]["critical_path"])
    return {
        name: _Node(
            name,
            kinds.get(name, "evidence" if name not in tasks else "derive"),
            column,
            rows[name],
            name in critical,
            told_of(name),
        )
        for name, column in columns.items()
    }
