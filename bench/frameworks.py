"""What frameworks say of a project that they run: programs for an environment of the project, each beside the query that asks us the same.

A program imports the modules of a project, one after the other, and writes rows: a key, and what the framework says of it. Ours are
the rows of the query, with the same columns. A module that cannot be imported there, for want of a package or a server, says nothing.
Parsing of command lines is cut off before it begins.
"""

from __future__ import annotations

import msgspec


class Framework(msgspec.Struct, frozen=True):
    """A framework as a judge."""

    packs: tuple[str, ...]
    program: str
    """Fills `rows` with (file, place, said); runs after `IMPORTS`."""
    ours: str
    """The same as SQL: columns `file`, `place` and `said`. A file in what is said stands between angle brackets."""


IMPORTS = """
import ast, importlib, inspect, json, os, signal, sys, warnings
from pathlib import Path

warnings.simplefilter("ignore")
root = Path(os.environ["CODEANATOMY_ROOT"])
sys.path[:0] = [str(root), str(root / "src")]
sys.argv = ["program"]
sys.stdin = open(os.devnull)
rows = set()

class Late(BaseException):
    pass

def late(*_):
    raise Late

signal.signal(signal.SIGALRM, late)

def quietly(run):
    signal.alarm(10)
    try:
        return run()
    except BaseException:
        return None
    finally:
        signal.alarm(0)

def modules():
    for file in sorted(root.rglob("*.py")):
        parts = list(file.relative_to(root).with_suffix("").parts)
        if any(part.startswith(".") or part in ("site-packages", "build") for part in parts):
            continue
        parts = parts[1:] if parts[0] == "src" else parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        module = quietly(lambda: importlib.import_module(".".join(parts))) if parts and parts[-1] != "__main__" else None
        if module is not None:
            yield file, module

def code_of(thing):
    thing = inspect.unwrap(thing)
    code = getattr(thing, "__code__", None)
    if code is not None:
        return str(Path(code.co_filename).resolve()), code.co_name
    if inspect.isclass(thing):
        try:
            return str(Path(inspect.getsourcefile(thing)).resolve()), thing.__name__
        except (TypeError, OSError):
            return None
    return None
"""

WRITE = """
json.dump(sorted(rows), open(os.environ["CODEANATOMY_OUT"], "w"))
os._exit(0)
"""

