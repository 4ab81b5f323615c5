"""The language server: lifecycle, capabilities, dispatch and cancellation. The only place that knows `pygls`.

`pygls` negotiates capabilities, keeps the requests that go to the editor, and carries progress. Text does not pass through it:
its text store splits lines where the protocol does not and splits the whole text at every access. So the messages of our own
features are dispatched here as they came, as bytes, and answered with bytes that the engine made. Messages about text are
handled in order in the thread that reads; each question has its own thread from a small pool, is cancelled the moment the editor says so,
and can fail only as an error response.
"""

from __future__ import annotations

import json
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import ModuleType
from typing import Any, BinaryIO, cast

import msgspec
from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol
from pygls.protocol.language_server import lsp_method

from codeanatomy_engine import TOKEN_MODIFIERS, TOKEN_TYPES, EngineError

from codeanatomy_incremental.live import LiveError, Progress

from codeanatomy import __version__
from codeanatomy.ide.rename import Refusal
from codeanatomy.lsp import convert, transport
from codeanatomy.lsp.features import (
    code_lens,
    code_lens_resolve,
    completion,
    completion_resolve,
    declaration,
    definition,
    diagnostics,
    did_change,
    did_change_configuration,
    did_change_watched_files,
    did_close,
    did_open,
    did_save,
    document_highlight,
    document_symbol,
    execute_command,
    explain,
    folding_range,
    hover,
    implementation,
    incoming_calls,
    inlay_hint,
    outgoing_calls,
    prepare_call_hierarchy,
    prepare_rename,
    prepare_type_hierarchy,
    references,
    rename,
    selection_range,
    semantic_tokens_full,
    semantic_tokens_full_delta,
    semantic_tokens_range,
    signature_help,
    subtypes,
    supertypes,
    type_definition,
    will_rename_files,
    workspace_symbol,
)
from codeanatomy.lsp.session import Client, Completes, Folder, Question, Session

logger = logging.getLogger(__name__)

QUESTIONS: dict[str, ModuleType] = {
    feature.METHOD: feature
    for feature in (
        code_lens,
        code_lens_resolve,
        completion,
        completion_resolve,
        declaration,
        definition,
        diagnostics,
        document_highlight,
        document_symbol,
        execute_command,
        explain,
        folding_range,
        hover,
        implementation,
        incoming_calls,
        outgoing_calls,
        prepare_call_hierarchy,
        prepare_rename,
        prepare_type_hierarchy,
        inlay_hint,
        references,
        rename,
        selection_range,
        semantic_tokens_full,
        semantic_tokens_full_delta,
        semantic_tokens_range,
        signature_help,
        subtypes,
        supertypes,
        type_definition,
        will_rename_files,
        workspace_symbol,
    )
}
"""Requests, each answered by `answer(session, question)`."""

NEWS: dict[str, ModuleType] = {
    feature.METHOD: feature
    for feature in (did_change, did_change_configuration, did_change_watched_files, did_close, did_open, did_save)
}
"""Notifications, each taken by `take(session, params)`."""

_OPTIONS: dict[str, Any] = {
    types.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL: types.SemanticTokensLegend(TOKEN_TYPES, TOKEN_MODIFIERS),
    types.TEXT_DOCUMENT_COMPLETION: types.CompletionOptions(
        trigger_characters=["."],
        resolve_provider=True,
        completion_item=types.ServerCompletionItemOptions(label_details_support=True),
    ),
    types.TEXT_DOCUMENT_DIAGNOSTIC: types.DiagnosticOptions(
        inter_file_dependencies=True, workspace_diagnostics=False, identifier="codeanatomy"
    ),
    types.TEXT_DOCUMENT_SIGNATURE_HELP: types.SignatureHelpOptions(
        trigger_characters=["(", ","], retrigger_characters=[")", "="]
    ),
    types.TEXT_DOCUMENT_DID_SAVE: types.SaveOptions(include_text=False),
    types.WORKSPACE_WILL_RENAME_FILES: types.FileOperationRegistrationOptions(
        filters=[
            types.FileOperationFilter(types.FileOperationPattern("**/*.{py,pyi}", types.FileOperationPatternKind.File)),
            types.FileOperationFilter(types.FileOperationPattern("**", types.FileOperationPatternKind.Folder)),
        ]
    ),
    types.TEXT_DOCUMENT_RENAME: types.RenameOptions(prepare_provider=True),
}

