"""What imports have to say once files or directories have new paths.

Asked before the move, of the graph as it stands. An import of a moved module names its new place; an import with leading dots in
a moved file names what it named before, with dots again where a package is shared. What cannot be written without guessing is
a remark.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from codeanatomy_engine import Snapshot

from codeanatomy.ide.explain import Position, Range
from codeanatomy.ide.rename import in_place


class Moved(msgspec.Struct, frozen=True):
    """A file on its way, and the modules that it is before and after."""

    path: str
    module: str
    """Empty for a file that was no module."""

    new_module: str
    """Empty for a file that leaves the workspace."""

    new_package: str
    """Against which relative imports of the file resolve then."""


class TextEdit(msgspec.Struct, frozen=True, rename="camel"):
    """A stretch of text and what is written there instead."""

    range: Range
    new_text: str


class Following(msgspec.Struct, frozen=True):
    """What follows a move."""

    edits: dict[str, tuple[TextEdit, ...]]
    """By path as it is before the move; the edits of a file in the order of the text."""

    remarks: tuple[str, ...] = ()


class _Item(msgspec.Struct, frozen=True):
    name: str
    range: Range
    extent: Range
    alias: str


class _Statement(msgspec.Struct, frozen=True):
    module: str
    """Of a `from` what is imported from, else what is imported; absolute."""

    range: Range
    """The dotted name, or the dots where there is none."""

    items: tuple[_Item, ...]
    level: int
    plain: bool
    """`import a.b` without `as`, which the uses spell in full."""


class _Use(msgspec.Struct, frozen=True):
    range: Range
    module: str


class _File(msgspec.Struct, frozen=True):
    path: str
    package: str
    statements: tuple[_Statement, ...]
    uses: tuple[_Use, ...]


class _Context(msgspec.Struct, frozen=True):
    modules: Mapping[str, str]
    folders: frozenset[str]
    """Those of the modules that are packages: whatever is below them moves along, known or not."""

    package: str
    new_package: str

    def new(self, module: str) -> str | None:
        """The new name of a module, if it gets one."""
        if module in self.modules:
            return self.modules[module]
        above = module
        while above := above.rpartition(".")[0]:
            if above in self.folders:
                return self.modules[above] + module.removeprefix(above)
        return None


def will_rename_files(snapshot: Snapshot, moved: tuple[Moved, ...]) -> Following:
    """The edits of all imports that a move would break. A module that only gets another name beside where it was takes the name
    with it everywhere, unless the name is taken somewhere."""
    modules = {each.module: each.new_module for each in moved if each.module and each.new_module}
    modules = {old: new for old, new in modules.items() if old != new}
    alone = _alone(modules)
    if alone is not None:
        renamed = in_place(snapshot, *alone)
        if renamed is not None:
            return Following(
                {
                    path: tuple(TextEdit(edit.range, renamed.new_name) for edit in edits)
                    for path, edits in renamed.edits.items()
                }
            )
    packages = {each.path: each.new_package for each in moved if each.new_module}
    folders = frozenset(
        each.module
        for each in moved
        if each.module in modules and each.path.endswith(("/__init__.py", "/__init__.pyi"))
    )
    asked = snapshot.imports_of(sorted(modules), sorted(packages))
    edits: dict[str, tuple[TextEdit, ...]] = {}
    remarks: list[str] = []
    for file in msgspec.json.decode(asked, type=tuple[_File, ...]):
        context = _Context(modules, folders, file.package, packages.get(file.path, file.package))
        found = list(_edits(file, context, remarks))
        if found:
            edits[file.path] = tuple(_outermost(found))
    return Following(edits, tuple(remarks))


def _alone(modules: Mapping[str, str]) -> tuple[str, str] | None:
    """The module of which all others are below, and its new last word, if it stays in its package."""
    top = min(modules, key=len, default="")
    if not top or any(not old.startswith(f"{top}.") for old in modules if old != top):
        return None
    new = modules[top]
    if any(modules[old] != new + old.removeprefix(top) for old in modules):
        return None
    (package, _, last), (new_package, _, new_last) = top.rpartition("."), new.rpartition(".")
    return (top, new_last) if package == new_package and last != new_last and new_last.isidentifier() else None


def _edits(file: _File, context: _Context, remarks: list[str]) -> Iterator[TextEdit]:
    spelled: set[str] = set()
    for statement in file.statements:
        if statement.items:
            yield from _from(file.path, statement, context, remarks)
        elif (new := context.new(statement.module)) is not None:
            yield TextEdit(statement.range, new)
            if statement.plain:
                spelled.add(statement.module)
    for use in file.uses:
        if use.module in spelled or any(module.startswith(f"{use.module}.") for module in spelled):
            yield TextEdit(use.range, context.modules[use.module])


def _from(path: str, statement: _Statement, context: _Context, remarks: list[str]) -> Iterator[TextEdit]:
    """Edits of a `from` statement, the items of which may part ways."""
    if statement.module.startswith("."):
        return  # More dots than packages: it names nothing, wherever it stands.
    here = context.new(statement.module) or statement.module
    homes = [_home(statement.module, item, here, context) for item in statement.items]
    for item, (_, name) in zip(statement.items, homes, strict=True):
        if name != item.name:
            yield TextEdit(item.range, name if item.alias else f"{name} as {item.name}")
    first = homes[0][0]
    if all(home == first for home, _ in homes):
        yield from _source(statement, first, context)
        return
    yield from _source(statement, here, context)
    leaving = [at for at, (home, _) in enumerate(homes) if home != here]
    start = _source_range(statement, context).start
    column = start.character - len("from ")
    if column != 0:
        names = ", ".join(f"`{statement.items[at].name}`" for at in leaving)
        remarks.append(f"{path}:{start.line + 1}: {names} moves and the other names stay; the import is left as it is")
        return
    line = Position(start.line, 0)
    for at in leaving:
        item, (home, name) = statement.items[at], homes[at]
        bound = item.alias or item.name
        written = name if name == bound and not item.alias else f"{name} as {bound}"
        yield TextEdit(Range(line, line), f"from {_written(statement, home, context)} import {written}\n")
    yield from _without(statement.items, leaving)


def _home(module: str, item: _Item, here: str, context: _Context) -> tuple[str, str]:
    """The module that an imported name is to be imported from, and its name there."""
    new = context.modules.get(f"{module}.{item.name}")
    if new is None:
        return here, item.name
    package, _, name = new.rpartition(".")
    return (package, name) if package else (here, item.name)


def _without(items: tuple[_Item, ...], leaving: list[int]) -> Iterator[TextEdit]:
    """Take items out of their list, with the comma that goes with each."""
    for at in leaving:
        kept_after = next((other for other in range(at + 1, len(items)) if other not in leaving), None)
        if at + 1 < len(items) and kept_after is not None:
            yield TextEdit(Range(items[at].extent.start, items[at + 1].extent.start), "")
        else:
            yield TextEdit(Range(items[at - 1].extent.end, items[at].extent.end), "")


def _source(statement: _Statement, home: str, context: _Context) -> Iterator[TextEdit]:
    """The dotted name of a `from` statement, dots included, if it has to be another."""
    base = _ancestor(context.package, statement.level)
    rest = statement.module.removeprefix(base).removeprefix(".") if statement.level else statement.module
    written = _written(statement, home, context)
    if written != "." * statement.level + rest:
        yield TextEdit(_source_range(statement, context), written)


def _written(statement: _Statement, home: str, context: _Context) -> str:
    """A module as a statement of that kind names it: with dots, if it had dots and a package is shared."""
    level = 1
    base = context.new_package
    while statement.level and base:
        if home == base or home.startswith(f"{base}."):
            return "." * level + home.removeprefix(base).removeprefix(".")
        base = base.rpartition(".")[0]
        level += 1
    return home


def _source_range(statement: _Statement, context: _Context) -> Range:
    """From the first dot to the last word."""
    start = statement.range.start
    if not statement.level or statement.module == _ancestor(context.package, statement.level):
        return statement.range
    return Range(Position(start.line, start.character - statement.level), statement.range.end)


def _ancestor(package: str, level: int) -> str:
    """The package that leading dots mean: one dot is the package itself."""
    parts = package.split(".")
    return ".".join(parts[: len(parts) - max(level - 1, 0)])


def _outermost(edits: list[TextEdit]) -> Iterator[TextEdit]:
    """Edits in order, without those that lie inside another."""

    def order(edit: TextEdit) -> tuple[int, int, int, int]:
        start, end = edit.range.start, edit.range.end
        return (start.line, start.character, -end.line, -end.character)

    end = (-1, -1)
    for edit in sorted(edits, key=order):
        stop = (edit.range.end.line, edit.range.end.character)
        if stop > end or edit.range.start == edit.range.end:
            yield edit
            end = max(end, stop)
