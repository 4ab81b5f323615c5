"""`codeanatomy rules`: the rules of a workspace, and one's own: begun, explained, tested."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codeanatomy.cli.workspace_arguments import add_format, add_root

if TYPE_CHECKING:
    from codeanatomy_incremental.packs.load import RuleFile

    from codeanatomy.config import Configuration
    from codeanatomy.memory import Memory
    from codeanatomy.rulebook import Case

NAME = "rules"
ALIASES = ()
DOC = """List, explain, begin and test rules.

list: the packs in force, why each one is, and the rules of those of the workspace; of all packs with --all.
explain RULE: what it says, what it reads and what reads it.
new RULE: a rule file that compiles, with a book of cases beside it, in the pack that --pack names.
test [BOOK]: the cases of the books (`.md`) beside the packs of the workspace, in batch, live and in replay. Exit code 1 if one
does not hold."""

_ACTIONS = ("list", "explain", "new", "test")
_OWN = "rules/own"
_RULE = """doc = "Holds if `eval` is called."
kind = "diagnostic"
match = "exprs(expr, base=_callee, file, kind='call'), names(expr=_callee, name, name = 'eval')"
severity = "information"
code = "{code}"
message = "`{{name}}` runs what a text says"
example = "`eval(\\"1 + 1\\")`."
"""
_BOOK = """# {name}

## A call is found, and goes with an edit