_SHOWS_PLACES = ("codeanatomy.showReferences", "editor.action.showReferences")
"""Commands of clients that take a URI, a position and a list of places."""

_MOST_CHOICES = 20
"""More places than this are no choice in a message."""

_PARSE_ERROR = -32700
_INVALID_REQUEST = -32600
_METHOD_NOT_FOUND = -32601
_INVALID_PARAMS = -32602
_INTERNAL_ERROR = -32603
_NOT_INITIALIZED = -32002
_REQUEST_CANCELLED = -32800
_SERVER_CANCELLED = -32802
_REQUEST_FAILED = -32803


class _Envelope(msgspec.Struct):
    id: int | str | msgspec.UnsetType | None = msgspec.UNSET
    method: str | msgspec.UnsetType = msgspec.UNSET
    params: msgspec.Raw = msgspec.Raw(b"null")


class _Commands(msgspec.Struct, frozen=True):
    commands: tuple[str, ...] = ()


class _Experimental(msgspec.Struct, frozen=True):
    commands: _Commands = _Commands()


class _CancelParams(msgspec.Struct, frozen=True):
    id: int | str


class _Failure(msgspec.Struct, frozen=True):
    code: int
    message: str
    data: dict[str, str]


class Protocol(LanguageServerProtocol):
    """Messages in and out. Ours go past the machinery of the base class, the rest through it."""

    host: Server
    """The server that these messages are for."""

    @property
    def is_shut_down(self) -> bool:
        """Whether the editor has asked for the end."""
        return self._shutdown

    def receive(self, body: bytes) -> None:
        """Handle one message; never raises for what a client sends."""
        try:
            message = msgspec.json.decode(body, type=_Envelope)
        except msgspec.ValidationError as error:
            self.host.out.error(None, _INVALID_REQUEST, f"not a message: {error}", {"code": "bad-message"})
            return
        except msgspec.DecodeError as error:
            self.host.out.error(None, _PARSE_ERROR, f"not JSON: {error}", {"code": "bad-message"})
            return
        request = None if message.id is msgspec.UNSET else message.id
        if message.method is msgspec.UNSET:
            self._pass_on(body, None)
        elif request is None:
            self._take(message.method, bytes(message.params), body)
        else:
            self._ask(request, message.method, bytes(message.params), body)

    def _take(self, method: str, params: bytes, body: bytes) -> None:
        if method == types.CANCEL_REQUEST:
            try:
                self.host.cancel(convert.decode(params, _CancelParams).id)
            except convert.InvalidParams:
                logger.warning("a cancellation that names no request")
        elif not self.host.ready:
            logger.warning("%s before initialization is ignored", method)
        elif method in NEWS:
            try:
                NEWS[method].take(self.host.session, params)
            except Exception as error:
                failure = _failure(error)
                logger.error("%s: %s", method, failure.message)
                self.host.log(f"{method}: {failure.message}")
        elif method in self.fm.builtin_features:
            self._pass_on(body, None)
        elif not method.startswith("$/"):
            logger.warning("unknown notification %s is ignored", method)

    def _ask(self, request: int | str, method: str, params: bytes, body: bytes) -> None:
        out = self.host.out
        if self._shutdown:
            out.error(request, _INVALID_REQUEST, "the server has been shut down", {"code": "shut-down"})
        elif method != types.INITIALIZE and not self.host.ready:
            out.error(request, _NOT_INITIALIZED, "the server has not been initialized", {"code": "not-initialized"})
        elif method in QUESTIONS:
            self.host.ask(request, method, params)
        elif method == types.INITIALIZE and self.host.ready:
            out.error(request, _INVALID_REQUEST, "the server is initialized already", {"code": "initialized-already"})
        elif method in self.fm.builtin_features:
            self._pass_on(body, request)
        else:
            out.error(request, _METHOD_NOT_FOUND, f"there is no method {method}", {"code": "unknown-method"})

    def _pass_on(self, body: bytes, request: int | str | None) -> None:
        try:
            self.handle_message(cast(Any, self.structure_message(json.loads(body))))
        except JsonRpcException as error:
            if request is None:
                logger.warning("a message that cannot be read: %s", error)
                return
            self.host.out.error(request, error.code, error.message or "bad parameters", {"code": "bad-message"})

    @lsp_method(types.INITIALIZE)
    def lsp_initialize(self, params: types.InitializeParams) -> Any:
        """Prefer UTF-8, in which the engine counts anyway, whatever the order of the client's offers."""
        general = params.capabilities.general
        if general is not None and types.PositionEncodingKind.Utf8 in (general.position_encodings or ()):
            general.position_encodings = [types.PositionEncodingKind.Utf8]
        return (yield from super().lsp_initialize(params))


