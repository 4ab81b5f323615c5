"""`python -m bench packs`: how right the edges of framework packs are, judged by the frameworks themselves.

For pytest: it collects the tests of a project in the environment that is named, and tells for each test function which function it
takes each fixture from. Ours are the rows of `fixture_use`. Only the arguments that a test itself names are compared: parameters of
fixtures and what plugins ask for are not listed by anybody.

For Django: every app of a project whose models can be imported is installed, and the registry tells to which model each relation
leads. Ours are the relations whose model is named in a text.

For texts: each is resolved as Python resolves a dotted path, and must be what we say; what cannot be imported there is left out.

For argparse, click, celery, sqlalchemy, flask and fastapi: the actions that parsers make, the parameters of commands, the tasks that
names are, mapped classes and their tables, the views of an application, the dependencies of routes (`bench/frameworks.py`).
`--python` may be left out: then an environment is made with what `requirements/accuracy/frameworks.txt` pins.

Prints, for each project, how many were compared, how many of ours are right, and how many of pytest's were found. Both import the
project: name only projects that you trust.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pyarrow as pa

from codeanatomy_engine import CancelToken

from codeanatomy_incremental import options
from codeanatomy_incremental.live import Graph
from codeanatomy_incremental.packs import load as packs

from bench import environments
from bench.frameworks import FRAMEWORKS, IMPORTS, WRITE, Framework

_PLUGIN = """
import inspect, json, os

def pytest_collection_finish(session):
    rows = set()
    for item in session.items:
        info = getattr(item, "_fixtureinfo", None)
        if info is None or not hasattr(item, "function"):
            continue
        function = inspect.unwrap(item.function)
        callspec = getattr(item, "callspec", None)
        for name in inspect.signature(function).parameters:
            found = info.name2fixturedefs.get(name)
            if found and not (callspec and name in callspec.params and found[-1].scope is None):
                code = getattr(inspect.unwrap(found[-1].func), "__code__", None)
                if code is not None and found[-1].func.__name__ != "get_direct_param_fixture_func":
                    test = function.__code__
                    rows.add((test.co_filename, test.co_name, name, code.co_filename, code.co_name, len(found)))
    with open(os.environ["CODEANATOMY_FIXTURES"], "w") as out:
        json.dump(sorted(rows), out)
"""
_REGISTRY = """
import importlib, json, os, sys
from pathlib import Path
import django
from django.apps import apps
from django.conf import settings

root = Path(os.environ["CODEANATOMY_ROOT"])
base = ["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sites", "django.contrib.sessions"]
tests = [root / "tests", root]
names = {}
for folder in tests:
    for file in sorted(folder.glob("*/models.py")) + sorted(folder.glob("*/models/__init__.py")):
        app = file.parent.name if file.name == "models.py" else file.parent.parent.name
        names.setdefault(app, file)
settings.configure(
    INSTALLED_APPS=base, DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    SITE_ID=1, SECRET_KEY="x", DEFAULT_AUTO_FIELD="django.db.models.AutoField", USE_TZ=True,
)
django.setup()
for app in sorted(names):
    if apps.is_installed(app) or app == "django":
        continue
    try:
        apps.set_installed_apps([*settings.INSTALLED_APPS, app])
        settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, app]
    except Exception:
        for _ in range(len(apps.stored_app_configs)):
            apps.unset_installed_apps()
        apps.set_installed_apps(settings.INSTALLED_APPS)
rows = []
for model in apps.get_models(include_auto_created=False):
    for field in (*model._meta.local_fields, *model._meta.local_many_to_many):
        target = getattr(field.remote_field, "model", None)
        if isinstance(target, type):
            files = [str(Path(sys.modules[each.__module__].__file__).resolve()) for each in (model, target)]
            rows.append([files[0], model.__name__, field.name, files[1], target.__name__])
with open(os.environ["CODEANATOMY_OUT"], "w") as out:
    json.dump(rows, out)