_ARGPARSE = """
import argparse
real = argparse._ActionsContainer.add_argument
def add(self, *given, **more):
    action = real(self, *given, **more)
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename == argparse.__file__:
        frame = frame.f_back
    if frame is not None and action.dest != "help":
        rows.add((str(Path(frame.f_code.co_filename).resolve()), str(frame.f_lineno), action.dest))
    return action
argparse._ActionsContainer.add_argument = add
def stop(*_, **__):
    raise SystemExit
for name in ("parse_args", "parse_known_args", "parse_intermixed_args"):
    setattr(argparse.ArgumentParser, name, stop)
if (root / "django").is_dir():
    import django
    from django.conf import settings
    from django.core.management import get_commands, load_command_class
    apps = ["auth", "contenttypes", "sessions", "staticfiles", "messages"]
    settings.configure(INSTALLED_APPS=[f"django.contrib.{app}" for app in apps], SECRET_KEY="x")
    django.setup()
    for name, app in get_commands().items():
        quietly(lambda: load_command_class(app, name).create_parser("manage.py", name))
else:
    for file, module in modules():
        for name, made in list(vars(module).items()):
            if inspect.isfunction(made) and made.__module__ == module.__name__ and ("pars" in name or name in ("main", "cli", "run_cli")):
                needed = [each for each in inspect.signature(made).parameters.values() if each.default is each.empty]
                if all(each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD) for each in needed):
                    quietly(made)
                elif len(needed) == 1:
                    quietly(lambda: made(argparse.ArgumentParser().add_subparsers() if "sub" in needed[0].name else argparse.ArgumentParser()))
"""
_CLICK = """
import click
seen = set()
def walk(command):
    if id(command) in seen or not isinstance(command, click.Command):
        return
    seen.add(id(command))
    for each in getattr(command, "commands", {}).values():
        walk(each)
    if command.callback is not None and (place := code_of(command.callback)) is not None:
        code = inspect.unwrap(command.callback).__code__
        takes = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        for param in command.params:
            if param.name in takes:
                rows.add((*place, param.name))
for file, module in modules():
    for each in list(vars(module).values()):
        quietly(lambda: walk(each))
"""
_CELERY = """
from celery.app.task import Task
from celery.local import Proxy
for file, module in modules():
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.attr in ("delay", "apply_async", "s", "si"):
            task = getattr(module, node.value.id, None)
            if isinstance(task, (Task, Proxy)):
                place = quietly(lambda: code_of(task.run))
                if place is not None:
                    rows.add((str(file.resolve()), f"{node.end_lineno} {node.value.id}.{node.attr}", f"<{place[0]}> {place[1]}"))
"""
_SQLALCHEMY = """
import sqlalchemy
from sqlalchemy import orm
made = sqlalchemy.create_engine
sqlalchemy.create_engine = lambda *given, **more: made("sqlite://")
for _ in modules():
    pass
try:
    orm.configure_mappers()
except Exception:
    pass
from sqlalchemy.orm import mapperlib
mappers = [mapper for registry in mapperlib._all_registries() for mapper in registry.mappers]
tables = {}
for mapper in mappers:
    tables.setdefault(mapper.local_table, mapper)
def own(mapper, key):
    above = [each for each in mapper.class_.__mro__ if key in vars(each)]
    return above[-1] if above else None
for mapper in mappers:
    file = quietly(lambda: str(Path(inspect.getsourcefile(mapper.class_)).resolve()))
    if file is None or not file.startswith(str(root)):
        continue
    for prop in mapper.column_attrs:
        if prop.key not in vars(mapper.class_) or own(mapper, prop.key) is not mapper.class_:
            continue
        for key in prop.columns[0].foreign_keys:
            far = quietly(lambda: key.column)
            to = tables.get(far.table) if far is not None else None
            if to is not None and isinstance(key._colspec, str):
                name = to.get_property_by_column(far).key
                rows.add((file, f"{mapper.class_.__name__}.{prop.key} key", f"{own(to, name).__name__}.{name}"))
    for prop in quietly(lambda: list(mapper.relationships)) or ():
        if prop.key not in vars(mapper.class_) or own(mapper, prop.key) is not mapper.class_:
            continue
        if isinstance(prop.argument, str):
            rows.add((file, f"{mapper.class_.__name__}.{prop.key} to", prop.mapper.class_.__name__))
        if prop.back_populates and not any(each.backref for each in (prop, *prop._reverse_property)):
            far = own(prop.mapper, prop.back_populates)
            if far is not None:
                rows.add((file, f"{mapper.class_.__name__}.{prop.key} back", f"{far.__name__}.{prop.back_populates}"))
"""
_FLASK = """
import flask
apps = []
init = flask.Flask.__init__
def note(self, *given, **more):
    init(self, *given, **more)
    apps.append(self)
flask.Flask.__init__ = note
texts = {}
for file, module in modules():
    for name, made in list(vars(module).items()):
        if inspect.isfunction(made) and name in ("create_app", "make_app", "init_app", "app_factory") and made.__module__ == module.__name__:
            quietly(made)
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Call) and (getattr(node.func, "id", "") or getattr(node.func, "attr", "")) == "url_for":
            if node.args and isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str):
                texts.setdefault(str(file.resolve()), set()).add((node.args[0].lineno, node.args[0].value))
for app in apps:
    for file, found in texts.items():
        for line, text in found:
            view = app.view_functions.get(text)
            if text.startswith("."):
                near = [v for name, v in app.view_functions.items() if name.endswith(text) and (code_of(v) or ("",))[0] == file]
                view = near[0] if near else None
            if view is not None:
                place = code_of(getattr(view, "view_class", view))
                if place is not None and place[0].startswith(str(root)):
                    rows.add((file, f"{line} {text}", f"<{place[0]}> {place[1]}"))
"""
_FASTAPI = """
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
def walk(dependant):
    place = code_of(dependant.call)
    for each in dependant.dependencies:
        if each.call is not None and place is not None and (to := code_of(each.call)) is not None and to[0].startswith(str(root)):
            rows.add((*place, f"<{to[0]}> {to[1]}"))
        if each.call is not None:
            walk(each)
for file, module in modules():
    for each in list(vars(module).values()):
        if isinstance(each, (FastAPI, APIRouter)):
            for route in each.routes:
                if isinstance(route, APIRoute):
                    walk(route.dependant)
"""

