"""`codeanatomy run`: the last run as a file, run again, and compared with another."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codeanatomy.cli.workspace_arguments import add_no_daemon, add_root

if TYPE_CHECKING:
    from codeanatomy_incremental.package import Package

NAME = "run"
ALIASES = ()
DOC = """Write the last run into a file, run it again, or compare two.

export FILE: the run that made the graph as it is on disk now, of the daemon if one runs: program, inputs, policy, what engine and
environment can do, and the content of every table by hash. replay FILE: run it again from nothing and compare two hashes and every
table, printed as JSON; with --set run.profile=low_latency, or another option of [run], under another policy, with what would be
decided otherwise. diff A B: what differs between two runs.

Exit code 1 if a replay or two runs are not equal."""

_ACTIONS = ("export", "replay", "diff")
_SHOWN = 20


def add_arguments(parser: ArgumentParser) -> None:
    """What to do, with which files."""
    parser.add_argument("action", choices=_ACTIONS, help="what to do")
    parser.add_argument("file", metavar="FILE", help="the package of a run")
    parser.add_argument("other", nargs="?", metavar="OTHER", help="the package that it is compared with")
    add_root(parser)
    add_no_daemon(parser)
    parser.add_argument(
        "--format", choices=("text", "json"), help="how the result is written (replay: json, else text)"
    )


def run(arguments: Namespace) -> int:
    """Do it."""
    from codeanatomy.cli.exits import InputError

    if (arguments.other is not None) != (arguments.action == "diff"):
        raise InputError("`run diff` compares two packages" if arguments.action == "diff" else "one FILE is enough")
    match arguments.action:
        case "export":
            return _export(arguments)
        case "replay":
            return _replay(arguments)
        case _:
            return _diff(arguments)


def _export(arguments: Namespace) -> int:
    import os

    import msgspec

    from codeanatomy_incremental import package

    from codeanatomy.cli import graph
    from codeanatomy.cli.exits import Exit, InputError
    from codeanatomy.daemon import caller

    root = graph.root_of(arguments, Path.cwd())
    asked = None if arguments.no_daemon or arguments.set else caller.begun(os.fspath(root))
    if asked is not None:
        content = asked.ask("package")
    else:
        indexed = graph.indexed(root, arguments)
        content = package.written(package.made(indexed, indexed.engine.snapshot()))
    try:
        Path(arguments.file).write_bytes(content)
    except OSError as error:
        raise InputError(f"`{arguments.file}` cannot be written: {error.strerror}") from error
    head = package.read(content).head
    told: dict[str, Any] = {
        "file": arguments.file,
        "bytes": len(content),
        "spec": head.manifest["spec_hash"],
        "fingerprint": head.manifest["fingerprint"],
        "envelope": head.envelope,
        "files": len(head.files),
        "library_files": len(head.library),
        "outputs": len(head.outputs),
        "rows": sum(each.rows for each in head.outputs),
    }
    if arguments.format == "json":
        print(msgspec.json.format(msgspec.json.encode(told)).decode())
    else:
        print(
            "\n".join(
                f"{key.replace('_', ' '):<14} {value:,}" if isinstance(value, int) else f"{key:<14} {value}"
                for key, value in told.items()
            )
        )
    return Exit.OK


def _replay(arguments: Namespace) -> int:
    import msgspec

    from codeanatomy_incremental import options, package

    from codeanatomy.cli.exits import Exit, InputError
    from codeanatomy.cli.workspace_arguments import overrides

    recorded = _read(arguments.file)
    policy = None
    changes = overrides(arguments)
    if changes:
        other = next((key for key in changes if not key.startswith("run.")), None)
        if other is not None:
            raise InputError(f"a replay has the inputs of its package: `{other}` is no option of [run]")
        policy = options.over(recorded.head.policy, changes)
    told = package.replayed(recorded, policy)
    if arguments.format == "text":
        print("\n".join(_told(told)))
    else:
        print(msgspec.json.format(msgspec.json.encode(told)).decode())
    return Exit.OK if told["equal"] else Exit.FINDINGS


def _diff(arguments: Namespace) -> int:
    import msgspec

    from codeanatomy_incremental import package

    from codeanatomy.cli.exits import Exit

    told = package.differences(_read(arguments.file), _read(arguments.other))
    if arguments.format == "json":
        print(msgspec.json.format(msgspec.json.encode(told)).decode())
    else:
        print("\n".join(_different(told)))
    return Exit.OK if told["equal"] else Exit.FINDINGS


def _read(file: str) -> Package:
    from codeanatomy_incremental import package

    from codeanatomy.cli.exits import InputError

    try:
        return package.read(Path(file).read_bytes())
    except (OSError, package.PackageError) as error:
        raise InputError(f"`{file}`: {error}") from error


def _told(told: Mapping[str, Any]) -> Iterator[str]:
    match = told["match"]
    yield f"equal       {'yes' if told['equal'] else 'no'}"
    for which in ("spec", "envelope"):
        each = told[which]
        also = "" if each["equal"] else f", recorded {each['recorded']}"
        yield f"{which:<11} {each['replayed']}{also}"
    yield f"outputs     {match['equal']} of {match['outputs']} equal"
    yield f"inputs      {told['inputs']['files']} files, {told['inputs']['library_files']} library files"
    yield from (f"  changed   {each}" for each in told["inputs"]["changed"][:_SHOWN])
    yield from (f"  miss      {each['output']}: {each['because']}" for each in told["misses"])
    other = told.get("counterfactual")
    if other is not None:
        policy = other["policy"]
        yield f"under       {', '.join(f'{key} {value}' for key, value in policy.items())}"
        yield f"views       {other['micros'] / 1000:,.1f} ms, recorded {other['micros_recorded'] / 1000:,.1f} ms"
        differ = other["commits_that_would_differ"]
        yield f"commits     {len(differ)} of {other['commits']} would run otherwise"
        for each in differ[:_SHOWN]:
            yield f"  {each['commit']:>8}  {each['was']} > {each['would_be']} ({each['changed']} of {each['files']} files)"
        yield f"decisions   {len(other['decisions_that_differ'])} would differ"
        yield from _moved(other["decisions_that_differ"])


def _moved(decisions: list[dict[str, Any]]) -> Iterator[str]:
    for each in decisions[:_SHOWN]:
        yield f"  {each['view'] or 'all'}: {each['decision']}: {each['was']} > {each['is']} ({each['evidence']})"
    if len(decisions) > _SHOWN:
        yield f"  and {len(decisions) - _SHOWN} more"


def _different(told: Mapping[str, Any]) -> Iterator[str]:
    yield f"equal       {'yes' if told['equal'] else 'no'}"
    for which in ("spec", "fingerprint", "envelope"):
        each = told[which]
        yield f"{which:<11} {each['before']}" + ("" if each["equal"] else f" > {each['after']}")
    for which in ("policy", "capability"):
        before, after = told[which]["before"], told[which]["after"]
        for key in dict.fromkeys((*before, *after)):
            if before.get(key) != after.get(key):
                yield f"{which:<11} {key}: {before.get(key)} > {after.get(key)}"
    for which in ("files", "library_files"):
        for how, names in told[which].items():
            if names:
                more = f" and {len(names) - 5} more" if len(names) > 5 else ""
                yield f"{which.replace('_', ' '):<13} {how} {len(names)}: {', '.join(names[:5])}{more}"
    yield f"outputs     {told['outputs_compared'] - len(told['outputs'])} of {told['outputs_compared']} equal"
    for each in told["outputs"]:
        yield f"  {each['name']}: {_count(each['rows_recorded'])} > {_count(each['rows'])} rows"
    yield f"decisions   {len(told['decisions'])} differ"
    yield from _moved(told["decisions"])
    slower = [each for each in told["slower"] if each["micros_after"] > each["micros_before"]]
    yield f"slower      {len(slower)} views"
    for each in slower[:5]:
        yield f"  {each['view']}: {each['micros_before'] / 1000:,.2f} > {each['micros_after'] / 1000:,.2f} ms"


def _count(rows: int | None) -> str:
    return "no" if rows is None else f"{rows:,}"