`a.py`:
```py
eval("1 + 1")
# ^ shows {code}
```
```edit a.py
-eval("1 + 1")
+str("1 + 1")
```
`a.py` now:
```py
str("1 + 1")
# ^ shows nothing
```
"""


def add_arguments(parser: ArgumentParser) -> None:
    """What to do, and with which rule."""
    parser.add_argument("action", choices=_ACTIONS, help="what to do")
    parser.add_argument("name", nargs="?", metavar="NAME", help="the rule, or the book to test")
    parser.add_argument("--all", action="store_true", help="list the rules of the installation too")
    parser.add_argument("--pack", metavar="FOLDER", help=f"the folder of the pack of a new rule (default: {_OWN})")
    add_root(parser)
    add_format(parser)


def run(arguments: Namespace) -> int:
    """Do it."""
    from codeanatomy import config
    from codeanatomy.cli import graph
    from codeanatomy.cli.exits import InputError
    from codeanatomy.cli.workspace_arguments import overrides

    root = graph.root_of(arguments, Path.cwd())
    if arguments.name is None and arguments.action in ("explain", "new"):
        raise InputError(f"`rules {arguments.action}` needs the name of a rule")
    if arguments.action == "new":
        return _begin(root, arguments)
    settings = config.load(root, overrides(arguments))
    match arguments.action:
        case "list":
            return _list(root, settings, arguments)
        case "explain":
            return _explain(settings, arguments)
        case _:
            return _test(root, settings, arguments)


def _list(root: Path, settings: Configuration, arguments: Namespace) -> int:
    import msgspec

    from codeanatomy_incremental.packs import load as packs

    from codeanatomy.cli.exits import Exit

    rules = settings.options.rules
    found = packs.detected(root) if rules.detect else {}
    shown: list[dict[str, Any]] = []
    for header in settings.program.packs:
        own = [rule for rule in settings.program.rules if rule.pack == header.name]
        installed = bool(own) and own[0].file.startswith("packs/")
        if header.name in rules.packs:
            why = "asked for in [rules] packs"
        elif header.name in found:
            why = f"{found[header.name]} names it" if found[header.name] else "for what is part of Python"
        else:
            why = "a pack of the workspace"
        listed = own if arguments.all or not installed else []
        shown.append(
            {
                "pack": header.name,
                "version": header.version,
                "doc": header.doc,
                "because": why,
                "count": len(own),
                "rules": [{"name": rule.name, "file": rule.file, "doc": _doc(rule)} for rule in listed],
            }
        )
    if arguments.format == "json":
        print(msgspec.json.format(msgspec.json.encode(shown)).decode())
        return Exit.OK
    for pack in shown:
        print(f"{pack['pack']} {pack['version']}  {pack['count']} rules  ({pack['because']})")
        print(f"    {pack['doc']}")
        for rule in pack["rules"]:
            print(f"  {rule['name']}    {rule['file']}")
            print(f"      {rule['doc']}")
    return Exit.OK


def _explain(settings: Configuration, arguments: Namespace) -> int:
    import msgspec

    from codeanatomy_engine import Engine, EngineError

    from codeanatomy_incremental.strict_toml import nearest

    from codeanatomy import config
    from codeanatomy.cli.exits import Exit, InputError

    program = settings.program
    views = {view["name"]: view for view in msgspec.json.decode(program.document)["views"]}
    view = views.get(arguments.name)
    if view is None:
        raise InputError(f"there is no rule `{arguments.name}`; {nearest(arguments.name, views)}")
    try:
        plan = msgspec.json.decode(Engine(program.document).snapshot().plan(None))["views"]
    except EngineError as error:
        raise config.pack_error(program, error) from error
    compiled: dict[str, Any] = next((each for each in plan if each["name"] == arguments.name), {})
    told = {
        "name": view["name"],
        "kind": view["kind"],
        "pack": view["pack"],
        "file": view["file"],
        "doc": view["doc"],
        "example": view["example"].strip(),
        "why": view.get("why", ""),
        "confidence": view.get("confidence", ""),
        "part of": [name for name, other in views.items() if arguments.name in other.get("inputs", ())],
        "reads": compiled.get("inputs", []),
        "read by": [other["name"] for other in plan if arguments.name in other["inputs"]],
        "by": compiled.get("grain", []),
        "columns": compiled.get("columns", []),
        "joins": compiled.get("joins", []),
    }
    if arguments.format == "json":
        print(msgspec.json.format(msgspec.json.encode(told)).decode())
    else:
        for key, value in told.items():
            if value not in ("", []):
                print(f"{key + ':':12}{', '.join(value) if isinstance(value, list) else value}")
    return Exit.OK


def _begin(root: Path, arguments: Namespace) -> int:
    import re

    from codeanatomy_incremental.options import CONFIG_NAME
    from codeanatomy_incremental.packs.load import PACK_FILE

    from codeanatomy.cli.exits import Exit, InputError

    name = arguments.name
    if re.fullmatch(r"[a-z][a-z0-9_]*", name) is None:
        raise InputError(f"`{name}` is no name for a rule: lower case letters, digits and `_`, a letter first")
    folder = root / (arguments.pack or _OWN)
    files = {
        folder / f"{name}.toml": _RULE.format(code=name.replace("_", "-")),
        folder / f"{name}.md": _BOOK.format(name=name, code=name.replace("_", "-")),
    }
    there = next((file for file in files if file.exists()), None)
    if there is not None:
        raise InputError(f"`{there.relative_to(root)}` is there already")
    if not (folder / PACK_FILE).exists():
        files[folder / PACK_FILE] = f'name = "{folder.name}"\nversion = "1"\ndoc = "What our own code means."\n'
    if not (root / CONFIG_NAME).exists():
        files[root / CONFIG_NAME] = f'[rules]\npaths = ["{folder.relative_to(root).as_posix()}"]\n'
    for file, text in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
        print(file.relative_to(root).as_posix())
    if root / CONFIG_NAME not in files:
        print(
            f"\n[rules] paths in {CONFIG_NAME} must name `{folder.relative_to(root).as_posix()}` or the folder above it"
        )
    return Exit.OK


def _test(root: Path, settings: Configuration, arguments: Namespace) -> int:
    import msgspec

    from codeanatomy_engine import EngineError

    from codeanatomy import config, rulebook
    from codeanatomy.cli.exits import Exit, InputError
    from codeanatomy.memory import Memory

    books = [root / arguments.name] if arguments.name else _books(root, settings)
    try:
        cases = [case for book in books for case in rulebook.read(book)]
    except (rulebook.BookError, OSError) as error:
        raise InputError(str(error)) from error
    try:
        fresh, live = Memory(settings.program.document), Memory(settings.program.document)
    except EngineError as error:
        raise config.pack_error(settings.program, error) from error
    rows: list[dict[str, Any]] = [
        {"book": case.book, "line": case.line, "case": case.title, "wrong": _wrong(case, fresh, live)} for case in cases
    ]
    failed = [row for row in rows if row["wrong"]]
    if arguments.format == "json":
        print(msgspec.json.format(msgspec.json.encode(rows)).decode())
    else:
        for row in rows:
            print(f"{'failed' if row['wrong'] else 'ok':6}  {row['book']}:{row['line']}: {row['case']}")
            for line in row["wrong"]:
                print(f"            {line}")
        print(f"{len(rows)} cases in {len(books)} books, {len(failed)} failed")
    return Exit.FINDINGS if failed else Exit.OK


def _books(root: Path, settings: Configuration) -> list[Path]:
    """The books beside the packs of the workspace."""
    own = (rule.file for rule in settings.program.rules if (root / rule.file).is_file())
    folders = dict.fromkeys((root / file).parent for file in own)
    return [book for folder in folders for book in sorted(folder.glob("*.md")) if book.name != "README.md"]


def _wrong(case: Case, fresh: Memory, live: Memory) -> list[str]:
    """What does not hold in a case, each with the way in which it was run."""
    from codeanatomy import rulebook

    ways = {
        "in batch": lambda: rulebook.in_batch(case, fresh),
        "live": lambda: rulebook.in_life(case, live),
        "in replay": lambda: rulebook.in_replay(case, live),
    }
    return [f"{way}: {line}" for way, act in ways.items() for line in act()]


def _doc(rule: RuleFile) -> str:
    import tomllib

    return tomllib.loads(rule.text)["doc"]
