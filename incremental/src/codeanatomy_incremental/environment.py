"""The Python environment of a workspace, as far as files tell: interpreter, version, and where imports are looked up.

Nothing is ever run: no interpreter, no `pip`, no line of a `.pth` file, no finder of an editable install. What would have to be
run is a row that says so. Everything that was found or passed over is a `Place` with its origin and reason, in the order in
which Python would search. Files of an environment are hostile input like any other: pipes, loops and endless lists end in a
row, never in waiting.
"""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

import msgspec

from codeanatomy_incremental import disk

WORKSPACE_FOLDERS = (".venv", "venv", "env")
"""Folders of a workspace that are taken for its environment if they hold one."""

_SMALL_FILE = 64 * 1024
_PATH_FILE = 256 * 1024
_FINDER_FILE = 1024 * 1024
_MOST_LINES = 1_000
_MOST_PLACES = 2_000

_LIBRARY_FOLDER = re.compile(r"^(?:python|pypy)(\d{1,3})\.(\d{1,3})t?$")
_VERSION = re.compile(r"^\s*(\d{1,3})\.(\d{1,3})")
_FINDER = re.compile(r"^import\s+(__editable___\w+_finder)\b")


class Place(msgspec.Struct, frozen=True):
    """One place of the search path, or one that was passed over."""

    path: str
    kind: Literal["interpreter", "typeshed", "source", "site-packages", "path-line", "editable", "ignored"]
    """`source` is the standard library itself: it is read to answer, and never indexed."""

    origin: str
    """The setting, variable or `file:line` that names it."""

    reason: str
    used: bool = True
    module: str = ""
    """For an editable install: the module that the path is."""


class Environment(msgspec.Struct, frozen=True):
    """All that is known of an environment. Equal values mean that nothing relevant changed on disk."""

    interpreter: str
    """The executable or folder that named the environment; empty if none was found."""

    origin: str
    prefix: str
    version: tuple[int, int]
    version_origin: str
    platform: str
    """As `sys.platform` of the environment says."""

    standard_library: str
    """Folder of the source of the standard library; empty if it is not there."""

    places: tuple[Place, ...]
    stamps: tuple[tuple[str, int], ...] = ()
    """Modification times of the searched folders: they change when a package is installed or removed."""


class _Found(NamedTuple):
    """An environment on disk."""

    prefix: str
    base: str
    """Prefix of the interpreter that the environment was made from; itself if it is no virtual environment."""

    version: tuple[int, int] | None
    version_origin: str
    is_virtual: bool
    sees_system: bool
    windows: bool
    reason: str


def discover(root: str, python: str, editor: str, environ: Mapping[str, str]) -> Environment:
    """The environment of the workspace at `root`.

    `python` is the option of that name, `editor` the interpreter that the editor has chosen; both may be empty, a relative
    path, an executable or a folder. `environ` are the environment variables.
    """
    places: list[Place] = []
    chosen: tuple[str, str, _Found] | None = None
    for path, origin in _candidates(root, python, editor, environ):
        found = _inspect(path, root, environ)
        if isinstance(found, str):
            places.append(Place(_text(path), "interpreter", origin, found, used=False))
            continue
        places.append(Place(_text(path), "interpreter", origin, found.reason))
        chosen = path, origin, found
        break
    if chosen is None:
        version = sys.version_info[:2]
        return Environment(
            interpreter="",
            origin="none was found",
            prefix="",
            version=version,
            version_origin="the Python that runs CodeAnatomy",
            platform=sys.platform,
            standard_library="",
            places=tuple(places),
        )
    path, origin, found = chosen
    version = found.version or sys.version_info[:2]
    source, site_folders = _folders(found, version, environ)
    if source:
        places.append(Place(source, "source", "prefix of the interpreter", "the source beside the stubs"))
    real_root = os.path.realpath(root)
    for folder, folder_origin, reason in site_folders:
        places.append(Place(folder, "site-packages", folder_origin, reason))
        places += _path_files(folder, real_root)
    if len(places) > _MOST_PLACES:
        rest = len(places) - _MOST_PLACES
        places[_MOST_PLACES:] = [Place(found.prefix, "ignored", "", f"{rest} further places: too many", used=False)]
    folders = [place.path for place in places if place.used and place.kind in ("site-packages", "path-line")]
    return Environment(
        interpreter=_text(path),
        origin=origin,
        prefix=_text(found.prefix),
        version=version,
        version_origin=found.version_origin if found.version else "the Python that runs CodeAnatomy",
        platform="win32" if found.windows else sys.platform,
        standard_library=source,
        places=tuple(places),
        stamps=tuple((folder, _modified(folder)) for folder in dict.fromkeys(folders)),
    )