FRAMEWORKS = {
    "argparse": Framework(
        ("argparse",),
        _ARGPARSE,
        """SELECT said.file AS file, CAST(anchors.line AS VARCHAR) AS place, text(said.name) AS said
FROM argument_name AS said JOIN exprs AS call ON call.expr = said.call JOIN exprs AS callee ON callee.expr = call.base
JOIN anchors ON anchors.id = said.call WHERE callee.name = 'add_argument'""",
    ),
    "click": Framework(
        ("click",),
        _CLICK,
        """SELECT own.file AS file, text(own.name) AS place, text(named.name) AS said
FROM refers_to AS found JOIN params ON params.binding = found.target JOIN bindings AS own ON own.binding = params.function
JOIN bindings AS named ON named.binding = found.target WHERE found.rule_name = 'reference_option'""",
    ),
    "celery": Framework(
        ("celery",),
        _CELERY,
        """SELECT found.file AS file, concat(CAST(anchors.line AS VARCHAR), ' ', text(task.name), '.', text(sent.name)) AS place,
concat('<', text(target.file), '> ', text(target.name)) AS said
FROM enters AS found JOIN exprs AS sent ON sent.expr = found.expr JOIN exprs AS task ON task.expr = sent.base
JOIN anchors ON anchors.id = sent.expr JOIN bindings AS target ON target.binding = found.target
WHERE found.rule_name = 'enter_task' AND task.kind = 'name'""",
    ),
    "sqlalchemy": Framework(
        ("sqlalchemy",),
        _SQLALCHEMY,
        """SELECT own.file AS file, concat(text(class.name), '.', text(own.name), ' key') AS place, concat(text(far.name), '.', text(target.name)) AS said
FROM refers_to AS found JOIN strings ON strings.expr = found.expr JOIN args ON args.value_expr = strings.call_expr
JOIN bindings AS own ON own.value_expr = args.call_expr JOIN scopes AS class ON class.scope = own.scope
JOIN bindings AS target ON target.binding = found.target JOIN scopes AS far ON far.scope = target.scope
WHERE found.rule_name = 'reference_column' AND class.kind = 'class'
UNION ALL
SELECT own.file AS file, concat(text(class.name), '.', text(own.name), ' to') AS place, text(target.name) AS said
FROM refers_to AS found JOIN strings ON strings.expr = found.expr JOIN bindings AS own ON own.value_expr = strings.call_expr
JOIN scopes AS class ON class.scope = own.scope JOIN bindings AS target ON target.binding = found.target
WHERE found.rule_name = 'reference_mapped' AND class.kind = 'class'
UNION ALL
SELECT own.file AS file, concat(text(class.name), '.', text(own.name), ' back') AS place, concat(text(far.name), '.', text(target.name)) AS said
FROM refers_to AS found JOIN strings ON strings.expr = found.expr JOIN bindings AS own ON own.value_expr = strings.call_expr
JOIN scopes AS class ON class.scope = own.scope JOIN bindings AS target ON target.binding = found.target
JOIN scopes AS far ON far.scope = target.scope
WHERE found.rule_name = 'reference_mapped_member' AND class.kind = 'class'""",
    ),
    "flask": Framework(
        ("web",),
        _FLASK,
        """SELECT found.file AS file, concat(CAST(anchors.line AS VARCHAR), ' ', text(strings.value)) AS place,
concat('<', text(target.file), '> ', text(target.name)) AS said
FROM refers_to AS found JOIN strings ON strings.expr = found.expr JOIN anchors ON anchors.id = found.expr
JOIN bindings AS target ON target.binding = found.target WHERE found.rule_name = 'reference_endpoint'""",
    ),
    "fastapi": Framework(
        ("web",),
        _FASTAPI,
        """SELECT own.file AS file, text(own.name) AS place, concat('<', text(target.file), '> ', text(target.name)) AS said
FROM dependency AS asked JOIN scopes ON scopes.scope = asked.scope JOIN bindings AS own ON own.binding = scopes.definition
JOIN bindings AS target ON target.binding = asked.target""",
    ),
}