class Server(LanguageServer):
    """One editor, from its first message to its last."""

    def __init__(self) -> None:
        super().__init__("codeanatomy", __version__, protocol_cls=Protocol)
        self._messages = cast(Protocol, self.protocol)
        self._messages.host = self
        self.out: transport.Writer
        self.ready = False
        self.session = Session(self._notify, self._refresh_diagnostics, self._refresh_lenses, self._show_places)
        self._pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="codeanatomy-question")
        self._lock = threading.Lock()
        self._waiting: dict[int | str, Question] = {}
        self._uris: tuple[str, ...] = ()
        self._watches_for_us = False
        self._shows_progress = False
        self._tells_settings = False
        for method in (*QUESTIONS, *NEWS):
            self.feature(method, _OPTIONS.get(method))(_handled_elsewhere)
        for command in execute_command.COMMANDS:
            self.command(command)(_handled_elsewhere)
        # The base class marks what it is given with attributes, which methods do not take.
        self.feature(types.INITIALIZE)(partial(self._on_initialize))
        self.feature(types.INITIALIZED)(partial(self._on_initialized))
        self.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)(partial(self._on_folders))

    def serve(self, stdin: BinaryIO, stdout: BinaryIO) -> int:
        """Serve until the editor says exit or goes away; the exit code."""
        self.out = transport.Writer(stdout)
        self._messages.set_writer(self.out)
        said_exit = False
        try:
            while (body := transport.read_frame(stdin)) is not None:
                if b'"exit"' in body and _is_exit(body):
                    said_exit = True
                    break
                self._messages.receive(body)
        except transport.FrameError as error:
            logger.error("the input is no message any more: %s", error)
            return 2
        finally:
            self.out.close()
            self._pool.shutdown(wait=False, cancel_futures=True)
            self.session.stop()
        return 0 if said_exit and self._messages.is_shut_down else 1

    def ask(self, request: int | str, method: str, params: bytes) -> None:
        """Answer a request when its time has come."""
        question = self.session.question(params)
        with self._lock:
            self._waiting[request] = question
        self._pool.submit(self._answer, request, method, question)

    def cancel(self, request: int | str) -> None:
        """Answer a request with `RequestCancelled` unless it is answered; what still runs for it is thrown away."""
        if self._settle(request):
            self.out.error(request, _REQUEST_CANCELLED, "cancelled", {"code": "cancelled"})

    def log(self, message: str) -> None:
        """Write a line into the log that the editor shows."""
        self.window_log_message(types.LogMessageParams(type=types.MessageType.Warning, message=message))

    def _answer(self, request: int | str, method: str, question: Question) -> None:
        with self._lock:
            if request not in self._waiting:
                return
        try:
            result = QUESTIONS[method].answer(self.session, question)
        except BaseException as error:
            # A panic of the engine arrives as a BaseException; a question must not take the server with it.
            failure = _failure(error)
            if self._settle(request):
                self.out.error(request, failure.code, failure.message, failure.data)
            return
        if self._settle(request):
            self.out.result(request, result)

    def _settle(self, request: int | str) -> bool:
        with self._lock:
            return self._waiting.pop(request, None) is not None

    def _notify(self, method: str, params: bytes) -> None:
        self.out.notify(method, params)

    def _refresh_diagnostics(self) -> None:
        self.workspace_diagnostic_refresh(None)

    def _refresh_lenses(self) -> None:
        self.workspace_code_lens_refresh(None)

    def _show_places(self, title: str, places: dict[str, convert.Location]) -> None:
        """Go to a place; of several, to the one that a person picks."""
        if len(places) == 1:
            self._go_to(*places.values())
            return
        actions = [types.MessageActionItem(each) for each in list(places)[:_MOST_CHOICES]]
        message = title if len(places) <= _MOST_CHOICES else f"{title}, the first {_MOST_CHOICES}"
        self.window_show_message_request(
            types.ShowMessageRequestParams(types.MessageType.Info, message, actions),
            lambda picked: self._go_to(places[picked.title]) if picked else None,
        )

    def _go_to(self, place: convert.Location) -> None:
        start, end = (types.Position(each.line, each.character) for each in (place.range.start, place.range.end))
        self.window_show_document(
            types.ShowDocumentParams(place.uri, take_focus=True, selection=types.Range(start, end))
        )

    def _on_initialize(self, params: types.InitializeParams) -> None:
        capabilities = params.capabilities
        text = capabilities.text_document or types.TextDocumentClientCapabilities()
        workspace = capabilities.workspace or types.WorkspaceClientCapabilities()
        hovers = text.hover.content_format if text.hover else None
        folds = text.folding_range or types.FoldingRangeClientCapabilities()
        signatures = text.signature_help.signature_information if text.signature_help else None
        labels = signatures.parameter_information if signatures else None
        edits = workspace.workspace_edit or types.WorkspaceEditClientCapabilities()
        versioned = bool(edits.document_changes)
        self.session.client = Client(
            encoding=str(getattr(self.workspace.position_encoding, "value", self.workspace.position_encoding)),
            definition_links=bool(text.definition and text.definition.link_support),
            markdown=not hovers or hovers[0] == types.MarkupKind.Markdown,
            pulls_diagnostics=text.diagnostic is not None,
            python=convert.interpreter_of(_plain(params.initialization_options)),
            refreshes_diagnostics=bool(workspace.diagnostics and workspace.diagnostics.refresh_support),
            folds_lines_only=bool(folds.line_folding_only),
            most_folds=folds.range_limit or Client().most_folds,
            label_offsets=bool(labels and labels.label_offset_support),
            versioned_edits=versioned,
            renames_files=versioned and types.ResourceOperationKind.Rename in (edits.resource_operations or ()),
            annotates=versioned and edits.change_annotation_support is not None,
            refreshes_lenses=bool(workspace.code_lens and workspace.code_lens.refresh_support),
            shows_places=_command_for_places(capabilities.experimental),
            completes=_completes(text.completion),
        )
        watched = workspace.did_change_watched_files
        self._watches_for_us = bool(watched and watched.dynamic_registration)
        self._tells_settings = bool(workspace.configuration)
        self._shows_progress = bool(capabilities.window and capabilities.window.work_done_progress)
        folders = [folder.uri for folder in params.workspace_folders or ()]
        root = params.root_uri or (convert.file_uri(params.root_path) if params.root_path else None)
        self._uris = tuple(folders or ([root] if root else []))
        self.ready = True

    def _on_initialized(self, _params: Any) -> None:
        for uri in self._uris:
            self._follow(uri)
        if self._tells_settings:
            sections = [types.ConfigurationItem(section=section) for section in ("codeanatomy", "python")]
            self.workspace_configuration(types.ConfigurationParams(sections), self._on_settings)
        if self._watches_for_us:
            pattern = "**/{*.py,*.pyi,.gitignore,pyproject.toml,codeanatomy.toml}"
            options = types.DidChangeWatchedFilesRegistrationOptions([types.FileSystemWatcher(pattern)])
            registration = types.Registration("watched-files", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)
            self.client_register_capability(types.RegistrationParams([registration]))

    def _on_settings(self, answer: Any) -> None:
        sections = [_plain(section) for section in answer or ()]
        python = convert.interpreter_of(dict(zip(("codeanatomy", "python"), sections, strict=False)))
        if python:
            self.session.choose_python(python)

    def _on_folders(self, params: types.DidChangeWorkspaceFoldersParams) -> None:
        for folder in params.event.removed:
            self.session.remove_folder(folder.uri)
        for folder in params.event.added:
            self._follow(folder.uri)

    def _follow(self, uri: str) -> None:
        progress = _IndexProgress(self) if self._shows_progress else None
        trouble = self.session.add_folder(uri, progress.show if progress else _show_nothing)
        if trouble:
            self.window_show_message(types.ShowMessageParams(type=types.MessageType.Error, message=trouble))
        elif progress:
            progress.follow(next(folder for folder in self.session.folders if folder.uri == uri))


