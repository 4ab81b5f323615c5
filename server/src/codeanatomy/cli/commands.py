"""All commands, their parser, and what becomes of their failures."""

from __future__ import annotations

import os
import sys
import traceback
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from types import ModuleType

from codeanatomy.cli import (
    check,
    config,
    daemon,
    delta,
    diag,
    env,
    find,
    governance,
    index,
    lsp,
    plan,
    query,
    rules,
    trust,
    version,
    watch,
    why,
    witness,
)
from codeanatomy.cli import run as run_packages
from codeanatomy.cli.exits import Exit, InputError
from codeanatomy.daemon.caller import CallError
from codeanatomy.daemon.place import DaemonError

COMMANDS: tuple[ModuleType, ...] = (
    index,
    lsp,
    daemon,
    watch,
    why,
    find,
    query,
    witness,
    plan,
    rules,
    check,
    delta,
    governance,
    diag,
    run_packages,
    env,
    trust,
    config,
    version,
)
"""Each has `NAME`, `ALIASES`, `DOC`, `add_arguments(parser)` and `run(arguments)`."""


def main(argv: Sequence[str]) -> int:
    """Run one command; its exit code."""
    arguments = parser().parse_args(argv)
    try:
        return int(run(arguments))
    except BrokenPipeError:
        # Whoever read our output has seen enough. Standard output must not be flushed into the void at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    except KeyboardInterrupt:
        return 130


def run(arguments: Namespace) -> int:
    """Run a parsed command and turn its failures into messages and exit codes."""
    try:
        return int(arguments.command.run(arguments))
    except BrokenPipeError:
        raise
    except Exception as error:
        known = _known_failure(error)
        if known is not None:
            return known
        traceback.print_exception(error)
        hint = "this is a mistake of the program; please report it with the lines above"
        return _fail(Exit.RUNTIME, "internal", f"{type(error).__name__}: {error}", hint)


def parser() -> ArgumentParser:
    """The parser of all commands."""
    whole = ArgumentParser(
        prog="codeanatomy",
        description="A code property graph of a Python workspace, alive while you type.",
        epilog="Exit codes: 0 ok, 1 findings (check, run), 2 bad input or configuration, 3 a rule pack does not compile,\n"
        "4 a rule violated its contract, 5 runtime failure, 10 the engine is missing.",
        formatter_class=RawDescriptionHelpFormatter,
    )
    commands = whole.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        sub = commands.add_parser(
            command.NAME,
            aliases=command.ALIASES,
            help=command.DOC.splitlines()[0],
            description=command.DOC,
            formatter_class=RawDescriptionHelpFormatter,
        )
        command.add_arguments(sub)
        sub.set_defaults(command=command)
    return whole


_HISTORY_EXITS: dict[str, Exit] = dict.fromkeys(
    (
        "history-none",
        "history-version",
        "history-expired",
        "history-exists",
        "git-failed",
        "query-refused",
        "query-failed",
        "query-too-large",
    ),
    Exit.BAD_INPUT,
)
"""What the user can change; all else is a failure at run time."""


def _known_failure(error: Exception) -> int | None:
    """The exit code of a failure that has a code of its own, after its message; None for one that has not."""
    match error:
        case InputError():
            return _fail(Exit.BAD_INPUT, "bad-input", str(error))
        case DaemonError():
            return _fail(Exit.RUNTIME, error.code, str(error))
        case CallError():
            return _refusal(error.code, error.stage, str(error), error.hint, error.where)
        case ImportError() if (error.name or "").startswith("codeanatomy_engine"):
            hint = "install the distribution codeanatomy-engine in the same version"
            return _fail(Exit.ENGINE_MISSING, "engine-missing", f"the engine cannot be loaded: {error}", hint)
        case _:
            pass

    from codeanatomy_incremental.history.failure import HistoryError
    from codeanatomy_incremental.packs.load import PackError
    from codeanatomy_incremental.scip_python import ScipError
    from codeanatomy_incremental.strict_toml import TomlError

    match error:
        case TomlError():
            return _fail(Exit.BAD_INPUT, "bad-config", f"{error.place}: {error.message}", error.hint)
        case HistoryError():
            return _fail(_HISTORY_EXITS.get(error.code, Exit.RUNTIME), error.code, str(error), error.hint)
        case ScipError():
            is_input = error.code in ("scip-untrusted", "scip-outside", "scip-missing")
            return _fail(Exit.BAD_INPUT if is_input else Exit.RUNTIME, error.code, str(error), error.hint)
        case PackError(code="pack-unknown" | "pack-missing"):
            return _fail(Exit.BAD_INPUT, error.code, f"{error.file}: {error.message}", error.hint)
        case PackError():
            place = error.file if error.line is None else f"{error.file}:{error.line}"
            return _fail(Exit.BAD_PACK, error.code, f"{place}: {error.message}", error.hint)
        case _:
            pass

    from codeanatomy_engine import EngineError

    from codeanatomy_incremental.live import LiveError

    match error:
        case EngineError():
            return _refusal(error.code, error.stage, str(error), error.hint, error.where)
        case LiveError():
            return _fail(Exit.RUNTIME, error.code, str(error))
        case _:
            return None


def _refusal(code: str, stage: str, message: str, hint: str, where: str) -> Exit:
    """What the engine refuses, here or in a daemon."""
    if stage in ("decode", "compile"):
        return _fail(Exit.BAD_PACK, code, f"{where}: {message}" if where else message, hint)
    if code in ("query-refused", "query-failed", "query-too-large", "unknown-file", "bad-position"):
        return _fail(Exit.BAD_INPUT, code, message, hint)
    return _fail(Exit.BROKEN_RULE if code.startswith("rule-") else Exit.RUNTIME, code, message, hint)


def _fail(code: Exit, name: str, message: str, hint: str = "") -> Exit:
    print(f"error[{name}]: {message}" + (f"\n  hint: {hint}" if hint else ""), file=sys.stderr)
    return code
