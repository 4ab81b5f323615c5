"""`codeanatomy plan`: what the rules were compiled to."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from codeanatomy.cli.workspace_arguments import add_format, add_root

NAME = "plan"
ALIASES = ()
DOC = """Show what the rules were compiled to.

Without a view: all views in the order in which they run, with kind, grain, inputs and inferred joins. With a view: its logical,
physical, keyed and impact plans."""


def add_arguments(parser: ArgumentParser) -> None:
    """Which view."""
    parser.add_argument("view", nargs="?", metavar="VIEW", help="the view; all of them if left out")
    add_root(parser)
    add_format(parser)


def run(arguments: Namespace) -> int:
    """Compile and print; no file of the workspace is read."""
    import msgspec

    from codeanatomy.cli import graph
    from codeanatomy.cli.exits import Exit, InputError

    root = graph.root_of(arguments, Path.cwd())
    snapshot = graph.opened(root, arguments).engine.snapshot()
    if arguments.view is not None:
        from codeanatomy_incremental.strict_toml import nearest

        known = [view["name"] for view in msgspec.json.decode(snapshot.plan(None))["views"]]
        if arguments.view not in known:
            raise InputError(f"there is no view `{arguments.view}`; {nearest(arguments.view, known)}")
    plan = snapshot.plan(arguments.view)
    if arguments.format == "json":
        print(msgspec.json.format(plan).decode())
    else:
        print(_views(msgspec.json.decode(plan)) if arguments.view is None else _view(msgspec.json.decode(plan)))
    return Exit.OK


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
