"""The report of `codeanatomy diag` as one page that needs nothing else: no script, no network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

from codeanatomy.cli.diag import HOPS

_WIDTH, _ROW = 1100, 24
_TOP = 30
_COLOURS = {
    "apply": "#7fb3d5",
    "queue": "#d5d8dc",
    "extract": "#82e0aa",
    "diff": "#f7dc6f",
    "views": "#f0b27a",
    "publish": "#c39bd3",
    "impact": "#aed6f1",
    "run": "#f5b7b1",
    "store": "#d7bde2",
}
_STYLE = """
body { font: 14px/1.45 system-ui, sans-serif; margin: 2em; color: #1b1b1b; background: #fff; max-width: 1180px }
table { border-collapse: collapse; margin: .6em 0 1.4em } td, th { padding: 2px 10px; text-align: left; border-bottom: 1px solid #ddd }
td.n { text-align: right; font-variant-numeric: tabular-nums } .row { display: flex; flex-wrap: wrap; gap: 1.5em }
figure { margin: 0 } figcaption { font-size: 12px; color: #555 }
"""


def page(name: str, told: Mapping[str, Any]) -> str:
    """The page."""
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        f"<title>{escape(name)}: what ran</title><style>{_STYLE}</style></head><body>",
        f"<h1>{escape(name)}: what ran</h1>",
        f"<p>Program <code>{escape(told['manifest']['fingerprint'])}</code>, {told['summary']['rules']} rules, "
        f"{told['summary']['views']} views, compiled in {told['summary']['compile_micros'] / 1000:,.0f} ms. Policy "
        f"{escape(told['policy']['profile'])}, {told['decisions']['count']:,} decisions, "
        f"{told['decisions']['with_confidence_and_evidence']:,} of them with confidence and evidence.</p>",
        *_edits(told),
        *_requests(told),
        *_rules(told),
        *_rest(told),
        "</body></html>",
    ]
    return "\n".join(parts)


def _edits(told: Mapping[str, Any]) -> Iterator[str]:
    edits = told["edits"]
    yield f"<h2>Edits: {edits['count']}</h2>"
    if not edits["count"]:
        yield "<p>Nobody has typed since the graph was built.</p>"
        return
    spread = (
        (hop.removesuffix("_micros"), *(_ms(edits["hops"][hop][each]) for each in ("p50", "p90", "p99", "max")))
        for hop in HOPS
    )
    yield _table(("hop", "p50 ms", "p90", "p99", "max"), spread)
    yield _histogram(told["edit_histogram"], "from the message to the snapshot")
    for which in ("median", "slowest"):
        edit = edits[which]
        yield f"<h3>The {which} edit: {edit['total_micros'] / 1000:,.2f} ms, {escape(edit['file'])}</h3>"
        yield _flame(edit, edits["runs"][str(edit["commit"])])


def _flame(edit: Mapping[str, Any], runs: Sequence[Mapping[str, Any]]) -> str:
    """Time from left to right; below each bar what it was spent on."""
    total = max(1, edit["total_micros"])
    scale = _WIDTH / total
    bars = [_bar(0, 0, _WIDTH, "#eee", f"edit {_ms(total)} ms")]
    at = 0.0
    views_at = 0.0
    for hop in HOPS[:-1]:
        micros = edit[hop]
        name = hop.removesuffix("_micros")
        if name == "views":
            views_at = at
        bars.append(_bar(at * scale, 1, micros * scale, _COLOURS[name], f"{name} {_ms(micros)} ms"))
        at += micros
    begun = min((run["start"] for run in runs), default=0)
    # The first view begins when the views do; the clock of both is the same.
    for run in runs:
        left = views_at + run["start"] - begun
        changed = run["rows_inserted"] + run["rows_deleted"]
        label = f"{run['view']} {_ms(run['micros'])} ms, {run['keys']} keys, {changed} rows changed"
        colour = "#f0b27a" if changed else "#fae5d3"
        bars.append(_bar(left * scale, 2, run["micros"] * scale, colour, label))
        for stage in ("impact", "run", "store"):
            micros = run[f"{stage}_micros"]
            bars.append(
                _bar(left * scale, 3, micros * scale, _COLOURS[stage], f"{run['view']}: {stage} {_ms(micros)} ms")
            )
            left += micros
    height = 4 * _ROW
    legend = " ".join(f'<span style="background:{_COLOURS[name]};padding:1px 6px">{name}</span>' for name in _COLOURS)
    return (
        f'<figure><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="100%" '
        f'font-family="sans-serif" font-size="11">{"".join(bars)}</svg>'
        f"<figcaption>{legend} Point at a bar for its name.</figcaption></figure>"
    )


def _bar(left: float, row: int, width: float, colour: str, label: str) -> str:
    shown = max(width, 0.4)
    text = label if len(label) * 6 < width else label[: max(0, int(width / 7))] if width > 60 else ""
    return (
        f'<g><title>{escape(label)}</title><rect x="{left:.2f}" y="{row * _ROW + 1}" width="{shown:.2f}" height="{_ROW - 2}" '
        f'fill="{colour}" stroke="#fff" stroke-width="0.4"/>'
        + (f'<text x="{left + 4:.2f}" y="{row * _ROW + 16}">{escape(text)}</text>' if text else "")
        + "</g>"
    )


def _requests(told: Mapping[str, Any]) -> Iterator[str]:
    requests = told["requests"]
    yield f"<h2>Requests: {sum(of['count'] for of in requests.values()):,}</h2>"
    if not requests:
        yield "<p>No editor has asked anything.</p>"
        return
    rows = (
        (
            method,
            of["count"],
            of["failed"],
            *(_ms(of["latency"][each]) for each in ("p50", "p90", "p99", "max")),
            _ms(of["queue"]["p99"]),
            of["rows"],
        )
        for method, of in requests.items()
    )
    yield _table(("method", "count", "failed", "p50 ms", "p90", "p99", "max", "queue p99", "rows"), rows)
    yield '<div class="row">'
    yield from (_histogram(of["histogram"], method) for method, of in requests.items())
    yield "</div>"


def _histogram(buckets: Sequence[Mapping[str, int]], title: str) -> str:
    """Bars by powers of two of a microsecond."""
    if not buckets:
        return ""
    most = max(bucket["count"] for bucket in buckets)
    wide, high = 34, 90
    bars: list[str] = []
    for number, bucket in enumerate(buckets):
        tall = high * bucket["count"] / most
        bars.append(
            f"<g><title>{bucket['count']} up to {_short(bucket['below'])}</title>"
            f'<rect x="{number * wide + 2}" y="{high - tall + 12:.1f}" width="{wide - 4}" height="{tall:.1f}" fill="#7fb3d5"/>'
            f'<text x="{number * wide + wide / 2}" y="{high - tall + 9:.1f}" text-anchor="middle">{bucket["count"] or ""}</text>'
            f'<text x="{number * wide + wide / 2}" y="{high + 24}" text-anchor="middle">{_short(bucket["below"])}</text></g>'
        )
    width = max(len(buckets) * wide, 120)
    return (
        f'<figure><svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{high + 30}" font-family="sans-serif" '
        f'font-size="9">{"".join(bars)}</svg><figcaption>{escape(title)}</figcaption></figure>'
    )


def _rules(told: Mapping[str, Any]) -> Iterator[str]:
    for mode, title in (("keyed", "Slowest rules of edits"), ("full", "Slowest rules of whole runs")):
        rules = [each for each in told["rules"] if each["mode"] == mode][:_TOP]
        if not rules:
            continue
        yield f"<h2>{title}</h2>"
        rows = (
            (
                each["view"],
                each["runs"],
                _ms(each["micros"]),
                _ms(each["slowest"]),
                each["keys"],
                each["rows_in"],
                each["rows_out"],
                each["rows_changed"],
                each["cutoffs"],
            )
            for each in rules
        )
        yield _table(("view", "runs", "ms", "slowest", "keys", "rows in", "rows out", "changed", "cut off"), rows)


def _rest(told: Mapping[str, Any]) -> Iterator[str]:
    schedule = told["schedule"]
    yield "<h2>Critical path of a build</h2>"
    yield (
        f"<p>{schedule['critical_micros'] / 1000:,.1f} ms of {schedule['total_micros'] / 1000:,.1f} ms: "
        f"{escape(' > '.join(schedule['critical_path']))}</p>"
    )
    for title, key, names in (
        ("Fallbacks", "fallbacks", ("kind", "view", "declared", "times", "rows", "reason")),
        ("Findings", "findings", ("weight", "code", "place", "message", "remedy")),
        ("Errors of extraction", "extract_errors", ("code", "severity", "times")),
        ("Slowest to compile", "compile", ("view", "micros")),
    ):
        rows = told[key][:_TOP]
        yield f"<h2>{title}: {len(told[key])}</h2>"
        if rows:
            yield _table(names, ([row[name] for name in names] for row in rows))


def _table(names: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "\n".join("<tr>" + "".join(_cell(value) for value in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>\n{body}</table>"


def _cell(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"<td>{escape('' if value is None else str(value))}</td>"
    return f'<td class="n">{value:,.2f}</td>' if isinstance(value, float) else f'<td class="n">{value:,}</td>'


def _ms(micros: int) -> float:
    return round(micros / 1000, 2)


def _short(micros: int) -> str:
    if micros < 1000:
        return f"{micros}µs"
    return f"{micros / 1000:.3g}ms" if micros < 1_000_000 else f"{micros / 1_000_000:.3g}s"
