"""The language server: lifecycle, dispatch and cancellation.

Messages are dispatched as they came, as bytes, and answered with bytes that the engine made. Messages about text are handled in
order in the thread that reads; each question has its own thread from one of two small pools, is cancelled the moment the editor says so,
and can fail only as an error response. No protocol library is loaded: a person waits for whatever is imported before the first
answer ([0008](docs/decisions/0008-no-protocol-library.md)).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import BinaryIO
from urllib.parse import unquote

import msgspec

from codeanatomy_engine import EngineError

from codeanatomy_incremental.live import LiveError, Progress

from codeanatomy.ide.rename import Refusal
from codeanatomy.lsp import convert, frames, handshake, transport
from codeanatomy.lsp.features import (
    code_action,
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
    notebook_did_change,
    notebook_did_close,
    notebook_did_open,
    notebook_did_save,
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
    text,
    type_definition,
    will_rename_files,
    workspace_symbol,
)
from codeanatomy.lsp.index_progress import IndexProgress
from codeanatomy.lsp.outgoing import Outgoing
from codeanatomy.lsp.session import Graphs, OwnGraphs, Question, Session

logger = logging.getLogger(__name__)

QUESTIONS: dict[str, ModuleType] = {
    feature.METHOD: feature
    for feature in (
        code_action,
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
        text,
        type_definition,
        will_rename_files,
        workspace_symbol,
    )
}
"""Requests, each answered by `answer(session, question)`."""

_OF_A_FILE = frozenset(
    feature.METHOD
    for feature in (
        completion,
        completion_resolve,
        declaration,
        definition,
        document_highlight,
        document_symbol,
        folding_range,
        hover,
        selection_range,
        signature_help,
        type_definition,
    )
)
"""Questions that need not wait for the whole workspace, and therefore not behind those that do."""

_AT_ONCE = frozenset({text.METHOD})
"""Questions that are answered before the next message is read."""

NEWS: dict[str, ModuleType] = {
    feature.METHOD: feature
    for feature in (
        did_change,
        did_change_configuration,
        did_change_watched_files,
        did_close,
        did_open,
        did_save,
        notebook_did_change,
        notebook_did_close,
        notebook_did_open,
        notebook_did_save,
    )
}
"""Notifications, each taken by `take(session, params)`."""

_MOST_CHOICES = 20
"""More places than this are no choice in a message."""

_INFO = 3

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


class _CancelParams(msgspec.Struct, frozen=True):
    id: int | str


class _ProgressParams(msgspec.Struct, frozen=True):
    token: int | str


class _Named(msgspec.Struct, frozen=True):
    uri: str


class _Folders(msgspec.Struct, frozen=True):
    added: tuple[_Named, ...] = ()
    removed: tuple[_Named, ...] = ()


class _FoldersParams(msgspec.Struct, frozen=True):
    event: _Folders


class _Choice(msgspec.Struct, frozen=True):
    title: str


class _Failure(msgspec.Struct, frozen=True):
    code: int
    message: str
    data: dict[str, str]


_PATIENCE_S = 0.5
"""How long the end of a session waits for its graphs to stop."""
_KEEPING_S = 2.5
"""How much longer if they are being written for the next start."""


class Server:
    """One editor, from its first message to its last."""

    def __init__(self, stdin: BinaryIO, stdout: transport.Sink, graphs: Graphs | None = None, name: str = "") -> None:
        """Without `graphs` every folder gets its own. A `name` keeps requests to the editor apart from those of other servers
        that speak to the same one."""
        self._stdin = stdin
        self._graphs = graphs or OwnGraphs()
        self.out = transport.Writer(stdout)
        self.editor = Outgoing(self.out, name)
        self.session = Session(
            self.out.notify,
            self._refresh_diagnostics,
            self._refresh_lenses,
            self._repaint,
            self._show_places,
            self.editor.show_error,
            self._graphs,
        )
        self._hello: handshake.Hello | None = None
        self._shut_down = False
        # Threads mostly wait: for the text that a question is about, or for the rest of the workspace.
        self._of_a_file = ThreadPoolExecutor(max_workers=16, thread_name_prefix="codeanatomy-question")
        self._of_all = ThreadPoolExecutor(max_workers=8, thread_name_prefix="codeanatomy-far-question")
        self._lock = threading.Lock()
        self._waiting: dict[int | str, Question] = {}
        self._progress: list[IndexProgress] = []
        self._own_news: dict[str, Callable[[bytes], None]] = {
            "initialized": self._on_initialized,
            "workspace/didChangeWorkspaceFolders": self._on_folders,
            "window/workDoneProgress/cancel": self._on_progress_cancelled,
        }

    def serve(self) -> int:
        """Serve until the editor says exit or goes away; the exit code."""
        said_exit = False
        try:
            while (body := frames.read_frame(self._stdin)) is not None:
                if b'"exit"' in body and _is_exit(body):
                    said_exit = True
                    break
                self.receive(body)
        except frames.FrameError as error:
            logger.error("the input is no message any more: %s", error)
            return 2
        finally:
            self.out.close()
            for pool in (self._of_a_file, self._of_all):
                pool.shutdown(wait=False, cancel_futures=True)
            # A graph stops at its next seam, which may be seconds away in a first index; an editor that leaves waits for nothing.
            stopping = threading.Thread(target=self.session.stop, name="codeanatomy-stop", daemon=True)
            stopping.start()
            stopping.join(_PATIENCE_S)
            if any(folder.live.is_keeping for folder in self.session.folders):
                stopping.join(_KEEPING_S)
        return 0 if said_exit and self._shut_down else 1

    def receive(self, body: bytes) -> None:
        """Handle one message; never raises for what a client sends."""
        try:
            message = msgspec.json.decode(body, type=_Envelope)
        except msgspec.ValidationError as error:
            self.out.error(None, _INVALID_REQUEST, f"not a message: {error}", {"code": "bad-message"})
            return
        except msgspec.DecodeError as error:
            self.out.error(None, _PARSE_ERROR, f"not JSON: {error}", {"code": "bad-message"})
            return
        request = None if message.id is msgspec.UNSET else message.id
        if message.method is msgspec.UNSET:
            self.editor.answered(body)
        elif request is None:
            self._take(message.method, bytes(message.params))
        else:
            self._ask(request, message.method, bytes(message.params))

    def cancel(self, request: int | str) -> None:
        """Answer a request with `RequestCancelled` unless it is answered; what still runs for it is thrown away."""
        if self._settle(request):
            self.out.error(request, _REQUEST_CANCELLED, "cancelled", {"code": "cancelled"})

    def _take(self, method: str, params: bytes) -> None:
        if method == "$/cancelRequest":
            try:
                self.cancel(convert.decode(params, _CancelParams).id)
            except convert.InvalidParams:
                logger.warning("a cancellation that names no request")
        elif self._hello is None:
            logger.warning("%s before initialization is ignored", method)
        elif method in NEWS or method in self._own_news:
            try:
                if method in NEWS:
                    NEWS[method].take(self.session, params)
                else:
                    self._own_news[method](params)
            except Exception as error:
                failure = _failure(error)
                logger.error("%s: %s", method, failure.message)
                self.editor.log(f"{method}: {failure.message}")
        elif not method.startswith("$/"):
            logger.warning("unknown notification %s is ignored", method)

    def _ask(self, request: int | str, method: str, params: bytes) -> None:
        if self._shut_down:
            self.out.error(request, _INVALID_REQUEST, "the server has been shut down", {"code": "shut-down"})
        elif method == "initialize":
            self._initialize(request, params)
        elif self._hello is None:
            error = "the server has not been initialized"
            self.out.error(request, _NOT_INITIALIZED, error, {"code": "not-initialized"})
        elif method in QUESTIONS:
            try:
                question = self.session.question(params)
            except (LiveError, EngineError) as error:
                failure = _failure(error)
                self.out.error(request, failure.code, failure.message, failure.data)
                return
            with self._lock:
                self._waiting[request] = question
            if method in _AT_ONCE:
                self._answer(request, method, question)
                return
            pool = self._of_a_file if method in _OF_A_FILE else self._of_all
            pool.submit(self._answer, request, method, question)
        elif method == "shutdown":
            self._shut_down = True
            self.out.result(request, b"null")
        else:
            self.out.error(request, _METHOD_NOT_FOUND, f"there is no method {method}", {"code": "unknown-method"})

    def _answer(self, request: int | str, method: str, question: Question) -> None:
        with self._lock:
            if request not in self._waiting:
                return
        taken = time.monotonic_ns()
        try:
            result = QUESTIONS[method].answer(self.session, question)
            if method not in _AT_ONCE:
                result = self.session.notebooks.told(result, question.asked, method)
        except BaseException as error:
            # A panic of the engine arrives as a BaseException; a question must not take the server with it.
            failure = _failure(error)
            if self._settle(request):
                self.out.error(request, failure.code, failure.message, failure.data)
                self.session.note_request(method, question, taken, b"", failure.data["code"])
            return
        if self._settle(request):
            self.out.result(request, result)
            self.session.note_request(method, question, taken, result, "ok")

    def _settle(self, request: int | str) -> bool:
        with self._lock:
            return self._waiting.pop(request, None) is not None

    def _refresh_diagnostics(self) -> None:
        self.editor.ask("workspace/diagnostic/refresh", None)

    def _refresh_lenses(self) -> None:
        self.editor.ask("workspace/codeLens/refresh", None)

    def _repaint(self) -> None:
        if self.session.client.repaints_tokens:
            self.editor.ask("workspace/semanticTokens/refresh", None)
        if self.session.client.repaints_hints:
            self.editor.ask("workspace/inlayHint/refresh", None)

    def _show_places(self, title: str, places: dict[str, convert.Location]) -> None:
        """Go to a place; of several, to the one that a person picks."""
        if len(places) == 1:
            self._go_to(*places.values())
            return
        actions = [{"title": each} for each in list(places)[:_MOST_CHOICES]]
        message = title if len(places) <= _MOST_CHOICES else f"{title}, the first {_MOST_CHOICES}"

        def picked(answer: bytes) -> None:
            if answer != b"null":
                self._go_to(places[convert.decode(answer, _Choice).title])

        self.editor.ask("window/showMessageRequest", {"type": _INFO, "message": message, "actions": actions}, picked)

    def _go_to(self, place: convert.Location) -> None:
        place = self.session.notebooks.location(place)
        self.editor.ask("window/showDocument", {"uri": place.uri, "takeFocus": True, "selection": place.range})

    def _initialize(self, request: int | str, params: bytes) -> None:
        if self._hello is not None:
            error = "the server is initialized already"
            self.out.error(request, _INVALID_REQUEST, error, {"code": "initialized-already"})
            return
        try:
            hello = handshake.hello(params)
        except convert.InvalidParams as error:
            self.out.error(request, _INVALID_PARAMS, str(error), {"code": "bad-params"})
            return
        if self._graphs.encoding:
            # Every editor understands UTF-16, and one graph counts in one way.
            client = msgspec.structs.replace(hello.client, encoding=self._graphs.encoding)
            hello = msgspec.structs.replace(hello, client=client)
        self.session.client = hello.client
        self._hello = hello
        self.out.result(request, handshake.answer(hello.client))

    def _on_initialized(self, _params: bytes) -> None:
        assert self._hello is not None
        for uri in self._hello.folders:
            self._follow(uri)
        self._ask_settings(self._hello.folders)
        if self._hello.watches_for_us:
            pattern = "**/{*.py,*.pyi,*.ipynb,.gitignore,*.toml}"
            registration = {
                "id": "watched-files",
                "method": "workspace/didChangeWatchedFiles",
                "registerOptions": {"watchers": [{"globPattern": pattern}]},
            }
            self.editor.ask("client/registerCapability", {"registrations": [registration]})

    def _ask_settings(self, folders: Sequence[str]) -> None:
        """Ask what the editor is set to in each folder; without folders, what it is set to at all."""
        assert self._hello is not None
        if not self._hello.tells_settings:
            return
        sections = ("codeanatomy", "python")
        scopes = [{"scopeUri": uri} for uri in folders] or [{}]
        items = [scope | {"section": section} for scope in scopes for section in sections]

        def answered(answer: bytes) -> None:
            said = convert.decode(answer, list[object]) if answer != b"null" else []
            for at, uri in enumerate(folders or ("",)):
                python = convert.interpreter_of(dict(zip(sections, said[2 * at : 2 * at + 2], strict=False)))
                if python and len(self.session.folders) < 2:
                    self.session.choose_python(python)
                elif python:
                    self.session.choose_python_of(uri, python)

        self.editor.ask("workspace/configuration", {"items": items}, answered)

    def _on_folders(self, params: bytes) -> None:
        event = convert.decode(params, _FoldersParams).event
        for folder in event.removed:
            self.session.remove_folder(folder.uri)
        for folder in event.added:
            self._follow(folder.uri)
        if event.added:
            self._ask_settings([folder.uri for folder in event.added])

    def _on_progress_cancelled(self, params: bytes) -> None:
        token = str(convert.decode(params, _ProgressParams).token)
        for progress in self._progress:
            progress.cancel(token)

    def _follow(self, uri: str) -> None:
        assert self._hello is not None
        if any(folder.uri.rstrip("/") == uri.rstrip("/") for folder in self.session.folders):
            return
        is_one_of_several = len(self._hello.folders) > 1 or bool(self.session.folders)
        name = unquote(uri.rstrip("/").rpartition("/")[2]) if is_one_of_several else ""
        progress = IndexProgress(self.editor, name) if self._hello.shows_progress else None
        trouble = self.session.add_folder(uri, progress.show if progress else _show_nothing)
        if trouble:
            self.editor.show_error(trouble)
        elif progress:
            self._progress.append(progress)
            progress.follow(next(folder for folder in self.session.folders if folder.uri == uri))


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


def _is_exit(body: bytes) -> bool:
    try:
        message = msgspec.json.decode(body, type=_Envelope)
    except msgspec.MsgspecError:
        return False
    return message.method == "exit" and message.id is msgspec.UNSET


def _show_nothing(_progress: Progress) -> None:
    """Progress for an editor that shows none."""