def _candidates(root: str, python: str, editor: str, environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for given, origin in ((python, "option workspace.python"), (editor, "setting of the editor")):
        if given:
            yield os.path.join(root, os.path.expanduser(given)), origin
    if environ.get("VIRTUAL_ENV"):
        yield environ["VIRTUAL_ENV"], "VIRTUAL_ENV"
    conda = environ.get("CONDA_PREFIX", "")
    # The base of conda is active in every shell: it says nothing about this workspace.
    conda_is_base = environ.get("CONDA_DEFAULT_ENV", "") in ("base", "root")
    if conda and not conda_is_base:
        yield conda, "CONDA_PREFIX"
    for name in WORKSPACE_FOLDERS:
        folder = os.path.join(root, name)
        if _exists(os.path.join(folder, "pyvenv.cfg")) or _exists(os.path.join(folder, "conda-meta")):
            yield folder, "folder of the workspace"
    if conda and conda_is_base:
        yield conda, "CONDA_PREFIX"
    for folder in environ.get("PATH", "").split(os.pathsep):
        for name in ("python3", "python", "python3.exe", "python.exe"):
            if folder and os.path.isabs(folder) and _is_file(os.path.join(folder, name)):
                yield os.path.join(folder, name), "PATH"
                break


def _inspect(path: str, root: str, environ: Mapping[str, str]) -> _Found | str:
    """The environment that an executable or a folder belongs to, or why it is none."""
    path = os.path.abspath(path)
    if os.path.basename(os.path.dirname(path)) == "shims":
        return _behind_shim(path, root, environ)
    if _is_dir(path):
        for folder in (path, os.path.dirname(path)):
            if _exists(os.path.join(folder, "pyvenv.cfg")):
                return _virtual(folder)
        for folder in (path, os.path.dirname(path)):
            found = _base(folder, "", "folder with a standard library")
            if found is not None:
                return found
        return "the folder holds no environment"
    if not _is_file(path):
        return "there is no such file or folder"
    for folder in (os.path.dirname(path), os.path.dirname(os.path.dirname(path))):
        if _exists(os.path.join(folder, "pyvenv.cfg")):
            return _virtual(folder)
    real = os.path.realpath(path)
    for folder in (os.path.dirname(os.path.dirname(real)), os.path.dirname(real)):
        if _exists(os.path.join(folder, "pyvenv.cfg")):
            return _virtual(folder)
        found = _base(folder, os.path.basename(real), "interpreter with a standard library beside it")
        if found is not None:
            return found
    return "no standard library lies beside it; it may be a script that starts Python"


def _behind_shim(path: str, root: str, environ: Mapping[str, str]) -> _Found | str:
    """What a shim of pyenv would start: the version that a file or variable names."""
    home = os.path.dirname(os.path.dirname(path))
    names = [(environ.get("PYENV_VERSION", ""), "PYENV_VERSION")]
    folder = os.path.abspath(root)
    while True:
        names.append((_first_word(os.path.join(folder, ".python-version")), ".python-version"))
        if os.path.dirname(folder) == folder:
            break
        folder = os.path.dirname(folder)
    names.append((_first_word(os.path.join(home, "version")), "version of pyenv"))
    for name, origin in names:
        version = name.split(":")[0]
        prefix = os.path.join(home, "versions", version)
        if version and "/" not in version and ".." not in version and _is_dir(prefix):
            if _exists(os.path.join(prefix, "pyvenv.cfg")):
                return _virtual(prefix)
            found = _base(prefix, "", f"a shim of pyenv for {version}, named by {origin}")
            if found is not None:
                return found
    return "a shim of pyenv, and no installed version is named"


def _virtual(prefix: str) -> _Found | str:
    """A virtual environment, from its `pyvenv.cfg`."""
    content, error = disk.read(os.path.join(prefix, "pyvenv.cfg"), _SMALL_FILE)
    if content is None:
        return f"its pyvenv.cfg cannot be read ({error})"
    settings: dict[str, str] = {}
    for line in content.decode("utf-8", "replace").splitlines()[:_MOST_LINES]:
        key, equals, value = line.partition("=")
        if equals:
            settings.setdefault(key.strip().lower(), value.strip())
    windows = _is_dir(os.path.join(prefix, "Scripts")) and not _is_dir(os.path.join(prefix, "bin"))
    version = _pair(settings.get("version") or settings.get("version_info") or "")
    origin = "pyvenv.cfg"
    present = _library_folders(prefix)
    if not windows and present and version not in [each for each, _ in present]:
        version, origin = present[-1][0], "folder of the environment"
    home = settings.get("home", "")
    base = ""
    if home and os.path.isabs(home) and "\0" not in home:
        # `home` is the folder of the executable, which may be a folder of links to the real one.
        folders = [os.path.dirname(home), home]
        for name in ("python3", "python", "python.exe"):
            executable = os.path.join(home, name)
            if os.path.islink(executable):
                folders.append(os.path.dirname(os.path.dirname(os.path.realpath(executable))))
        base = next((folder for folder in folders if _standard_library(folder, version or (0, 0))), "")
    return _Found(
        prefix=prefix,
        base=base,
        version=version,
        version_origin=origin if version else "",
        is_virtual=True,
        sees_system=settings.get("include-system-site-packages", "").lower() == "true",
        windows=windows,
        reason="virtual environment" if base else "virtual environment; the interpreter behind it is not there",
    )


def _base(prefix: str, executable: str, reason: str) -> _Found | None:
    """An installed interpreter or a conda environment, if a standard library lies there."""
    windows = _is_file(os.path.join(prefix, "Lib", "os.py")) and not _is_dir(os.path.join(prefix, "bin"))
    present = [each for each in _library_folders(prefix) if _is_file(os.path.join(each[1], "os.py"))]
    named = _pair(executable.removeprefix("python").removeprefix("pypy"))
    if windows:
        version = next((found for name in disk.names(prefix) if (found := _of_dll(name))), None)
    elif present:
        version = named if named in [each for each, _ in present] else present[-1][0]
    else:
        return None
    conda = _is_dir(os.path.join(prefix, "conda-meta"))
    return _Found(
        prefix=prefix,
        base=prefix,
        version=version,
        version_origin="folder of the standard library" if version else "",
        is_virtual=False,
        sees_system=not conda,
        windows=windows,
        reason="conda environment" if conda else reason,
    )


def _folders(
    found: _Found, version: tuple[int, int], environ: Mapping[str, str]
) -> tuple[str, list[tuple[str, str, str]]]:
    """The source of the standard library, and each folder of packages with its origin and reason, in order of search."""
    source = _standard_library(found.base, version) if found.base else ""
    name = f"python{version[0]}.{version[1]}"
    wanted: list[tuple[str, str, str]] = []
    if found.is_virtual:
        origin = os.path.join(found.prefix, "pyvenv.cfg")
        wanted += [(each, origin, "packages of the environment") for each in _own_packages(found.prefix, name)]
    if found.sees_system and found.base:
        said = "include-system-site-packages" if found.is_virtual else "prefix of the interpreter"
        user = environ.get("PYTHONUSERBASE") or os.path.join(environ.get("HOME", ""), ".local")
        if not environ.get("PYTHONNOUSERSITE") and os.path.isabs(user):
            wanted.append((os.path.join(user, "lib", name, "site-packages"), "user base", "packages of the user"))
        wanted += [(each, said, "packages of the interpreter") for each in _own_packages(found.base, name)]
        # Debian and its heirs keep packages apart from those that `pip` installs.
        for parts in (("local", "lib", name, "dist-packages"), ("lib", "python3", "dist-packages")):
            wanted.append((os.path.join(found.base, *parts), said, "packages of the system"))
    elif not found.is_virtual:
        wanted += [
            (each, "prefix of the interpreter", "packages of the environment")
            for each in _own_packages(found.prefix, name)
        ]
    kept: list[tuple[str, str, str]] = []
    seen: set[str] = set()
    for folder, origin, reason in wanted:
        real = os.path.realpath(folder)
        if real not in seen and _is_dir(folder) and _is_text(folder):
            seen.add(real)
            kept.append((folder, origin, reason))
    return source, kept


def _own_packages(prefix: str, name: str) -> Iterator[str]:
    yield os.path.join(prefix, "lib", name, "site-packages")
    yield os.path.join(prefix, "lib64", name, "site-packages")
    yield os.path.join(prefix, "Lib", "site-packages")
    for _, folder in _library_folders(prefix):
        if os.path.basename(folder).startswith("pypy") or os.path.basename(folder).endswith("t"):
            yield os.path.join(folder, "site-packages")


def _path_files(folder: str, real_root: str) -> Iterator[Place]:
    """What the `.pth` files of a folder add, and what lies in it that only running code could open."""
    for name in sorted(disk.names(folder)):
        file = os.path.join(folder, name)
        if name.endswith(".pth") and not name.startswith("."):
            yield from _path_lines(folder, file, real_root)
        elif name.endswith((".egg", ".zip")) and _is_file(file):
            yield Place(_text(file), "ignored", _text(folder), "zipped packages are not read", used=False)
        elif name.endswith(".egg-link"):
            reason = "the line of easy-install.pth says the same"
            yield Place(_text(file), "ignored", _text(folder), reason, used=False)


def _path_lines(folder: str, file: str, real_root: str) -> Iterator[Place]:
    content, error = disk.read(file, _PATH_FILE)
    if content is None:
        yield Place(_text(file), "ignored", _text(folder), f"it cannot be read ({error})", used=False)
        return
    lines = content.decode("utf-8-sig", "replace").splitlines()
    for number, line in enumerate(lines[:_MOST_LINES], start=1):
        line = line.strip()
        origin = f"{_text(file)}:{number}"
        if not line or line.startswith("#"):
            continue
        if line.startswith(("import ", "import\t")):
            finder = _FINDER.match(line)
            if finder is not None:
                yield from _mapping(os.path.join(folder, f"{finder[1]}.py"), real_root)
            else:
                yield Place(_shortened(line), "ignored", origin, "an import line is never run", used=False)
            continue
        path = os.path.normpath(os.path.join(folder, line)) if "\0" not in line else ""
        if not path or not _is_text(path):
            yield Place(_shortened(line), "ignored", origin, "the line is no path", used=False)
        elif _is_file(path):
            yield Place(path, "ignored", origin, "zipped packages are not read", used=False)
        elif not _is_dir(path):
            yield Place(path, "ignored", origin, "there is no such folder", used=False)
        elif _is_inside(os.path.realpath(path), real_root):
            yield Place(path, "ignored", origin, "inside the workspace: its own files are in the graph", used=False)
        else:
            yield Place(path, "path-line", origin, "a line of a path file")
    if len(lines) > _MOST_LINES:
        rest = f"{len(lines) - _MOST_LINES} further lines: too many"
        yield Place(_text(file), "ignored", _text(folder), rest, used=False)


def _mapping(file: str, real_root: str) -> Iterator[Place]:
    """The modules of an editable install, read off the source of its finder."""
    for module, path in _literal_mapping(file):
        if not _is_text(path) or not (_is_dir(path) or _is_file(path)):
            yield Place(_text(path), "ignored", file, "the editable install leads nowhere", used=False, module=module)
        elif _is_inside(os.path.realpath(path), real_root):
            reason = "inside the workspace: its own files are in the graph"
            yield Place(path, "ignored", file, reason, used=False, module=module)
        else:
            yield Place(path, "editable", file, "the finder maps the module to it", module=module)
    if not _is_file(file):
        yield Place(_text(file), "ignored", "", "the finder of an editable install is not there", used=False)


def _literal_mapping(file: str) -> list[tuple[str, str]]:
    """The literal tables `MAPPING` and `NAMESPACES` of a finder; its source is parsed and never run."""
    content, _ = disk.read(file, _FINDER_FILE)
    if content is None:
        return []
    try:
        statements = ast.parse(content).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        # Whatever it is, it was not written by an installer.
        return []
    pairs: list[tuple[str, str]] = []
    for statement in statements:
        match statement:
            case ast.Assign(targets=[ast.Name(id="MAPPING" | "NAMESPACES")], value=value) if value:
                pairs += _pairs(value)
            case ast.AnnAssign(target=ast.Name(id="MAPPING" | "NAMESPACES"), value=value) if value:
                pairs += _pairs(value)
            case _:
                pass
    return [(module, path) for module, path in pairs[:_MOST_LINES] if os.path.isabs(path) and "\0" not in path]


def _pairs(value: ast.expr) -> Iterator[tuple[str, str]]:
    try:
        table: Any = ast.literal_eval(value)
    except (ValueError, TypeError, RecursionError, MemoryError):
        return
    if not isinstance(table, dict):
        return
    for module, paths in table.items():
        for path in paths if isinstance(paths, list) else [paths]:
            if isinstance(module, str) and isinstance(path, str):
                yield module, path


def _standard_library(prefix: str, version: tuple[int, int]) -> str:
    for folder in (
        os.path.join(prefix, "lib", f"python{version[0]}.{version[1]}"),
        os.path.join(prefix, "lib", f"pypy{version[0]}.{version[1]}"),
        os.path.join(prefix, "lib", f"python{version[0]}.{version[1]}t"),
        os.path.join(prefix, "Lib"),
    ):
        if _is_file(os.path.join(folder, "os.py")) and _is_text(folder):
            return folder
    return ""


def _library_folders(prefix: str) -> list[tuple[tuple[int, int], str]]:
    """The folders `lib/pythonX.Y` of a prefix with their versions, the newest last."""
    library = os.path.join(prefix, "lib")
    named = ((_LIBRARY_FOLDER.match(name), name) for name, is_folder in disk.names(library).items() if is_folder)
    return sorted(((int(match[1]), int(match[2])), os.path.join(library, name)) for match, name in named if match)


def _of_dll(name: str) -> tuple[int, int] | None:
    match = re.match(r"^python(\d)(\d{1,2})\.dll$", name.lower())
    return (int(match[1]), int(match[2])) if match else None


def _pair(text: str) -> tuple[int, int] | None:
    match = _VERSION.match(text)
    return (int(match[1]), int(match[2])) if match else None


def _first_word(file: str) -> str:
    content, _ = disk.read(file, _SMALL_FILE)
    words = (content or b"").decode("utf-8", "replace").split()
    return words[0] if words else ""


def _modified(folder: str) -> int:
    try:
        return os.stat(folder).st_mtime_ns
    except (OSError, ValueError):
        return 0


def _exists(path: str) -> bool:
    return os.path.lexists(path)


def _is_dir(path: str) -> bool:
    try:
        return os.path.isdir(path)
    except ValueError:
        return False


def _is_file(path: str) -> bool:
    try:
        return os.path.isfile(path)
    except ValueError:
        return False


def _is_inside(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip(os.sep) + os.sep)


def _is_text(path: str) -> bool:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _text(path: str) -> str:
    return path.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\0")


def _shortened(line: str) -> str:
    return _text(line if len(line) <= 80 else line[:79] + "…")