class _IndexProgress:
    """The first index of a folder as a progress bar of the editor."""

    def __init__(self, server: Server) -> None:
        self._progress = server.work_done_progress
        self._token = f"codeanatomy-index-{id(self)}"
        self._began = False
        self._over = False
        self._folder: Folder | None = None
        self._lock = threading.Lock()
        self._progress.create(self._token, self._begin)

    def follow(self, folder: Folder) -> None:
        """Let the editor's cancel button end the index of a folder."""
        self._folder = folder

    def show(self, progress: Progress) -> None:
        """Show how far the index is; what comes before the editor has agreed is not shown."""
        with self._lock:
            if not self._began or self._over:
                self._over = self._over or progress.stage == "done"
                return
            if progress.stage == "done":
                self._over = True
                took = f"{progress.files_total} files in {progress.seconds:.1f} s"
                self._progress.end(self._token, types.WorkDoneProgressEnd(message=took))
                return
            percentage = 100 * progress.files_done // max(1, progress.files_total)
            text = f"{progress.files_done} of {progress.files_total} files" if progress.stage == "read" else "relating"
            self._progress.report(self._token, types.WorkDoneProgressReport(message=text, percentage=percentage))

    def _begin(self, _answer: Any) -> None:
        with self._lock:
            if self._over:
                return
            self._began = True
            begin = types.WorkDoneProgressBegin(title="CodeAnatomy: indexing", cancellable=True, percentage=0)
            self._progress.begin(self._token, begin)
        self._progress.tokens[self._token].add_done_callback(self._cancelled)

    def _cancelled(self, future: Any) -> None:
        if future.cancelled() and self._folder is not None:
            self._folder.live.cancel_index()


