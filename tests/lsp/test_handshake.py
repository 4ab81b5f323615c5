"""The first exchange: whatever a client says of itself, it gets capabilities that it can use, and it gets them soon."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import msgspec
import pytest

from codeanatomy.lsp import convert, handshake


def hello(capabilities: Any = None, **params: Any) -> handshake.Hello:
    return handshake.hello(json.dumps({"processId": None, "capabilities": capabilities} | params).encode())


def answer(capabilities: Any = None) -> dict[str, Any]:
    return json.loads(handshake.answer(hello(capabilities).client))["capabilities"]


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["utf-16", "utf-8"], "utf-8"),
        (["utf-32", "utf-16"], "utf-16"),
        (["utf-32"], "utf-32"),
        (["utf-7"], "utf-16"),
        ([], "utf-16"),
        (None, "utf-16"),
    ],
)
def test_the_engines_own_encoding_is_taken_if_it_is_offered(offered: list[str] | None, chosen: str) -> None:
    assert answer({"general": {"positionEncodings": offered}})["positionEncoding"] == chosen


def test_a_client_that_says_nothing_gets_what_every_client_can_use() -> None:
    for capabilities in (None, {}, {"textDocument": None, "workspace": None, "window": None, "general": None}):
        said = hello(capabilities)
        assert said.client == handshake.Client()
        assert (said.folders, said.shows_progress, said.tells_settings, said.watches_for_us) == (
            (),
            False,
            False,
            False,
        )


def test_what_no_answer_depends_on_may_hold_anything() -> None:
    odd = {"textDocument": {"moniker": 7, "hover": {"dynamicRegistration": "yes"}}, "notebookDocument": [], "future": 1}
    assert hello(odd).client == handshake.Client()


def test_parameters_of_another_shape_are_refused() -> None:
    for params in (b"null", b"[]", b'{"capabilities": 3}', b'{"capabilities": {}, "workspaceFolders": [{}]}'):
        with pytest.raises(convert.InvalidParams):
            handshake.hello(params)


def test_folders_come_before_the_root_and_the_root_before_its_path() -> None:
    folders = [{"uri": "file:///a", "name": "a"}, {"uri": "file:///b", "name": "b"}]
    assert hello(workspaceFolders=folders, rootUri="file:///c").folders == ("file:///a", "file:///b")
    assert hello(workspaceFolders=None, rootUri="file:///c", rootPath="/d").folders == ("file:///c",)
    assert hello(rootUri=None, rootPath="/d").folders == ("file:///d",)
    assert hello(rootUri=None).folders == ()


def test_a_rename_is_prepared_only_for_those_who_know_that() -> None:
    assert answer({})["renameProvider"] is True
    assert answer({"textDocument": {"rename": {"prepareSupport": True}}})["renameProvider"] == {"prepareProvider": True}


def test_a_command_that_shows_places_is_taken_from_what_clients_agree_on_among_themselves() -> None:
    named = {"commands": {"commands": ["rust-analyzer.showReferences", "editor.action.showReferences"]}}
    assert hello({"experimental": named}).client.shows_places == "editor.action.showReferences"
    for other in (None, 3, {"commands": []}, {"commands": {"commands": [1]}}):
        assert hello({"experimental": other}).client.shows_places == ""


def test_the_answer_names_every_question_that_is_answered() -> None:
    said = answer({})
    assert {
        "definitionProvider",
        "referencesProvider",
        "semanticTokensProvider",
        "callHierarchyProvider",
    } <= said.keys()
    assert msgspec.json.decode(msgspec.json.encode(said)) == said


def test_nothing_heavy_is_loaded_before_the_first_message() -> None:
    heavy = (
        "pygls",
        "lsprotocol",
        "attrs",
        "cattrs",
        "asyncio",
        "pyarrow",
        "watchfiles",
        "importlib.metadata",
        "tempfile",
    )
    script = f"import sys, codeanatomy.lsp.server; print([m for m in {heavy!r} if m in sys.modules])"
    process = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert process.stdout == "[]\n"
