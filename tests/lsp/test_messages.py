"""Whatever a client sends, the server answers by the protocol and lives; only messages come out."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from bench.editor import PATIENCE_S, SERVER, Editor, ResponseError
from tests.support import shop

HOVER = "textDocument/hover"


def refused(editor: Editor, method: str, params: Any) -> ResponseError:
    with pytest.raises(ResponseError) as caught:
        editor.request(method, params)
    return caught.value


def at(editor: Editor, path: str, line: int, character: int) -> dict[str, Any]:
    return {"textDocument": {"uri": editor.uri(path)}, "position": {"line": line, "character": character}}


def _asks(request: int, method: str, params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request, "method": method, "params": params}


def _cancels(request: int) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": request}}


def still_answers(editor: Editor) -> bool:
    return bool(editor.ask("textDocument/definition", "main.py", *shop.place("main.py", "discount", 1)))


def test_a_session_from_hello_to_goodbye(editor: Editor) -> None:
    assert editor.initialize()["serverInfo"]["name"] == "codeanatomy"
    assert still_answers(editor)
    assert editor.shut_down() == 0
    assert editor.stray == b""


def test_goodbye_without_shutdown_is_an_error(editor: Editor) -> None:
    editor.initialize()
    editor.notify("exit", None)
    assert editor.process.wait(PATIENCE_S) == 1


def test_an_editor_that_goes_away_takes_its_server_along(editor: Editor) -> None:
    editor.initialize()
    assert editor.process.stdin is not None
    editor.process.stdin.close()
    assert editor.process.wait(PATIENCE_S) == 1


def test_requests_before_hello_and_after_goodbye_are_refused(editor: Editor) -> None:
    assert refused(editor, HOVER, {}).code == -32002
    editor.initialize()
    editor.request("shutdown", None)
    assert refused(editor, HOVER, {}).code == -32600


BAD_PARAMETERS: tuple[Any, ...] = (
    None,
    [],
    "text",
    {},
    {"textDocument": {}, "position": {"line": 0, "character": 0}},
    {"textDocument": {"uri": 5}, "position": {"line": 0, "character": 0}},
    {"textDocument": {"uri": "file:///a.py"}, "position": {"line": -1, "character": 0}},
    {"textDocument": {"uri": "file:///a.py"}, "position": {"line": "0", "character": 0}},
)


def test_bad_parameters_are_refused_as_such(live_editor: Editor) -> None:
    for method in (HOVER, "textDocument/references", "codeanatomy/explain"):
        for params in BAD_PARAMETERS:
            error = refused(live_editor, method, params)
            assert (error.code, error.data["code"]) == (-32602, "bad-params"), (method, params)
    assert still_answers(live_editor)


def test_questions_about_a_stretch_refuse_what_is_none(live_editor: Editor) -> None:
    for method in ("textDocument/inlayHint", "textDocument/semanticTokens/range"):
        for wrong in (None, {}, {"start": {"line": 0, "character": 0}}, {"start": 1, "end": 2}):
            params = {"textDocument": {"uri": live_editor.uri("main.py")}, "range": wrong}
            assert refused(live_editor, method, params).code == -32602, (method, wrong)
    params = {"textDocument": {"uri": live_editor.uri("main.py")}, "positions": [{"line": -1, "character": 0}]}
    assert refused(live_editor, "textDocument/selectionRange", params).code == -32602
    assert still_answers(live_editor)


def test_unknown_methods_are_refused_and_unknown_news_ignored(live_editor: Editor) -> None:
    assert refused(live_editor, "textDocument/fly", {}).code == -32601
    live_editor.notify("textDocument/didFly", {})
    live_editor.notify("$/whatever", None)
    assert still_answers(live_editor)


def test_what_is_no_message_is_refused_and_survived(live_editor: Editor) -> None:
    for body in (b"", b"{", b"\xff\xfe", b"[]", b"3", b'{"jsonrpc":"2.0","id":{},"method":"x"}'):
        live_editor.send_bytes(body)
        with pytest.raises(ResponseError) as caught:
            live_editor.answer_of(None)
        assert caught.value.code in (-32700, -32600), body
    assert still_answers(live_editor)


def test_news_of_documents_that_are_not_open_is_survived(live_editor: Editor) -> None:
    live_editor.change("main.py", 2, {"text": "x = 1\n"})
    live_editor.close("main.py")
    live_editor.notify("textDocument/didOpen", {"textDocument": {"uri": "file:///x.py"}})
    assert still_answers(live_editor)


def test_edits_outside_the_text_are_survived(live_editor: Editor) -> None:
    live_editor.open("main.py", shop.FILES["main.py"])
    beyond = {"start": {"line": 900, "character": 0}, "end": {"line": 900, "character": 4}}
    live_editor.change("main.py", 2, {"range": beyond, "text": "x"})
    live_editor.change("main.py", 3, {"text": shop.FILES["main.py"]})
    assert live_editor.diagnostics("main.py", 3) == []
    assert still_answers(live_editor)


def test_a_position_behind_a_line_is_its_end_and_one_behind_the_text_has_no_answer(live_editor: Editor) -> None:
    assert live_editor.ask("textDocument/definition", "main.py", 0, 10_000)
    assert live_editor.ask("textDocument/definition", "main.py", 10_000, 0) == []


def test_a_file_that_does_not_exist_has_a_code(live_editor: Editor) -> None:
    request = live_editor.send_request("textDocument/definition", at(live_editor, "nowhere.py", 0, 0))
    try:
        assert live_editor.answer_of(request) == []
    except ResponseError as error:
        assert (error.code, error.data["code"]) == (-32803, "unknown-file")


def test_documents_outside_the_workspace_are_served_for_syntax(live_editor: Editor, tmp_path: Path) -> None:
    for uri in ("untitled:Untitled-1", (tmp_path / "elsewhere.py").as_uri()):
        document = {"uri": uri, "languageId": "python", "version": 1, "text": "f(\n"}
        live_editor.notify("textDocument/didOpen", {"textDocument": document})
        published = live_editor.wait_for(lambda message, uri=uri: (message.get("params") or {}).get("uri") == uri)
        assert published["params"]["diagnostics"]
        where = {"textDocument": {"uri": uri}, "position": {"line": 0, "character": 0}}
        assert live_editor.request("textDocument/definition", where) == []
        assert live_editor.request(HOVER, where) is None
        for method in ("textDocument/signatureHelp", "textDocument/semanticTokens/full"):
            assert live_editor.request(method, where) is None
        live_editor.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
    assert live_editor.request("workspace/symbol", {"query": "Untitled"}) == []


def test_library_files_are_asked_about_as_they_lie_on_disk(editor: Editor) -> None:
    (editor.root / "codeanatomy.toml").unlink()
    editor.initialize()
    editor.open("main.py", "import json\n\njson.loads('1')\n")
    found = editor.ask("textDocument/definition", "main.py", 2, 6)[-1]
    assert found["uri"].endswith("/json/__init__.pyi")
    text = Path(found["uri"].removeprefix("file://")).read_text()
    document = {"uri": found["uri"], "languageId": "python", "version": 1, "text": text}
    editor.notify("textDocument/didOpen", {"textDocument": document})
    asked = {"textDocument": {"uri": found["uri"]}, "position": found["range"]["start"]}
    assert "loads" in editor.request(HOVER, asked)["contents"]["value"]
    inside = next(number for number, line in enumerate(text.splitlines()) if line.startswith("from .decoder import"))
    where = {"line": inside, "character": text.splitlines()[inside].index("JSONDecoder")}
    onward = editor.request("textDocument/definition", {"textDocument": {"uri": found["uri"]}, "position": where})
    assert onward[-1]["uri"].endswith("/json/decoder.pyi")


def test_a_request_is_cancelled_at_once(live_editor: Editor) -> None:
    def is_cancelled(request: int) -> bool:
        try:
            live_editor.answer_of(request)
        except ResponseError as error:
            assert error.code == -32800
            return True
        return False

    def are_cancelled(requests: list[int]) -> list[bool]:
        # More questions than the server answers at a time: those at the end are still waiting when they are cancelled.
        asked = [_asks(each, "workspace/symbol", {"query": "d"}) for each in requests]
        live_editor.send_together(*asked, *map(_cancels, reversed(requests)))
        return [is_cancelled(request) for request in requests]

    # However busy the machine is, one of the times the server reads on before it has answered everything.
    assert any(any(are_cancelled(list(range(1_000 * go, 1_000 * go + 100)))) for go in range(1, 50))
    live_editor.notify("$/cancelRequest", {"id": 987654})
    live_editor.notify("$/cancelRequest", {"id": 1_000})
    live_editor.notify("$/cancelRequest", {})
    assert still_answers(live_editor)


def test_a_request_that_waits_is_cancelled_while_it_waits(editor: Editor) -> None:
    request = editor.send_request(
        "initialize", {"processId": None, "rootUri": editor.root.as_uri(), "capabilities": {}}
    )
    editor.answer_of(request)
    editor.notify("initialized", {})
    where = at(editor, "main.py", *shop.place("main.py", "discount", 1))
    editor.send_together(_asks(77, "textDocument/definition", where), _cancels(77))
    with pytest.raises(ResponseError) as caught:
        editor.answer_of(77)
    assert caught.value.code == -32800
    assert still_answers(editor)


def test_the_text_changes_while_questions_are_asked(live_editor: Editor) -> None:
    live_editor.open("main.py", shop.FILES["main.py"])
    failures: list[Exception] = []

    def ask() -> None:
        try:
            for _ in range(30):
                live_editor.ask(HOVER, "main.py", 0, 20)
        except Exception as error:
            failures.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    for version in range(2, 60):
        start = {"line": 2, "character": 0}
        live_editor.change("main.py", version, {"range": {"start": start, "end": start}, "text": "#"})
    asking.join()
    assert not failures
    assert live_editor.diagnostics("main.py", 59) == []


def test_the_log_is_lines_of_json_if_asked_for(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with (
        log.open("wb") as stream,
        Editor(shop.build(tmp_path / "ws"), (*SERVER, "--format", "json"), stderr=stream) as editor,
    ):
        editor.initialize()
        editor.notify("textDocument/didFly", {})
        assert still_answers(editor)
        editor.shut_down()
    [line] = [json.loads(line) for line in log.read_text().splitlines()]
    assert line["level"] == "warning"
    assert "textDocument/didFly" in line["message"]


def test_a_broken_configuration_is_shown_and_syntax_is_served(editor: Editor) -> None:
    (editor.root / "codeanatomy.toml").write_text("[wrkspace]\n")
    editor.initialize()
    shown = editor.wait_for(lambda message: message.get("method") == "window/showMessage")
    assert "codeanatomy.toml:1: unknown section `wrkspace`" in shown["params"]["message"]
    editor.open("main.py", "f(\n")
    assert editor.diagnostics("main.py", 1)


@pytest.fixture
def live_editor(editor: Editor) -> Editor:
    editor.initialize()
    return editor
