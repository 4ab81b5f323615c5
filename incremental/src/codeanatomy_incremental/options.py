"""The options of a workspace, as typed values with their documentation and their origin.

Options come from `codeanatomy.toml` at the root of the workspace and from overrides of the caller; every value knows where
it came from. Unknown sections and keys are refused. The docstrings here are the reference page.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from codeanatomy_incremental import disk, strict_toml
from codeanatomy_incremental.contracts import Contract

CONFIG_NAME = "codeanatomy.toml"

_MOST_BYTES = 1 << 20
"""A larger file is no configuration."""

Positive = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[float, msgspec.Meta(ge=0)]


class WorkspaceOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which files belong to the workspace and how they are named."""

    source_roots: tuple[str, ...] = ()
    """Folders from which imports start, relative to the workspace, first one first. Empty means: find them. The workspace
    itself, `src` folders, and folders with a `pyproject.toml`, `setup.py` or `setup.cfg` are then taken."""

    exclude: tuple[str, ...] = ()
    """Patterns of files and folders to leave out, written as in `.gitignore`."""

    respect_gitignore: bool = True
    """Leave out what `.gitignore` files leave out."""

    python: str = ""
    """Interpreter or environment of the workspace: an executable or a folder, relative to the workspace or absolute. It is read
    and never run. Empty means: find it, from the editor, `VIRTUAL_ENV`, `CONDA_PREFIX`, `.venv`, `venv` or `env` in the
    workspace, or the first Python on `PATH`. `codeanatomy env` shows what was found."""

    standard_library: bool = True
    """Follow names into the standard library, by its stubs."""

    packages: bool = True
    """Follow names into installed packages, by their stubs or their source. Only modules that some import leads to are read."""

    library_files: Positive = 2000
    """At most this many files of installed packages enter the graph, those nearest to the workspace first. What is left out
    is listed with the reason in the table `library_modules`."""

    library_cache: bool = True
    """Keep what was extracted of library files in the cache folder of the user, for all workspaces: `CODEANATOMY_CACHE_DIR`,
    else `codeanatomy` in the folder that the system has for caches."""

    max_file_bytes: Positive = 8 * 1024 * 1024
    """Larger files are reported as `source-too-large` and not analysed."""


class IncrementalOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How changes reach the graph."""

    watch: bool = True
    """Listen to the file system. Comparing with the disk from time to time goes on without it."""

    step_ms: Positive = 10
    """How long the watcher waits for further events before it reports, in milliseconds."""

    burst: Positive = 500
    """More changed files than this at once are taken for a checkout, and the whole workspace is compared."""

    reconcile_s: Seconds = 60.0
    """Seconds between comparisons of the whole workspace with the disk while the watcher works; 0 turns them off."""

    poll_s: Seconds = 2.0
    """Seconds between comparisons when the watcher cannot work; 0 turns them off."""

    answer_timeout_s: Seconds = 30.0
    """How long a question may wait for the edits before it."""

    batch_files: Positive = 64
    """Files that are read and handed to the engine together in the first index."""

    image: bool = True
    """Keep an image of the graph in the cache folder of the user, so that the next start reads only what changed since."""

    image_idle_s: Seconds = 2.0
    """How long nothing may have happened before an image is written, unless it has been due for 15 seconds, or the graph stops."""

    near_files: Annotated[int, msgspec.Meta(ge=0)] = 96
    """While a whole workspace is being read, open files can be asked about as soon as they and the nearest files that they import,
    this many at most, are in the graph; 0 lets every question wait for the whole."""


class HistoryOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When versions of the graph are kept, and how the history is kept in order. Where it lies is no option of a workspace: see
    docs/history.md."""

    idle_s: Seconds = 300.0
    """A daemon adds a version to the history when nothing has changed for so many seconds since something did; 0 never does."""

    keep: Annotated[int, msgspec.Meta(ge=0)] = 500
    """Maintenance gives up versions before the newest so many; 0 keeps all."""

    dead_share: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5
    """Rows that no kept version needs are dropped when they are more than this share of a table."""

    compact_files: Positive = 32
    """A table with more data files than this is compacted."""

    unneeded_files: Annotated[int, msgspec.Meta(ge=0)] = 32
    """More files than this that the newest version of a table does not need are removed."""

    vacuum_hours: Annotated[int, msgspec.Meta(ge=0)] = 1
    """A file that is not needed any more stays for so many hours, for whoever is reading it."""

    log_entries: Positive = 64
    """A log with more entries than this since it was summed up is summed up."""


class LensesOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which lines editors show above definitions."""

    references: bool = True
    """How often a function, class or method is used."""

    overrides: bool = True
    """Which method of a base class a method overrides."""

    overridden: bool = True
    """How many methods override a method, and how many classes derive from a class."""


class CompletionOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is offered while somebody types."""

    limit: Positive = 200
    """The most items of an answer; the editor asks again as the word grows."""

    auto_imports: Annotated[int, msgspec.Meta(ge=0)] = 60
    """The most names among them that would have to be imported first; 0 offers only what can be seen already."""


class RulesOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which rules make the graph."""

    packs: tuple[str, ...] = ("python",)
    """Rule packs of the installation to use, in order."""

    detect: bool = True
    """Use those packs of the installation too whose framework the workspace uses: a file that says what it needs names it.
    `codeanatomy rules list` shows what was found, and where."""

    paths: tuple[str, ...] = ()
    """Folders with further rule packs, relative to the workspace."""


class WitnessOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Slow extractors, which read a text in processes of their own once it rests. See [witnesses](../witnesses.md)."""

    syntax: bool = True
    """Let CPython judge the syntax of open files at rest, and of all files in `codeanatomy check`."""

    at_rest: tuple[str, ...] = ("cpython", "symtable")
    """Extractors whose tables are filled for the files that editors have open. All others are asked when somebody asks for
    them: `codeanatomy witness`."""

    rest_ms: Positive = 120
    """After so many milliseconds without an edit CPython is asked whether it takes the text."""

    tables_ms: Positive = 1500
    """After so many milliseconds without an edit the tables of an open file are filled."""

    timeout_s: Annotated[float, msgspec.Meta(gt=0)] = 20.0
    """An extractor that takes longer over one text is ended, and a row of `extract_errors` says so."""

    max_file_bytes: Positive = 1024 * 1024
    """Extractors are not asked for tables of larger files; the verdict on their syntax is asked for nevertheless."""


class ScipOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An index of the workspace in the SCIP format, which the witness `scip` reads. `codeanatomy witness scip --run` makes it with the npm
    tool `scip-python`, if the user trusts the workspace; nothing here makes a workspace trusted. See [witnesses](../witnesses.md)."""

    index: str = "index.scip"
    """Where the index lies, relative to the workspace. What was changed after it was made is not asked of it."""

    project: str = ""
    """The name that symbols of the workspace bear in the index. Empty: the name of its folder."""

    version: str = ""
    """The version that they bear. Empty: the commit, where there is one."""

    timeout_s: Annotated[float, msgspec.Meta(gt=0)] = 1800.0
    """A run of `scip-python` that takes longer is ended."""


class LayersOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What may import what: layers and other contracts, checked at every edit and by `codeanatomy check`. See [layers](../layers.md)."""

    order: tuple[str, ...] = ()
    """Packages or modules from the top to the bottom: none imports one above it, not through others either. `a | b` are siblings
    that must not know each other, `a : b` siblings that may; one in brackets may be missing."""

    contracts: tuple[Contract, ...] = ()
    """Further contracts, each a table `[[layers.contracts]]`."""

    import_linter: bool = True
    """Check the contracts that are written for import-linter too."""


class InlayHintsOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What editors show between the letters. There is a hint only where the graph is sure and the text does not say it."""

    parameter_names: bool = True
    """The name of the parameter before an argument that is given by its place."""

    variable_types: bool = True
    """The class of a variable that has no annotation."""

    return_types: bool = True
    """What a function returns that has no annotation."""


class DaemonOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The process that holds the graph for all editors and commands."""

    idle_s: Seconds = 300.0
    """How many seconds it waits for the next one when nobody is connected any more."""


class RunOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the program runs and what is kept of its runs. No choice here changes a row of the graph. See [runs](../runs.md)."""

    profile: Literal["default", "low_latency", "replay", "strict"] = "default"
    """What runs are for. `low_latency` runs bursts of changes for their keys where `default` would run everything once; `replay` lets
    no size decide how a view runs; `strict` refuses what validation finds."""

    validation: Literal["off", "warn", "error"] = "warn"
    """What becomes of findings about compiled rules: `off`, told (`warn`), or refused (`error`), which also refuses rows that break
    the contract of their view."""

    calibration: Literal["off", "warn", "enforce"] = "warn"
    """What becomes of measured times: `warn` tells where another way would have paid, `enforce` takes it."""

    artifacts: bool = True
    """Keep the last runs, edits and requests in the tables `rule_exec`, `edits`, `requests`, `policy_decisions` and `fallbacks`."""


class OtelOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Traces and metrics for OpenTelemetry, by its standard SDK (`pip install codeanatomy[otel]`). Without an endpoint nothing of it is
    imported."""

    endpoint: str = ""
    """Where spans and metrics go, by OTLP over HTTP, such as `http://localhost:4318`; `console` writes them to standard error. Empty: nowhere."""

    service: str = "codeanatomy"
    """The name of the service in them."""


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All options of a workspace."""

    workspace: WorkspaceOptions = WorkspaceOptions()
    incremental: IncrementalOptions = IncrementalOptions()
    lenses: LensesOptions = LensesOptions()
    rules: RulesOptions = RulesOptions()
    layers: LayersOptions = LayersOptions()
    witnesses: WitnessOptions = WitnessOptions()
    scip: ScipOptions = ScipOptions()
    inlay_hints: InlayHintsOptions = InlayHintsOptions()
    completion: CompletionOptions = CompletionOptions()
    daemon: DaemonOptions = DaemonOptions()
    history: HistoryOptions = HistoryOptions()
    run: RunOptions = RunOptions()
    otel: OtelOptions = OtelOptions()


class Setting(msgspec.Struct, frozen=True):
    """One effective value and where it came from."""

    key: str
    value: Any
    origin: str
    """`default`, `codeanatomy.toml:LINE` or the name of the override."""


class Loaded(msgspec.Struct, frozen=True):
    """Options together with the origin of each value."""

    options: Options
    settings: tuple[Setting, ...]


def load(root: Path, overrides: Mapping[str, str] | None = None, overrides_name: str = "command line") -> Loaded:
    """The options of the workspace at `root`; raises `strict_toml.TomlError` if any of them is wrong.

    `overrides` maps dotted keys to TOML values and wins over the file.
    """
    file = root / CONFIG_NAME
    content, wrong = disk.read(os.fspath(file), _MOST_BYTES)
    if wrong not in ("", "source-vanished"):
        raise strict_toml.TomlError(CONFIG_NAME, None, "", f"cannot be read: {wrong}")
    try:
        text = (content or b"").decode("utf-8")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise strict_toml.TomlError(CONFIG_NAME, line, "", "is not UTF-8 text") from error
    tables = strict_toml.parse(text, CONFIG_NAME)
    strict_toml.fit(tables, Options, text, CONFIG_NAME)
    origins = {
        f"{section}.{key}": f"{CONFIG_NAME}:{strict_toml.line_of(text, (section, key)) or 1}"
        for section, values in tables.items()
        for key in values
    }
    for key, value in (overrides or {}).items():
        _override(tables, key, value, overrides_name)
        origins[key] = overrides_name
    options = strict_toml.fit(tables, Options, text, overrides_name)
    settings = tuple(
        Setting(key=f"{section}.{key}", value=value, origin=origins.get(f"{section}.{key}", "default"))
        for section, values in msgspec.to_builtins(options).items()
        for key, value in values.items()
    )
    return Loaded(options=options, settings=settings)


def over(run: RunOptions, changes: Mapping[str, str], name: str = "command line") -> RunOptions:
    """Options of [run] with some of them replaced, given as `run.key` and TOML value; raises `strict_toml.TomlError`."""
    tables: dict[str, Any] = {"run": msgspec.to_builtins(run)}
    for key, value in changes.items():
        _override(tables, key, value, name)
    return strict_toml.fit(tables, Options, "", name).run


def reference() -> str:
    """The reference page of all options, in Markdown."""
    lines = [
        "# Configuration",
        "",
        "<!-- Made by `codeanatomy config --reference` from the docstrings of `options.py`. Do not edit. -->",
        "",
        f"`{CONFIG_NAME}` lies at the root of the workspace. Every key may be left out. An unknown section or key is an error",
        "that names the nearest one. `codeanatomy config` prints the values in force and where each one came from.",
    ]
    for section in msgspec.structs.fields(Options):
        shape = section.type
        documentation = field_docs(shape)
        lines += ["", f"## [{section.name}]", "", _one_line(shape.__doc__ or "")]
        for field in msgspec.structs.fields(shape):
            lines += [
                "",
                f"### {field.name}",
                "",
                f"Default: `{_toml(msgspec.to_builtins(field.default))}`",
                "",
                documentation[field.name],
            ]
    return "\n".join(lines) + "\n"


def _override(tables: dict[str, Any], key: str, value: str, name: str) -> None:
    section, _, rest = key.partition(".")
    if not rest:
        raise strict_toml.TomlError(name, None, key, f"`{key}` is not SECTION.KEY")
    try:
        parsed = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        parsed = value
    tables.setdefault(section, {})[rest] = parsed


def field_docs(shape: type) -> dict[str, str]:
    """The docstring below each field of a struct; a field without one is a mistake of ours and fails here."""
    # Only whoever writes the page pays for these.
    import ast
    import inspect

    body = ast.parse(inspect.getsource(shape)).body[0]
    assert isinstance(body, ast.ClassDef)
    docs: dict[str, str] = {}
    for statement, following in zip(body.body, body.body[1:], strict=False):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            match following:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    docs[statement.target.id] = _one_line(text)
                case _:
                    raise TypeError(f"{shape.__name__}.{statement.target.id} has no docstring")
    return docs


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _toml(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return f'"{value}"'
        case list() | tuple():
            return "[" + ", ".join(_toml(item) for item in value) + "]"
        case _:
            return str(value)
