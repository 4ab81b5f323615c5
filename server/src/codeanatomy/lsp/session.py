"""The state of one editor session: the living graphs of its folders, its open documents, and what it was told about them.

Knows no transport: it is given a function that sends a notification. Documents outside every folder, and those that have
never been saved, are served for syntax by an engine of their own, so that they can never enter a graph.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import msgspec

from codeanatomy_engine import Compiling, Engine, EngineError, Snapshot, SourceFile

from codeanatomy_incremental import disk, telemetry
from codeanatomy_incremental.change import Change
from codeanatomy_incremental.contracts import Contract
from codeanatomy_incremental.live import Graph, LiveGraph, Progress, Report
from codeanatomy_incremental.notebook import SUFFIX
from codeanatomy_incremental.options import CONFIG_NAME, Options
from codeanatomy_incremental.packs import load as packs
from codeanatomy_incremental.packs.load import PackError, Program
from codeanatomy_incremental.shared import ClientGraph
from codeanatomy_incremental.strict_toml import TomlError
from codeanatomy_incremental.workspace import SUFFIXES

from codeanatomy import config
from codeanatomy.ide import diagnostics as ide_diagnostics
from codeanatomy.ide import entry_points, layers
from codeanatomy.lsp import convert
from codeanatomy.lsp.notebooks import Asked, Notebooks, Table, TextCell

logger = logging.getLogger(__name__)

_COUNTED = frozenset({"refers_to", "overrides", "class_base"})
"""Relations that lenses count."""

_RULE_FILE = ".toml"
"""Documents of this kind are never Python: they are rules, configuration, or nothing to us."""

_MOST_PROJECT = 1 << 20
"""A larger file names no entry points."""
_NO_PROGRAM = b'{"packs":[],"views":[]}'


class Completes(msgspec.Struct, frozen=True):
    """What an editor can do with a completion."""

    snippets: bool = False
    adjusts_indentation: bool = False
    commit_characters: bool = False
    label_details: bool = False
    lazy_edits: bool = False
    """Asks for the edit of an import when an item is taken."""
    markdown: bool = False


class Client(msgspec.Struct, frozen=True):
    """What an editor can do and how it counts."""

    encoding: str = "utf-16"
    definition_links: bool = False
    markdown: bool = True
    pulls_diagnostics: bool = False
    refreshes_diagnostics: bool = False
    python: str = ""
    """The interpreter that the editor has chosen."""
    folds_lines_only: bool = False
    most_folds: int = 5000
    label_offsets: bool = False
    versioned_edits: bool = False
    """Takes edits of documents at a version, and other changes between them."""

    renames_files: bool = False
    prepares_renames: bool = False
    annotates: bool = False
    """Shows changes that have to be confirmed."""
    takes_actions: bool = False
    """Takes code actions that hold their edits."""

    repaints_tokens: bool = False
    repaints_hints: bool = False

    refreshes_lenses: bool = False
    shows_places: str = ""
    """The command of the editor that shows a list of places, if it says that it has one."""
    completes: Completes = Completes()


_MOST_MICROS = 2**32 - 1
"""Who waited longer than an hour waited for that long."""


class Graphs(Protocol):
    """Where a session gets the graphs of its folders from."""

    encoding: str
    """How graphs count characters; empty if they count as the editor likes best."""

    def open(self, settings: config.Configuration, client: Client) -> LiveGraph | ClientGraph:
        """The living graph of a folder; it is started afterwards."""
        ...

    def new(self, settings: config.Configuration, client: Client) -> Graph:
        """A graph that takes the place of the one of a folder."""
        ...

    def released(self) -> None:
        """A folder was closed: its graph may be needed by nobody any more."""
        ...


class OwnGraphs:
    """Graphs that nobody else uses."""

    encoding = ""

    def __init__(self, ahead: Compiling | None = None) -> None:
        """`ahead` is a program that is likely to be that of the first folder, while it is compiled."""
        self._ahead = ahead

    def open(self, settings: config.Configuration, client: Client) -> LiveGraph:
        """A new living graph."""
        return LiveGraph(self.new(settings, client))

    def released(self) -> None:
        """Nothing is kept here."""

    def new(self, settings: config.Configuration, client: Client) -> Graph:
        """A new graph."""
        return Graph(
            settings.root, settings.options, settings.program, client.encoding, client.python, self._ahead, True
        )


class Place(msgspec.Struct, frozen=True):
    """A file as a graph knows it."""

    folder: Folder
    path: str


class Text(msgspec.Struct, frozen=True):
    """An open document as the engine that follows its edits knows it."""

    engine: Engine
    path: str


class Question(msgspec.Struct, frozen=True):
    """A request, with the state of each graph when it came in: the answer reflects every edit before it."""

    params: bytes
    revisions: Mapping[str, Any]
    asked: Asked | None = None
    """The notebook that it is about, if it is about one."""
    came: int = 0
    """When, in nanoseconds of a clock that only goes forward."""


class RuleText(msgspec.Struct, frozen=True):
    """The newest text of an open rule file, in the folder whose graph is made by it."""

    folder: Folder
    text: str


class EntryTargets:
    """What the entry points of a folder lead to in one state of its graph."""

    def __init__(self, generation: int) -> None:
        self.generation = generation
        self.by_name: dict[tuple[str, str], entry_points.Target | None] = {}
        """By module and attribute, as far as anybody has asked."""


class Folder:
    """A folder of the editor with its living graph."""

    def __init__(self, uri: str, root: str, live: LiveGraph | ClientGraph, program: bytes) -> None:
        self.uri = uri
        self.program = program
        """The rules in force, or those that are on their way to be."""

        self.contracts: tuple[Contract, ...] = ()
        """What may import what."""

        self.broken: tuple[layers.Finding, ...] | None = None
        """Where contracts are broken in the newest snapshot; None if nobody has looked."""

        self.aside: set[str] = set()
        """Rules of which the editor was told that they fail and are done without."""

        self.refused: dict[str, bytes] = {}
        """What the editor was told last of files that keep newer rules from being in force, by URI."""
        self.telemetry: telemetry.Telemetry | None = None
        """Where spans and metrics go, if anywhere."""

        self.python = ""
        """The interpreter that the editor has chosen for it, if any."""

        self.entry_targets = EntryTargets(-1)

        self.root = root
        self.real_root = os.path.realpath(root)
        self.live = live

    @property
    def options(self) -> Options:
        """The options in force."""
        return self.live.graph.options

    def stop(self) -> None:
        """Stop following."""
        self.live.stop()
        if self.telemetry is not None:
            self.telemetry.stop()

    def holds_library(self, uri: str) -> bool:
        """Whether a URI is a library file of the graph."""
        try:
            self.live.snapshot().diagnostics(uri)
        except EngineError:
            return False
        return True

    def holds_rules(self, path: str) -> bool:
        """Whether a file of the folder decides which rules are in force."""
        own = (each.strip("./").rstrip("/") for each in self.options.rules.paths)
        return path == CONFIG_NAME or (
            path.endswith(_RULE_FILE) and any(not each or path.startswith(f"{each}/") for each in own)
        )

    def path_of(self, absolute: str) -> str | None:
        """The path of a file relative to this folder, if it lies inside."""
        for root, path in ((self.root, absolute), (self.real_root, os.path.realpath(absolute))):
            if path.startswith(root.rstrip(os.sep) + os.sep):
                return path[len(root.rstrip(os.sep)) + 1 :].replace(os.sep, "/")
        return None


class OpenDocument:
    """A document that the editor owns."""

    def __init__(self, place: Place | None, version: int) -> None:
        self.place = place
        """None for a document that belongs to no folder."""
        self.version = version
        self.syntax = b"[]"
        """What is wrong with its newest text."""
        self.rules = b"[]"
        """What diagnostic rules said of it last."""
        self.published = b""
        self.by_cell: dict[str, bytes] = {}
        """What each cell of a notebook was told last."""
        self.tokens: tuple[str, bytes] = ("", b"")
        """The semantic tokens that it was told last, and their name."""


def _as_it_is(answer: bytes) -> bytes:
    return answer


class Session:
    """All that the server remembers between messages."""

    def __init__(
        self,
        notify: Callable[[str, bytes], None],
        refresh: Callable[[], None],
        refresh_lenses: Callable[[], None],
        repaint: Callable[[], None],
        show_places: Callable[[str, dict[str, convert.Location]], None],
        complain: Callable[[str], None],
        graphs: Graphs,
    ) -> None:
        self._notify = notify
        self._graphs = graphs
        self._complain = complain
        self._refresh = refresh
        self._refresh_lenses = refresh_lenses
        self._repaint = repaint
        self.show_places = show_places
        """Lets the editor show places by their names, of which a title says what they are."""
        self._lock = threading.Lock()
        self._folders: tuple[Folder, ...] = ()
        self._documents: dict[str, OpenDocument] = {}
        self._plain: set[str] = set()
        """Notebooks that are open as the text of their file."""
        self._foreign: Engine | None = None
        self.client = Client()
        self.notebooks = Notebooks(lambda: self.client.encoding)
        """The border at which cells become places in notebooks."""

    @property
    def folders(self) -> tuple[Folder, ...]:
        """The folders that have a graph."""
        return self._folders

    def add_folder(self, uri: str, on_progress: Callable[[Progress], None]) -> str:
        """Begin to follow a folder; what is wrong with its configuration, if anything is.

        A folder whose configuration is wrong has no graph; its documents are served for syntax.
        """
        root = convert.path_of(uri)
        if root is None or not os.path.isdir(root):
            return f"{uri} is no directory on this machine; its files are served for syntax only"
        wrong: PackError | None = None
        try:
            settings, live, wrong = self._begun(Path(root))
        except (TomlError, PackError) as error:
            return f"{error}. Until this is mended, files are served for syntax only."
        folder = Folder(uri, root, live, settings.program.document)
        folder.python = self.client.python
        folder.contracts = config.contracts_of(settings.root, settings.options.layers)
        folder.telemetry = telemetry.begun(settings.options.otel)
        folder.live.subscribe(lambda report: self._after_commit(folder, report))
        folder.live.subscribe_judged(lambda path: self._after_verdict(folder, path))
        self._folders = (*self._folders, folder)
        if wrong is not None:
            self._tell_refused(folder, wrong)
            self._complain(f"{wrong}. Until this is mended, the rules of this workspace are left out.")

        def refused(error: EngineError) -> None:
            # Rules that do not compile. What is open keeps its place, and its engine serves syntax.
            self._folders = tuple(each for each in self._folders if each is not folder)
            wrong = config.pack_error(settings.program, error)
            self._complain(f"{wrong}. Until this is mended, files are served for syntax only.")

        folder.live.start(on_progress, refused)
        self._resettle()
        return ""

    def _begun(self, root: Path) -> tuple[config.Configuration, LiveGraph | ClientGraph, PackError | None]:
        """The configuration and the graph of a folder. Where its own rules cannot be used it has neither of them, and the error
        says why; raises what is wrong besides."""
        wrong: PackError
        try:
            settings = config.load(root)
            live = self._graphs.open(settings, self.client)
            try:
                if settings.options.rules.paths:
                    live.graph.engine.ready()
                return settings, live, None
            except EngineError as error:
                live.stop()
                wrong = config.pack_error(settings.program, error)
        except PackError as error:
            wrong = error
        settings = config.load(root, {"rules.paths": "[]"})
        return settings, self._graphs.open(settings, self.client), wrong

    def reload(self, folder: Folder) -> None:
        """Bring the rules and the configuration of a folder into force as they are on disk now. What is in force stays until the
        new ones hold all files, and for good if they cannot be used: the file that is wrong says so."""
        read: list[config.Configuration] = []

        def make() -> Graph | Program:
            settings = config.load(Path(folder.root))
            read.append(settings)
            if settings.program.document == folder.program and settings.options == folder.options:
                raise _UnchangedError
            if settings.options == folder.live.graph.options:
                return settings.program
            return self._graphs.new(settings, self.client)

        def told(error: Exception | None) -> None:
            match error:
                case None:
                    folder.program = read[-1].program.document
                    folder.contracts = config.contracts_of(read[-1].root, read[-1].options.layers)
                    folder.broken = None
                    self._tell_refused(folder, None)
                case _UnchangedError():
                    self._tell_refused(folder, None)
                case EngineError():
                    self._tell_refused(folder, config.pack_error(read[-1].program, error))
                case PackError():
                    self._tell_refused(folder, error)
                case TomlError():
                    wrong = PackError("bad-config", error.file, error.line, error.key, error.message, error.hint)
                    self._tell_refused(folder, wrong)
                case _:
                    logger.error("rules could not be brought into force: %s", error)

        folder.live.adopt(make, told)

    def _tell_refused(self, folder: Folder, error: PackError | None) -> None:
        """Show what is wrong with a file of rules, and no longer what was."""
        now: dict[str, bytes] = {}
        if error is not None:
            now[convert.uri_of(folder.uri, error.file)] = _shown(error)
        gone, folder.refused = folder.refused.keys() - now.keys(), now
        for uri in gone:
            self._show_in(uri, b"[]")
        for uri, shown in now.items():
            self._show_in(uri, shown)

    def _show_in(self, uri: str, found: bytes) -> None:
        body = b'{"uri":' + convert.json(uri) + b',"diagnostics":' + found + b"}"
        self._notify("textDocument/publishDiagnostics", body)

    def rule_text(self, uri: str) -> RuleText | None:
        """The newest text of an open file that decides which rules are in force."""
        found = self._rule_file(uri) if uri in self._documents else None
        text = self._engine().document_text(uri) if found is not None else None
        return None if found is None or text is None else RuleText(found[0], text)

    def project_file(self, uri: str) -> RuleText | None:
        """The newest text of a file that names the entry points of a folder, if the URI is of one."""
        absolute = convert.path_of(uri) if uri.endswith(entry_points.FILES) else None
        if absolute is None:
            return None
        folder = next((each for each in self._folders if each.path_of(absolute) in entry_points.FILES), None)
        return None if folder is None else RuleText(folder, self._text_of(uri, absolute))

    def project_files(self, folder: Folder) -> Iterator[tuple[str, str]]:
        """The files that may name entry points of a folder: URI and newest text."""
        for name in entry_points.FILES:
            uri = convert.uri_of(folder.uri, name)
            if text := self._text_of(uri, f"{folder.root}/{name}"):
                yield uri, text

    def text_of(self, place: Place) -> str:
        """The newest text of a file of a folder; empty if there is none."""
        if "://" in place.path:
            return ""
        return self._text_of(self.uri(place.folder, place.path), f"{place.folder.root}/{place.path}")

    def _text_of(self, uri: str, absolute: str) -> str:
        """The text of an open document, or of a file; empty if there is none."""
        if uri in self._documents and (text := self._engine().document_text(uri)) is not None:
            return text
        content, _ = disk.read(absolute, _MOST_PROJECT)
        return (content or b"").decode("utf-8", "replace")

    def _rule_file(self, uri: str) -> tuple[Folder, str] | None:
        """The folder and the path in it of a file that decides which rules are in force."""
        absolute = convert.path_of(uri) if uri.endswith(_RULE_FILE) else None
        if absolute is None:
            return None
        paths = ((folder, folder.path_of(absolute)) for folder in self._folders)
        return next(((folder, path) for folder, path in paths if path and folder.holds_rules(path)), None)

    def _look_at_rules(self, uri: str) -> None:
        """Show what is wrong with the shape of an open rule file; what is wrong with its meaning stands until it is saved."""
        written = self.rule_text(uri)
        if written is None:
            return
        name = uri.rpartition("/")[2]
        wrong = packs.misshapen(name, written.text) if name != CONFIG_NAME else None
        stands = written.folder.refused.get(uri, b"[]")
        self._show_in(uri, _shown(wrong) if wrong is not None else stands)

    def remove_folder(self, uri: str) -> None:
        """Stop following a folder. Its open documents go to the folder around it, if there is one, and else are served for syntax."""
        for folder in self._folders:
            if folder.uri.rstrip("/") == uri.rstrip("/"):
                self._folders = tuple(each for each in self._folders if each is not folder)
                self._resettle()
                self._tell_refused(folder, None)
                folder.stop()
        self._graphs.released()

    def _resettle(self) -> None:
        """Let each open document be held by the folder that it belongs to now."""
        moved = False
        for uri, document in tuple(self._documents.items()):
            place = self._placed(uri)
            held = self.text(uri)
            text = held.engine.document_text(held.path) if held is not None else None
            if uri.endswith(_RULE_FILE) or place == document.place or text is None:
                continue
            self._give_back(uri, document)
            document.rules, moved = b"[]", True
            self._take_over(uri, document, place, text)
        if moved and self.client.refreshes_diagnostics:
            self._refresh()

    def choose_python_of(self, uri: str, python: str) -> None:
        """Follow another interpreter of the editor in one folder."""
        for folder in self._folders:
            if folder.uri == uri and folder.python != python:
                folder.python = python
                folder.live.choose_python(python)

    def choose_python(self, python: str) -> None:
        """Follow another interpreter of the editor in all folders, those that come later too."""
        if python != self.client.python:
            self.client = msgspec.structs.replace(self.client, python=python)
            for folder in self._folders:
                folder.python = python
                folder.live.choose_python(python)

    def stop(self) -> None:
        """Stop following all folders."""
        for folder in self._folders:
            folder.stop()
        self._folders = ()

    def question(self, params: bytes) -> Question:
        """A request that comes in now."""
        revisions = {folder.uri: folder.live.revision for folder in self._folders}
        params, asked = self.notebooks.asked(params)
        return Question(params=params, revisions=revisions, asked=asked, came=time.monotonic_ns())

    def note_request(self, method: str, question: Question, taken: int, answer: bytes, status: str) -> None:
        """Remember what an answered question cost, in the folder that it was about; `taken` is when a thread began with it."""
        about = (folder for folder in self._folders if folder.uri.encode() in question.params)
        folder = next(about, next(iter(self._folders), None))
        if folder is None:
            return
        times = (time.monotonic_ns() - question.came, taken - question.came)
        latency, queue = (min(each // 1000, _MOST_MICROS) for each in times)
        if folder.telemetry is not None:
            folder.telemetry.request(method, latency, queue, status)
        if not folder.options.run.artifacts:
            return
        try:
            folder.live.graph.engine.snapshot().note_request(method, latency, queue, answer, status)
        except EngineError:
            # There is no graph as long as its rules do not compile.
            return

    def place(self, uri: str) -> Place | None:
        """The file that a URI names, if a graph holds it. A library file is asked about as it lies on disk."""
        document = self._documents.get(uri)
        place = document.place if document is not None else self._place(uri)
        if place is not None and place.folder not in self._folders:
            return None
        return place or next((Place(folder, uri) for folder in self._folders if folder.holds_library(uri)), None)

    def uri(self, folder: Folder, path: str) -> str:
        """The URI of a file of a folder: as the editor wrote it, if it is open."""
        for uri, document in tuple(self._documents.items()):
            if document.place is not None and document.place.folder is folder and document.place.path == path:
                return uri
        return convert.uri_of(folder.uri, path)

    def show(self, message: str) -> None:
        """Show a sentence to the person."""
        self._notify("window/showMessage", convert.json({"type": 3, "message": message}))

    def document(self, uri: str) -> OpenDocument | None:
        """The open document of a URI, if the editor owns it."""
        return self._documents.get(uri)

    def text(self, uri: str) -> Text | None:
        """The newest text of a document, if the editor owns it, in a folder or not."""
        document = self._documents.get(uri)
        if document is None:
            return None
        place = document.place
        return (
            Text(self._engine(), self._key(uri)) if place is None else Text(place.folder.live.graph.engine, place.path)
        )

    def remember_tokens(self, uri: str, data: bytes) -> str:
        """A name for semantic tokens that the editor is told; empty if nothing is remembered of the document."""
        document = self._documents.get(uri)
        if document is None:
            return ""
        name = hashlib.blake2b(data, digest_size=8).hexdigest()
        document.tokens = (name, data)
        return name

    def known_tokens(self, uri: str, name: str) -> bytes | None:
        """The semantic tokens of that name, if the editor was told them last."""
        document = self._documents.get(uri)
        return document.tokens[1] if document is not None and name and document.tokens[0] == name else None

    def snapshot(self, question: Question, folder: Folder) -> Snapshot:
        """The snapshot of a folder that holds every edit before a question."""
        return folder.live.snapshot_for(question.revisions.get(folder.uri, 0))

    def near_answer(
        self,
        question: Question,
        place: Place,
        ask: Callable[[Snapshot], bytes],
        nothing: bytes,
        at: convert.Position | None = None,
        partly: Callable[[bytes], bytes] = _as_it_is,
    ) -> bytes:
        """The answer to a question about an open file, from a snapshot that holds what editors have open and what that imports,
        while the rest is still being read. More is waited for where that says `nothing`, or knows of the word `at` which the
        question is only that it is imported. `partly` marks an answer for which not everything was waited for."""
        live, revision = place.folder.live, question.revisions.get(place.folder.uri, 0)
        near = live.near_snapshot(revision, place.path)
        while near is not None:
            if at is None or not near.ends_at_import(place.path, at.line, at.character):
                answer = ask(near)
                if answer != nothing:
                    return partly(answer)
            near = live.near_snapshot(revision, place.path, near.generation)
        return ask(self.snapshot(question, place.folder))

    def notebook(self, uri: str) -> Table | None:
        """The cells of a notebook, if the editor owns them."""
        return self.notebooks.table(uri)

    def open_notebook(self, uri: str, cells: list[TextCell]) -> None:
        """Take over the cells of a notebook."""
        version = (self._documents[uri].version if uri in self._documents else 0) + 1
        table = Table.of(uri, version, cells)
        self.notebooks.put(table)
        self._open(uri, table.text, version)

    def change_notebook(self, before: Table, cells: list[TextCell]) -> None:
        """Give a notebook other cells."""
        table = Table.of(before.uri, before.version + 1, cells, before)
        changes = table.change_from(before)
        if changes is None:
            self.notebooks.put(msgspec.structs.replace(table, version=before.version))
            return
        self.notebooks.put(table)
        self.edit(table.uri, table.version, changes)

    def close_notebook(self, uri: str) -> None:
        """Give a notebook back to the disk."""
        table = self.notebooks.table(uri)
        self._close(uri)
        self.notebooks.drop(uri)
        for cell in table.parts if table is not None and not self.client.pulls_diagnostics else ():
            self._show_in(cell.uri, b"[]")

    def _key(self, uri: str) -> str:
        """The path of a document that belongs to no folder."""
        table = self.notebooks.table(uri)
        return table.key if table is not None else uri

    def is_plain(self, uri: str) -> bool:
        """Whether a document is the file of a notebook, open as text: what it holds is known when it is written."""
        return uri in self._plain

    def open(self, uri: str, text: str, version: int) -> None:
        """Take over a document from the disk, or from an editor that opens it a second time."""
        if uri.endswith(SUFFIX):
            self._plain.add(uri)
        else:
            self._open(uri, text, version)

    def _open(self, uri: str, text: str, version: int) -> None:
        document = OpenDocument(None, version)
        self._documents[uri] = document
        if uri.endswith(_RULE_FILE):
            self._engine().open_document(_foreign_file(uri, text), version)
            self._look_at_rules(uri)
            return
        self._take_over(uri, document, self._placed(uri), text)

    def _take_over(self, uri: str, document: OpenDocument, place: Place | None, text: str) -> None:
        """Let the folder of a document hold its text, and publish what is wrong with that."""
        document.place = place
        if place is not None:
            document.syntax = place.folder.live.open(place.path, text, document.version)
        else:
            document.syntax = self._engine().open_document(_foreign_file(self._key(uri), text), document.version)
        self._publish(uri, document.version, document.syntax)

    def _give_back(self, uri: str, document: OpenDocument) -> None:
        if document.place is not None:
            document.place.folder.live.close(document.place.path)
        else:
            self._engine().close_document(self._key(uri))

    def edit(self, uri: str, version: int, changes: bytes) -> None:
        """Apply the edits of an editor, and tell it at once what is wrong with the text."""
        document = self._documents[uri]
        document.version = version
        if uri.endswith(_RULE_FILE):
            self._engine().edit_document(uri, version, changes)
            self._look_at_rules(uri)
            return
        if document.place is not None:
            document.syntax = document.place.folder.live.edit(document.place.path, version, changes)
        else:
            document.syntax = self._engine().edit_document(self._key(uri), version, changes)
        self._publish(uri, version, ide_diagnostics.together(document.syntax, document.rules))

    def save(self, uri: str) -> None:
        """Note that a document was saved."""
        rules = self._rule_file(uri)
        if rules is not None:
            self.reload(rules[0])
        place = self.place(uri)
        if place is not None:
            place.folder.live.save(place.path)

    def close(self, uri: str) -> None:
        """Give a document back to the disk."""
        if uri in self._plain:
            self._plain.discard(uri)
            return
        self._close(uri)
        if uri.endswith(_RULE_FILE):
            rules = self._rule_file(uri)
            self._show_in(uri, rules[0].refused.get(uri, b"[]") if rules else b"[]")
        elif not self.client.pulls_diagnostics:
            self._notify("textDocument/publishDiagnostics", convert.json({"uri": uri, "diagnostics": []}))

    def _close(self, uri: str) -> None:
        document = self._documents.pop(uri)
        self._give_back(uri, document)

    def submit(self, uri: str, change: Callable[[str], Change]) -> None:
        """Note a change of a file on disk."""
        rules = self._rule_file(uri)
        if rules is not None:
            self.reload(rules[0])
        place = self._place(uri)
        if place is not None:
            place.folder.live.submit(change(place.path))

    def _place(self, uri: str) -> Place | None:
        absolute = convert.path_of(uri)
        if absolute is None:
            return None
        inside = [
            Place(folder=folder, path=path)
            for folder in self._folders
            if (path := folder.path_of(absolute)) is not None and path.endswith(SUFFIXES)
        ]
        return min(inside, key=lambda place: len(place.path), default=None)

    def _placed(self, uri: str) -> Place | None:
        """The file that an open document is: of the folder that it lies in, unless that is a library there; else of a library of any."""
        own, absolute = self._place(uri), convert.path_of(uri)
        if own is None or absolute is None:
            return self._library_place(uri)
        library = own.folder.live.graph.library_file(absolute)
        return Place(own.folder, library) if library else own

    def owns(self, folder: Folder, uri: str) -> bool:
        """Whether a folder is the one that speaks of a file: the deepest that it lies in, or any for files outside of all."""
        own = self._place(uri)
        return own is None or own.folder is folder

    def others(self, folder: Folder) -> tuple[Folder, ...]:
        """The folders beside one."""
        return tuple(each for each in self._folders if each is not folder)

    def _library_place(self, uri: str) -> Place | None:
        """A file of the environment of a folder, which is asked about as the editor shows it."""
        absolute = convert.path_of(uri)
        places = (Place(each, each.live.graph.library_file(absolute)) for each in self._folders if absolute is not None)
        return next((place for place in places if place.path), None)

    def _engine(self) -> Engine:
        if self._foreign is None:
            self._foreign = Engine(_NO_PROGRAM)
            self._foreign.set_encoding(self.client.encoding)
        return self._foreign

    def _publish(self, uri: str, version: int, found: bytes) -> None:
        if self.client.pulls_diagnostics:
            return
        body = b'{"uri":' + convert.json(uri) + b',"version":%d,"diagnostics":' % version + found + b"}"
        with self._lock:
            document = self._documents.get(uri)
            if document is None or document.version != version:
                return
            document.published = found
            table = self.notebooks.table(uri)
            if table is None:
                self._notify("textDocument/publishDiagnostics", body)
            elif table.version == version:
                self._publish_cells(document, table, found)

    def _publish_cells(self, document: OpenDocument, table: Table, found: bytes) -> None:
        """Tell the editor what is wrong with each cell of which that is news."""
        told: dict[str, bytes] = {}
        for cell, said in self.notebooks.by_cell(table, found):
            told[cell.uri] = said
            if document.by_cell.get(cell.uri) != said:
                shown = b'{"uri":' + convert.json(cell.uri) + b',"version":%d,"diagnostics":' % cell.version
                self._notify("textDocument/publishDiagnostics", shown + said + b"}")
        gone, document.by_cell = document.by_cell.keys() - told.keys(), told
        for uri in sorted(gone):
            self._show_in(uri, b"[]")

    def broken_contracts(self, place: Place) -> bytes:
        """Imports of an open file that break a contract, as LSP `Diagnostic[]`."""
        here = [each for each in place.folder.broken or () if each.file == place.path]
        text = place.folder.live.graph.engine.document_text(place.path) if here else None
        if text is None:
            return b"[]"
        return convert.json([_broken(each, text, self.client.encoding) for each in here])

    def _look_at_imports(self, folder: Folder, report: Report) -> None:
        """See where contracts are broken, if imports have changed. Runs in the writer of the folder."""
        changed = {table for table, came, went in report.evidence if came or went}
        if folder.contracts and (folder.broken is None or changed & layers.evidence(folder.contracts)):
            folder.broken = layers.findings(folder.live.snapshot(), folder.contracts)
        elif not folder.contracts:
            folder.broken = ()

    def _after_commit(self, folder: Folder, report: Report) -> None:
        """Tell the editor what rules say now. Runs in the writer of the folder."""
        if folder.telemetry is not None:
            views = ((view.view, view.micros, view.keys, view.inserted + view.deleted) for view in report.views)
            times = (report.total_micros, report.extract_micros, report.micros)
            folder.telemetry.commit(report.mode, len(report.files), times, views)
        if self.client.refreshes_lenses and any(
            (view.inserted or view.deleted) and view.view in _COUNTED for view in report.views
        ):
            self._refresh_lenses()
        # An editor asks anew for the colours of a text that it edits itself; of other changes it knows nothing.
        if set(report.files) - report.documents.keys() and any(view.inserted or view.deleted for view in report.views):
            self._repaint()
        self._look_at_imports(folder, report)
        self._tell_aside(folder)
        snapshot = folder.live.snapshot()
        is_new = False
        for uri, document in tuple(self._documents.items()):
            place = document.place
            if place is None or place.folder is not folder:
                continue
            version = folder.live.version_of(snapshot, place.path)
            if version is None or version != document.version:
                continue
            broken = self.broken_contracts(place)
            found = ide_diagnostics.together(snapshot.diagnostics(place.path), broken)
            rules = ide_diagnostics.of_rules(found)
            is_new |= rules != document.rules
            document.rules = rules
            if found != document.published:
                self._publish(uri, version, found)
        if is_new and self.client.refreshes_diagnostics:
            self._refresh()

    def _tell_aside(self, folder: Folder) -> None:
        """Say once of each rule that it fails and is done without."""
        now = set(folder.live.graph.engine.aside())
        for rule in sorted(now - folder.aside):
            self._complain(
                f"The rule `{rule}` fails again and again. All else is answered without what it says, until it works; "
                "`codeanatomy daemon status` says why."
            )
        folder.aside = now

    def _after_verdict(self, folder: Folder, path: str) -> None:
        """Tell the editor what CPython says of a text that rests. Runs in a thread of its own."""
        snapshot = folder.live.snapshot()
        for uri, document in tuple(self._documents.items()):
            place = document.place
            if place is None or place.folder is not folder or place.path != path:
                continue
            version = folder.live.version_of(snapshot, path)
            syntax = snapshot.syntax(path)
            if version is None or version != document.version or syntax == document.syntax:
                continue
            document.syntax = syntax
            self._publish(uri, version, ide_diagnostics.together(syntax, document.rules))
            if self.client.refreshes_diagnostics:
                self._refresh()


class _UnchangedError(Exception):
    """Nothing that rules say has changed."""


def _shown(error: PackError) -> bytes:
    """What is wrong with a rule file, as LSP `Diagnostic[]`: the whole line, because keys have no columns."""
    line = (error.line or 1) - 1
    span = {"start": {"line": line, "character": 0}, "end": {"line": line + 1, "character": 0}}
    message = f"{error.message}\n{error.hint}" if error.hint else error.message
    found = {"range": span, "severity": 1, "code": error.code, "source": "codeanatomy", "message": message}
    return convert.json([found])


def _broken(finding: layers.Finding, text: str, encoding: str) -> dict[str, object]:
    """A broken contract as an LSP `Diagnostic`."""
    violation = finding.violation
    return {
        "range": convert.range_of(text, finding.start, finding.end, encoding),
        "severity": 1,
        "code": violation.code,
        "source": "codeanatomy",
        "message": f"{violation.message}\n{violation.contract}",
    }


def _foreign_file(uri: str, text: str) -> SourceFile:
    content = text.encode("utf-8", "surrogatepass")
    return SourceFile(uri, "", "", False, uri.endswith(".pyi"), "user", 0, content)
