"""`codeanatomy plan`: what the rules were compiled to."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from codeanatomy.cli.workspace_arguments import add_format, add_no_daemon, add_root

NAME = "plan"
ALIASES = ()
DOC = """Show what the rules were compiled to.

Without a view: all views in the order in which they run, with kind, grain, inputs and inferred joins. With a view: its logical,
physical, keyed and impact plans.

--tier 1: the fingerprint of the program, its hashes, outputs and a summary. --tier 2: also what depends on what, the schedule, and the
critical path of a build, from the sizes of the workspace and from measured times. --tier 3: also findings of validation, decisions
with their evidence, signals and column lineage, and with a view all of its plans. Tiers 2 and 3 read the workspace. --format dot, svg
and html draw the graph of views."""

_SHOWN = 20
"""Tasks and outputs that are printed as text; JSON has all."""


def add_arguments(parser: ArgumentParser) -> None:
    """Which view, how deep, and in which form."""
    parser.add_argument("view", nargs="?", metavar="VIEW", help="the view; all of them if left out")
    parser.add_argument("--tier", type=int, choices=(1, 2, 3), help="how much is shown; each has all of the one before")
    add_root(parser)
    add_no_daemon(parser)
    add_format(parser, "dot", "svg", "html")


def run(arguments: Namespace) -> int:
    """Compile, and print."""
    import msgspec

    from codeanatomy.cli import graph
    from codeanatomy.cli.exits import Exit

    root = graph.root_of(arguments, Path.cwd())
    is_picture = arguments.format in ("dot", "svg", "html")
    if arguments.tier is None and not is_picture:
        snapshot = graph.opened(root, arguments).engine.snapshot()
        _check(arguments.view, [view["name"] for view in msgspec.json.decode(snapshot.plan(None))["views"]])
        plan = snapshot.plan(arguments.view)
        if arguments.format == "json":
            print(msgspec.json.format(plan).decode())
        else:
            print(_views(msgspec.json.decode(plan)) if arguments.view is None else _view(msgspec.json.decode(plan)))
        return Exit.OK
    tier = arguments.tier or 2
    if tier == 1 and not is_picture:
        # What a program is needs no file of the workspace.
        snapshot = graph.opened(root, arguments).engine.snapshot()
    else:
        snapshot = graph.answering(root, arguments).snapshot
        tier = max(tier, 2) if is_picture else tier
    if arguments.view is not None:
        listed = msgspec.json.decode(snapshot.bundle(None, 2))["schedule"]["tasks"]
        outputs = msgspec.json.decode(snapshot.bundle(None, 1))["outputs"]
        _check(arguments.view, sorted({each["view"] for each in listed} | {each["name"] for each in outputs}))
    told = msgspec.json.decode(snapshot.bundle(arguments.view, tier))
    match arguments.format:
        case "json":
            print(msgspec.json.format(msgspec.json.encode(told)).decode())
        case "text":
            print("\n".join(_text(told)))
        case form:
            from codeanatomy.cli import plan_picture

            draw = {"dot": plan_picture.dot, "svg": plan_picture.svg, "html": plan_picture.html}[form]
            print(draw(told))
    return Exit.OK


def _check(view: str | None, known: list[str]) -> None:
    """Raise `InputError` for a view that is not there."""
    from codeanatomy_incremental.strict_toml import nearest

    from codeanatomy.cli.exits import InputError

    if view is not None and view not in known:
        raise InputError(f"there is no view `{view}`; {nearest(view, known)}")


def _text(told: dict[str, Any]) -> Iterator[str]:
    """A bundle, tier by tier."""
    from codeanatomy import report

    manifest, summary = told["manifest"], told["summary"]
    for key in ("fingerprint", "spec_hash", "contracts", "engine", "extractor"):
        yield f"{key.replace('_', ' '):<12} {manifest[key]}"
    for pack in manifest["packs"]:
        yield f"{'pack':<12} {pack['name']} {pack['version']}, {pack['rules']} rules, {pack['hash']}"
    yield ""
    yield from (
        f"{key.replace('_', ' '):<32} {value if value is not None else '-':>10,}" for key, value in _said(summary)
    )
    yield f"{'compiles in this process':<32} {told['compiles']:>10}"
    yield ""
    shown = [each for each in told["outputs"] if each["rows"] is None or each["rows"]] or told["outputs"]
    rows = ((each["name"], each["kind"], _rows(each)) for each in shown[:_SHOWN])
    yield report.table(("output", "kind", "rows"), rows)
    if len(shown) > _SHOWN:
        yield f"and {len(shown) - _SHOWN} more"
    if "view" in told:
        yield from ("", *_short(told["view"]))
    if told["tier"] >= 2:
        yield from ("", *_schedule(told))
    if told["tier"] >= 3:
        yield from ("", *_judged(told))
    for form, plan in told.get("plans", {}).items():
        if isinstance(plan, dict):
            for source, each in plan.items():
                yield from ("", f"{form} of {source}:", _indented(each))
        else:
            yield from ("", f"{form}:", _indented("\n".join(plan) if isinstance(plan, list) else plan))


def _said(summary: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    return ((key, value) for key, value in summary.items() if key != "rows" or value)


def _rows(output: dict[str, Any]) -> str:
    return "run when asked" if output["rows"] is None else f"{output['rows']:,}"


def _short(view: dict[str, Any]) -> Iterator[str]:
    yield f"{view['name']}  ({view['kind']}, by {', '.join(view['grain'])}: {view['grain_reason']})"
    yield f"    {view['doc']}"
    yield f"    fingerprint {view['fingerprint']}"
    yield f"    reads {', '.join(view['inputs']) or 'nothing'}"
    yield from (f"    joins {join}" for join in view["joins"])


def _schedule(told: dict[str, Any]) -> Iterator[str]:
    from codeanatomy import report

    schedule, edges = told["schedule"], told["edges"]
    total, critical = schedule["total_micros"] / 1000, schedule["critical_micros"] / 1000
    yield f"{len(edges)} edges, {len(schedule['tasks'])} views in {schedule['stages']} stages"
    yield f"critical path {critical:,.1f} ms of {total:,.1f} ms: " + " > ".join(schedule["critical_path"])
    if "view" in told:
        name = told["view"]["name"]
        yield "reads    " + ", ".join(_edge(each, "from") for each in edges if each["to"] == name)
        yield "read by  " + (", ".join(each["to"] for each in edges if each["from"] == name) or "nothing")
        tasks = [task for task in schedule["tasks"] if task["view"] == name]
    else:
        tasks = sorted(schedule["tasks"], key=lambda task: -task["cost_micros"])[:_SHOWN]
    yield ""
    rows = (
        (
            task["view"],
            task["stage"],
            f"{task['cost_micros'] / 1000:,.2f}",
            task["cost_from"],
            f"{task['bottom_level_micros'] / 1000:,.2f}",
            f"{task['slack_micros'] / 1000:,.2f}",
            "yes" if task["is_critical"] else "",
        )
        for task in tasks
    )
    yield report.table(("view", "stage", "ms", "from", "to the end", "slack", "critical"), rows)


def _edge(edge: dict[str, Any], end: str) -> str:
    times = f" x{edge['occurrences']}" if edge["occurrences"] > 1 else ""
    return f"{edge[end]}{times} ({edge['rows']:,} rows)"


def _judged(told: dict[str, Any]) -> Iterator[str]:
    from codeanatomy import report

    validation = told["validation"]
    yield f"envelope {told['envelope']['hash']}"
    yield f"validation {validation['mode']}: {len(validation['findings'])} findings"
    for each in validation["findings"]:
        yield f"    {each['weight']} {each['code']}  {each['place']}: {each['message']}"
        yield f"        {each['remedy']}"
    yield ""
    decisions = told["decisions"]
    shown = [each for each in decisions if "view" in told or not each["view"]]
    rows = (
        (each["decision"], each["value"], f"{each['confidence']:.2f}", each["evidence"], each["fallback_reason"])
        for each in shown
    )
    yield report.table(("decision", "value", "confidence", "evidence", "fallback"), rows)
    if len(shown) < len(decisions):
        yield f"and {len(decisions) - len(shown)} decisions about single views: name one, or ask for JSON"
    if "view" in told:
        yield from ("", *_signals(told["views"][0]))


def _signals(view: dict[str, Any]) -> Iterator[str]:
    signals = view["signals"]
    for key in ("rows", "selectivity", "projection_ratio", "fan_out"):
        value = signals[key]
        yield f"{key.replace('_', ' '):<17} {'-' if value is None else f'{value:,.4g}' if isinstance(value, float) else f'{value:,}'}"
    for key in ("sort_keys", "winner_group", "readers"):
        yield f"{key.replace('_', ' '):<17} {', '.join(signals[key] or ()) or '-'}"
    yield f"{'functions':<17} {', '.join(view['functions']) or '-'}"
    yield ""
    for relation, columns in view["required_columns"].items():
        size = signals["statistics"].get(relation, {}).get("rows", 0)
        yield f"needs {relation} ({size:,} rows): {', '.join(columns) or 'only its rows'}"
    for index in view["indexes"]:
        yield f"index {index['relation']} ({', '.join(index['columns'])})"
    for column, sources in view["lineage"].items():
        yield f"column {column} from {', '.join(sources) or 'constants'}"


def _views(plan: dict[str, Any]) -> str:
    by_name = {view["name"]: view for view in plan["views"]}
    lines: list[str] = []
    for name in plan["order"]:
        view = by_name.get(name)
        if view is None:
            continue
        lines.append(f"{name}  ({view['kind']}, by {', '.join(view['grain'])})")
        lines.append(f"    {view['doc']}")
        lines.append(f"    reads {', '.join(view['inputs']) or 'nothing'}")
        lines += [f"    joins {join}" for join in view["joins"]]
    return "\n".join(lines)


def _view(plan: dict[str, Any]) -> str:
    parts = [plan["name"]]
    for name in ("logical", "optimized", "physical", "keyed"):
        if plan.get(name):
            parts += ["", f"{name}:", _indented(plan[name])]
    for source, text in (plan.get("impact") or {}).items():
        parts += ["", f"impact of {source}:", _indented(text)]
    return "\n".join(parts)


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