def _failure(error: BaseException) -> _Failure:
    """The error response that says what went wrong."""
    match error:
        case convert.InvalidParams():
            return _Failure(_INVALID_PARAMS, str(error), {"code": "bad-params"})
        case EngineError(code="bad-position"):
            return _Failure(_INVALID_PARAMS, str(error), {"code": error.code})
        case EngineError(code="cancelled") | LiveError(code="graph-busy" | "graph-stopped" | "cancelled"):
            return _Failure(_SERVER_CANCELLED, str(error), {"code": error.code})
        case EngineError():
            data = {"code": error.code, "stage": error.stage, "hint": error.hint, "where": error.where}
            return _Failure(_REQUEST_FAILED, str(error), data)
        case Refusal():
            return _Failure(_REQUEST_FAILED, str(error), {"code": error.code})
        case LiveError():
            return _Failure(_REQUEST_FAILED, str(error), {"code": error.code})
        case _:
            logger.error("a request failed", exc_info=error)
            return _Failure(_INTERNAL_ERROR, f"{type(error).__name__}: {error}", {"code": "server-internal"})


def _command_for_places(experimental: object) -> str:
    """The command for a list of places that the client names in `experimental.commands.commands`, if it does."""
    try:
        named = msgspec.convert(experimental, _Experimental).commands.commands
    except msgspec.ValidationError:
        # What clients say here is agreed on with other servers.
        return ""
    return next((each for each in _SHOWS_PLACES if each in named), "")


def _plain(value: Any) -> Any:
    """A value of the protocol library as plain data: it makes objects of what it does not know."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in cast("dict[Any, Any]", value).items()}
    if hasattr(value, "_asdict"):
        return {key: _plain(each) for key, each in value._asdict().items()}
    return value


def _is_exit(body: bytes) -> bool:
    try:
        message = msgspec.json.decode(body, type=_Envelope)
    except msgspec.MsgspecError:
        return False
    return message.method == types.EXIT and message.id is msgspec.UNSET


def _handled_elsewhere(_params: Any) -> None:
    """Stands for a feature in the list from which `pygls` reads the capabilities; messages never come here."""
    raise AssertionError("our features are dispatched by Protocol.receive")


def _show_nothing(_progress: Progress) -> None:
    """Progress for an editor that shows none."""


def _completes(completion: types.CompletionClientCapabilities | None) -> Completes:
    item = (completion and completion.completion_item) or types.ClientCompletionItemOptions()
    modes = item.insert_text_mode_support.value_set if item.insert_text_mode_support else ()
    return Completes(
        snippets=bool(item.snippet_support),
        adjusts_indentation=types.InsertTextMode.AdjustIndentation in modes,
        commit_characters=bool(item.commit_characters_support),
        label_details=bool(item.label_details_support),
        lazy_edits=item.resolve_support is not None and "additionalTextEdits" in item.resolve_support.properties,
        markdown=types.MarkupKind.Markdown in (item.documentation_format or ()),
    )