"""
_RELATIONS = """
SELECT field.file AS file, text(owner.name) AS model, text(field.name) AS field, target.file AS target, text(target.name) AS name
FROM model_text AS said JOIN strings ON strings.expr = said.expr JOIN bindings AS field ON field.value_expr = strings.call_expr
JOIN scopes AS owner ON owner.scope = field.scope
LEFT JOIN (SELECT expr, target FROM refers_to WHERE rule_name = 'reference_model') AS found ON found.expr = said.expr
LEFT JOIN bindings AS target ON target.binding = found.target
WHERE owner.kind = 'class' AND strings.argument IN ('0', 'to')
"""
_RESOLVE = """
import importlib, inspect, json, os, pkgutil, sys
from pathlib import Path
try:
    from django.conf import settings
    settings.configure(INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"], SECRET_KEY="x")
    import django
    django.setup()
except Exception:
    pass
def file_of(thing):
    try:
        return str(Path(inspect.getsourcefile(inspect.unwrap(thing))).resolve())
    except Exception:
        return ""
told = {}
for text in json.load(open(os.environ["CODEANATOMY_TEXTS"])):
    try:
        thing = pkgutil.resolve_name(text)
    except BaseException as error:
        told[text] = None
        for name in (text, text.rpartition(".")[0]):
            try:
                importlib.import_module(name)
            except BaseException as inner:
                # What a module needs and has not is no judgement of the text.
                if not (isinstance(inner, ModuleNotFoundError) and (inner.name or "?") in text):
                    told[text] = "?"
        continue
    told[text] = ["", ""] if not (inspect.ismodule(thing) or inspect.isfunction(thing) or inspect.isclass(thing)) else [
        file_of(thing), "" if inspect.ismodule(thing) else getattr(inspect.unwrap(thing), "__name__", "")]
json.dump(told, open(os.environ["CODEANATOMY_OUT"], "w"))
"""
_TEXTS = """
SELECT text(strings.value) AS value, files.file AS target, COALESCE(text(named.name), '') AS name
FROM refers_to AS found JOIN strings ON strings.expr = found.expr
LEFT JOIN bindings AS named ON named.binding = found.target LEFT JOIN files AS home ON home.scope = found.target
JOIN files ON files.file = COALESCE(named.file, home.file)
WHERE text(found.rule_name) LIKE 'reference_text_%'
"""
_OURS = """
SELECT asking.file AS file, text(asking.name) AS test, text(params.name) AS name, target.file AS target, text(target.name) AS fixture
FROM fixture_use AS used JOIN params ON params.binding = used.expr JOIN bindings AS asking ON asking.binding = params.function
JOIN bindings AS target ON target.binding = used.target
WHERE text(asking.name) LIKE 'test%'
"""

Use = tuple[str, str, str]
"""File, test function and parameter."""


class Judged(msgspec.Struct, frozen=True):
    """One project."""

    compared: int
    """Parameters of which pytest says where they come from, inside the project or outside."""
    found: int
    right: int
    wrong: tuple[str, ...]
    only_ours: int
    """Parameters to which we give a fixture, and pytest does not, or not for these tests."""
    index_s: float
    without_s: float


def main(arguments: Sequence[str]) -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(
        prog="python -m bench packs", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("project", nargs="+", type=Path, help="a folder with tests that pytest can collect")
    parser.add_argument("--python", help="the interpreter of an environment with the framework and the project's needs")
    judges = (*_JUDGES, *FRAMEWORKS)
    parser.add_argument("--framework", choices=judges, default="pytest", help="the judge (default: pytest)")
    parser.add_argument("--misses", type=int, default=10, help="how many wrong ones to list")
    chosen = parser.parse_args(arguments)
    header = ("project", "asked", "found", "right", "% found", "% right", "only ours", "index s", "without")
    rows = [header]
    told: list[str] = []
    for project in chosen.project:
        root = project.resolve()
        python = chosen.python or str(environments.made("frameworks") / "bin" / "python")
        own = _JUDGES.get(chosen.framework)
        judged = own(root, python) if own else judge_by(FRAMEWORKS[chosen.framework], root, python)
        told += [f"{root.name}: {each}" for each in judged.wrong[: chosen.misses]]
        rows.append(
            (
                root.name,
                str(judged.compared),
                str(judged.found),
                str(judged.right),
                f"{100 * judged.found / max(1, judged.compared):.1f}",
                f"{100 * judged.right / max(1, judged.found):.1f}",
                str(judged.only_ours),
                f"{judged.index_s:.2f}",
                f"{judged.without_s:.2f}",
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    print("\n".join(told))


def judge(root: Path, python: str) -> Judged:
    """Our fixtures of a project beside those of pytest."""
    theirs = asked(root, python)
    without_s, _ = _indexed(root, python, ("python",))
    index_s, graph = _indexed(root, python, ("python", "pytest"))
    found = pa.ipc.open_stream(graph.engine.snapshot().query(_OURS, 1_000_000)).read_all().to_pylist()
    ours = {(row["file"], row["test"], row["name"]): (Path(row["target"]).name, row["fixture"]) for row in found}
    both = theirs.keys() & ours.keys()
    wrong = [
        f"{use[0]}: {use[1]}({use[2]}): pytest {sorted(theirs[use])}, ours {ours[use]}"
        for use in sorted(both)
        if ours[use] not in theirs[use]
    ]
    missing = [
        f"{use[0]}: {use[1]}({use[2]}): not found, {sorted(theirs[use])}" for use in sorted(theirs.keys() - both)
    ]
    return Judged(
        compared=len(theirs),
        found=len(both),
        right=len(both) - len(wrong),
        wrong=(*wrong, *missing),
        only_ours=len(ours.keys() - both),
        index_s=index_s,
        without_s=without_s,
    )


def judge_models(root: Path, python: str) -> Judged:
    """Our models behind texts beside those of Django's registry."""
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        out = Path(scratch) / "models.json"
        ways = os.pathsep.join([str(root / "tests"), str(root)])
        told = {"PYTHONPATH": ways, "CODEANATOMY_ROOT": str(root), "CODEANATOMY_OUT": str(out)}
        environment = os.environ | told | {"PYTHONDONTWRITEBYTECODE": "1"}
        ran = subprocess.run(
            [python, "-c", _REGISTRY], cwd=scratch, env=environment, capture_output=True, text=True, check=False
        )
        if not out.exists():
            raise SystemExit(f"Django has no registry of {root}:\n{ran.stderr[-2000:]}")
        rows = msgspec.json.decode(out.read_bytes(), type=list[tuple[str, str, str, str, str]])
    theirs = {(file, model, field): (target, name) for file, model, field, target, name in rows}
    without_s, _ = _indexed(root, python, ("python",))
    index_s, graph = _indexed(root, python, ("python", "django"))
    found = pa.ipc.open_stream(graph.engine.snapshot().query(_RELATIONS, 1_000_000)).read_all().to_pylist()
    ours = {
        (str(root / row["file"]), row["model"], row["field"]): (str(root / (row["target"] or "")), row["name"])
        for row in found
    }
    both = sorted(theirs.keys() & ours.keys())
    said = [use for use in both if ours[use][1]]
    wrong = [f"{use}: Django {theirs[use]}, ours {ours[use]}" for use in said if ours[use] != theirs[use]]
    missing = [f"{use}: not found, {theirs[use]}" for use in both if not ours[use][1]]
    return Judged(
        compared=len(both),
        found=len(said),
        right=len(said) - len(wrong),
        wrong=(*wrong, *missing),
        only_ours=sum(bool(name) for _, name in ours.values()) - len(said),
        index_s=index_s,
        without_s=without_s,
    )


def judge_texts(root: Path, python: str) -> Judged:
    """Our meaning of dotted texts beside Python's."""
    without_s, _ = _indexed(root, python, ("python",))
    index_s, graph = _indexed(root, python, ("python", "strings"))
    found = pa.ipc.open_stream(graph.engine.snapshot().query(_TEXTS, 1_000_000)).read_all().to_pylist()
    ours: dict[str, set[tuple[str, str]]] = {}
    for row in found:
        target = row["target"] if "://" in row["target"] else str(root / row["target"])
        ours.setdefault(row["value"], set()).add((target, row["name"]))
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        texts, out = Path(scratch) / "texts.json", Path(scratch) / "meant.json"
        texts.write_bytes(msgspec.json.encode(sorted(ours)))
        ways = os.pathsep.join([str(root), str(root / "tests")])
        told = {"PYTHONPATH": ways, "CODEANATOMY_TEXTS": str(texts), "CODEANATOMY_OUT": str(out)}
        environment = os.environ | told | {"PYTHONDONTWRITEBYTECODE": "1"}
        command = [python, "-c", _RESOLVE]
        ran = subprocess.run(command, cwd=scratch, env=environment, capture_output=True, text=True, check=False)
        if not out.exists():
            raise SystemExit(f"the texts of {root} were not resolved:\n{ran.stderr[-2000:]}")
        meant = msgspec.json.decode(out.read_bytes(), type=dict[str, tuple[str, str] | str | None])
    judged = {text: said for text, said in meant.items() if said != "?"}

    def agrees(text: str, said: tuple[str, str] | str | None) -> bool:
        # Of what is neither module, class nor function Python does not say where it is from; that it is there is all.
        if said is None or said == ("", ""):
            return said is not None
        file, name = said
        # A stub describes the source of the same name.
        return any(
            name == ours_name
            and (file == ours_file or ("://" in ours_file and Path(file).stem == Path(ours_file).stem))
            for ours_file, ours_name in ours[text]
        )

    wrong = [
        f"{text}: Python {said}, ours {sorted(ours[text])}" for text, said in judged.items() if not agrees(text, said)
    ]
    return Judged(
        compared=len(judged),
        found=len(judged),
        right=len(judged) - len(wrong),
        wrong=tuple(wrong),
        only_ours=len(meant) - len(judged),
        index_s=index_s,
        without_s=without_s,
    )


def judge_by(framework: Framework, root: Path, python: str) -> Judged:
    """Our edges of a pack beside what its framework says, place by place; only places of which it says something are compared."""
    theirs: dict[tuple[str, str], set[str]] = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        out = Path(scratch) / "said.json"
        told = {"CODEANATOMY_ROOT": str(root), "CODEANATOMY_OUT": str(out), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [python, "-c", IMPORTS + framework.program + WRITE]
        environment = os.environ | told
        ran = subprocess.run(command, cwd=scratch, env=environment, capture_output=True, text=True, check=False)
        if not out.exists():
            raise SystemExit(f"the framework says nothing of {root}:\n{ran.stderr[-2000:]}")
        for file, place, said in msgspec.json.decode(out.read_bytes(), type=list[tuple[str, str, str]]):
            if Path(file).is_relative_to(root):
                theirs.setdefault((Path(file).relative_to(root).as_posix(), place), set()).add(
                    said.replace(f"<{root}{os.sep}", "<")
                )
    without_s, _ = _indexed(root, python, ("python",))
    index_s, graph = _indexed(root, python, ("python", *framework.packs))
    ours: dict[tuple[str, str], set[str]] = {}
    for row in pa.ipc.open_stream(graph.engine.snapshot().query(framework.ours, 1_000_000)).read_all().to_pylist():
        ours.setdefault((row["file"], row["place"]), set()).add(row["said"])
    known = {place: ours.get(place, set()) for place in theirs}
    right = sum(len(theirs[place] & said) for place, said in known.items())
    wrong = [
        f"{place}: {sorted(said - theirs[place])}, not {sorted(theirs[place])}"
        for place, said in known.items()
        if said - theirs[place]
    ]
    missing = [
        f"{place}: not found, {sorted(theirs[place] - said)}" for place, said in known.items() if theirs[place] - said
    ]
    return Judged(
        compared=sum(map(len, theirs.values())),
        found=sum(map(len, known.values())),
        right=right,
        wrong=(*wrong, *missing),
        only_ours=sum(len(said) for place, said in ours.items() if place not in theirs),
        index_s=index_s,
        without_s=without_s,
    )


def asked(root: Path, python: str) -> dict[Use, set[tuple[str, str]]]:
    """What pytest says: of each parameter of each test the file and function of its fixture, several where classes share one."""
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        (Path(scratch) / "codeanatomy_fixtures.py").write_text(_PLUGIN, "utf-8")
        out = Path(scratch) / "fixtures.json"
        ways = os.pathsep.join([scratch, str(root), str(root / "src")])
        environment = os.environ | {
            "PYTHONPATH": ways,
            "CODEANATOMY_FIXTURES": str(out),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        command = [
            python,
            "-m",
            "pytest",
            "--collect-only",
            "-q",
            "-p",
            "codeanatomy_fixtures",
            "-p",
            "no:cacheprovider",
        ]
        command += ["--continue-on-collection-errors"]
        ran = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
        if not out.exists():
            raise SystemExit(f"pytest collected nothing in {root}:\n{ran.stdout[-2000:]}{ran.stderr[-2000:]}")
        rows = msgspec.json.decode(out.read_bytes(), type=list[tuple[str, str, str, str, str, int]])
    found: dict[Use, set[tuple[str, str]]] = {}
    for file, test, name, target, fixture, _ in rows:
        if Path(file).is_relative_to(root):
            use = (Path(file).relative_to(root).as_posix(), test, name)
            found.setdefault(use, set()).add((Path(target).name, fixture))
    return found


def _indexed(root: Path, python: str, names: Sequence[str]) -> tuple[float, Graph]:
    loaded = options.load(root, {"incremental.watch": "false", "workspace.python": f'"{python}"'})
    began = time.perf_counter()
    graph = Graph(root, loaded.options, packs.load(names, root, ()))
    graph.index(lambda _progress: None, CancelToken())
    return time.perf_counter() - began, graph


_JUDGES = {"pytest": judge, "django": judge_models, "strings": judge_texts}
