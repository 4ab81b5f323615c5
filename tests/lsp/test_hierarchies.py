"""Following types, calls and lenses in an editor."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest
import pytest_lsp
from lsprotocol import types
from pytest_lsp import ClientServerConfig, LanguageClient

from bench.editor import PATIENCE_S, Editor, ResponseError
from tests.support import hierarchy

PAY = hierarchy.place("order.py", r"class Special\(Order\):\n    def pay")


@pytest_lsp.fixture(
    config=ClientServerConfig(server_command=[sys.executable, "-m", "codeanatomy", "lsp", "--in-process"])
)
async def client(lsp_client: LanguageClient, tmp_path: Path) -> Any:
    hierarchy.build(tmp_path)
    asked: list[types.ShowMessageRequestParams] = []

    @lsp_client.feature(types.WINDOW_SHOW_MESSAGE_REQUEST)
    def pick(params: types.ShowMessageRequestParams) -> types.MessageActionItem | None:
        asked.append(params)
        return (params.actions or [None])[-1]

    refreshed: list[None] = []

    @lsp_client.feature(types.WORKSPACE_CODE_LENS_REFRESH)
    def refresh(params: None) -> None:
        refreshed.append(params)

    lsp_client.asked, lsp_client.refreshed = asked, refreshed  # type: ignore[attr-defined]
    yield
    await lsp_client.shutdown_session()


async def begin(
    client: LanguageClient, root: Path, experimental: object = None, refreshes: bool = False
) -> types.ServerCapabilities:
    folder = types.WorkspaceFolder(uri=root.as_uri(), name="orders")
    lenses = types.CodeLensWorkspaceClientCapabilities(refresh_support=refreshes)
    capabilities = types.ClientCapabilities(
        experimental=experimental, workspace=types.WorkspaceClientCapabilities(code_lens=lenses)
    )
    answer = await client.initialize_session(
        types.InitializeParams(capabilities=capabilities, workspace_folders=[folder], root_uri=folder.uri)
    )
    return answer.capabilities


def document(root: Path, path: str) -> types.TextDocumentIdentifier:
    return types.TextDocumentIdentifier((root / path).as_uri())


async def test_a_caller_is_followed_up_to_its_module(client: LanguageClient, tmp_path: Path) -> None:
    capabilities = await begin(client, tmp_path)
    assert capabilities.call_hierarchy_provider
    prepared = await client.text_document_prepare_call_hierarchy_async(
        types.CallHierarchyPrepareParams(document(tmp_path, "order.py"), types.Position(*PAY))
    )
    assert prepared is not None
    [pay] = prepared
    assert (pay.name, pay.kind, pay.detail) == ("pay", types.SymbolKind.Method, "order.Special")
    incoming = await client.call_hierarchy_incoming_calls_async(types.CallHierarchyIncomingCallsParams(pay))
    callers = {call.from_.name: call.from_ for call in incoming or ()}
    incoming = await client.call_hierarchy_incoming_calls_async(types.CallHierarchyIncomingCallsParams(callers["run"]))
    assert incoming is not None
    [module] = incoming
    assert (module.from_.name, module.from_.kind) == ("main", types.SymbolKind.Module)
    assert [place.start.line for place in module.from_ranges] == [21, 22]
    outgoing = await client.call_hierarchy_outgoing_calls_async(types.CallHierarchyOutgoingCallsParams(module.from_))
    assert [call.to.name for call in outgoing or ()] == ["traced", "run"]


async def test_classes_are_followed_up_and_down(client: LanguageClient, tmp_path: Path) -> None:
    capabilities = await begin(client, tmp_path)
    assert capabilities.type_hierarchy_provider
    where = types.Position(*hierarchy.place("order.py", "class Special"))
    prepared = await client.text_document_prepare_type_hierarchy_async(
        types.TypeHierarchyPrepareParams(document(tmp_path, "order.py"), where)
    )
    assert prepared is not None
    [special] = prepared
    above = await client.type_hierarchy_supertypes_async(types.TypeHierarchySupertypesParams(special))
    assert [each.name for each in above or ()] == ["Order"]
    assert above is not None
    further = await client.type_hierarchy_supertypes_async(types.TypeHierarchySupertypesParams(above[0]))
    assert [each.name for each in further or ()] == ["ABC"]
    assert further is not None
    assert await client.type_hierarchy_supertypes_async(types.TypeHierarchySupertypesParams(further[0])) == ()
    below = await client.type_hierarchy_subtypes_async(types.TypeHierarchySubtypesParams(special))
    assert [each.name for each in below or ()] == ["Rush"]


async def test_the_class_and_the_implementations_of_a_word(client: LanguageClient, tmp_path: Path) -> None:
    capabilities = await begin(client, tmp_path)
    assert capabilities.type_definition_provider
    assert capabilities.implementation_provider
    where = types.Position(*hierarchy.place("main.py", "special.pay"))
    found = await client.text_document_implementation_async(
        types.ImplementationParams(document(tmp_path, "main.py"), where)
    )
    assert [place.range.start.line for place in found or () if isinstance(place, types.Location)] == [30]
    where = types.Position(*hierarchy.place("main.py", r"close\(special"))
    found = await client.text_document_type_definition_async(
        types.TypeDefinitionParams(document(tmp_path, "main.py"), where)
    )
    assert [place.range.start.line for place in found or () if isinstance(place, types.Location)] == [24]


async def test_a_lens_is_followed_without_an_extension(client: LanguageClient, tmp_path: Path) -> None:
    capabilities = await begin(client, tmp_path)
    assert capabilities.execute_command_provider is not None
    lenses = await client.text_document_code_lens_async(types.CodeLensParams(document(tmp_path, "order.py")))
    commands = {(lens.range.start.line, lens.command.title): lens.command for lens in lenses or () if lens.command}

    async def run(line: int, title: str) -> None:
        command = commands[line, title]
        assert command.command in capabilities.execute_command_provider.commands  # type: ignore[union-attr]
        await client.workspace_execute_command_async(types.ExecuteCommandParams(command.command, command.arguments))

    async def shown(number: int) -> types.ShowDocumentParams:
        async with asyncio.timeout(PATIENCE_S):
            while len(client.shown_documents) < number:
                await asyncio.sleep(0.01)
        return client.shown_documents[number - 1]

    await run(30, "overrides Special.pay")
    first = await shown(1)
    assert first.selection is not None
    assert (first.uri, first.selection.start.line) == (document(tmp_path, "order.py").uri, 25)
    await run(24, "3 references")
    await shown(2)
    [question] = client.asked  # type: ignore[attr-defined]
    assert question.message == "3 references"
    assert [action.title for action in question.actions or ()] == ["main.py:1", "main.py:14", "order.py:30"]


async def test_a_client_that_can_list_places_is_given_them(client: LanguageClient, tmp_path: Path) -> None:
    command = "editor.action.showReferences"
    capabilities = await begin(client, tmp_path, {"commands": {"commands": ["x.y", command]}})
    assert capabilities.code_lens_provider is not None
    assert capabilities.code_lens_provider.resolve_provider
    lenses = await client.text_document_code_lens_async(types.CodeLensParams(document(tmp_path, "order.py")))
    assert lenses
    assert not [lens for lens in lenses if lens.command]
    titles = {}
    for lens in lenses:
        resolved = await client.code_lens_resolve_async(lens)
        assert resolved.command is not None
        assert resolved.command.command == command
        titles[lens.range.start.line, resolved.command.title] = resolved.command.arguments
    uri, position, places = titles[13, "implemented 2 times"]
    assert uri == document(tmp_path, "order.py").uri
    assert position["line"] == 13
    assert [place["range"]["start"]["line"] for place in places] == [25, 30]


async def test_lenses_are_asked_for_again_when_another_file_changes(client: LanguageClient, tmp_path: Path) -> None:
    await begin(client, tmp_path, refreshes=True)
    await client.text_document_code_lens_async(types.CodeLensParams(document(tmp_path, "order.py")))
    before = len(client.refreshed)  # type: ignore[attr-defined]
    text = hierarchy.FILES["main.py"] + "Card()\n"
    item = types.TextDocumentItem(document(tmp_path, "main.py").uri, types.LanguageKind.Python, 1, text)
    client.text_document_did_open(types.DidOpenTextDocumentParams(item))
    async with asyncio.timeout(PATIENCE_S):
        while len(client.refreshed) == before:  # type: ignore[attr-defined]
            await asyncio.sleep(0.01)
    lenses = await client.text_document_code_lens_async(types.CodeLensParams(document(tmp_path, "order.py")))
    [card] = [lens for lens in lenses or () if lens.range.start.line == 34]
    assert card.command is not None
    assert card.command.title == "2 references"


def test_lenses_are_turned_off_in_the_configuration(tmp_path: Path) -> None:
    with Editor(hierarchy.build(tmp_path / "ws")) as editor:
        with (editor.root / "codeanatomy.toml").open("a") as configuration:
            configuration.write("[lenses]\nreferences = false\noverridden = false\n")
        # What other servers let clients say here must not trouble this one.
        editor.initialize({"experimental": {"commands": ["codeanatomy.showReferences"]}})
        lenses = editor.request("textDocument/codeLens", {"textDocument": {"uri": editor.uri("order.py")}})
        assert [lens["command"]["title"] for lens in lenses] == ["implements Order.pay", "overrides Special.pay"]


def test_bad_items_and_lenses_are_refused_and_odd_ones_survived(tmp_path: Path) -> None:
    place = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 1}}
    with Editor(hierarchy.build(tmp_path / "ws")) as editor:
        editor.initialize()
        uri = editor.uri("order.py")
        item = {"name": "x", "kind": 12, "uri": uri, "range": place, "selectionRange": place}
        lens = {"uri": uri, "id": "no number", "kind": "references", "title": "x"}
        for method in ("callHierarchy/incomingCalls", "typeHierarchy/subtypes"):
            for bad in ({}, {"item": None}, {"item": item | {"uri": 3}}, {"item": item | {"data": {"id": 3}}}):
                with pytest.raises(ResponseError) as refused:
                    editor.request(method, bad)
                assert refused.value.code == -32602
            for data in (None, {}, {"id": "1" * 40}, {"id": "\u0664"}, {"id": "-1"}):
                assert editor.request(method, {"item": item | {"data": data}}) == []
        assert editor.request("workspace/executeCommand", {"command": "codeanatomy.show", "arguments": [lens]}) is None
        for bad in ({"command": "codeanatomy.fly", "arguments": [lens]}, {"command": "codeanatomy.show"}):
            with pytest.raises(ResponseError) as refused:
                editor.request("workspace/executeCommand", bad)
            assert refused.value.code == -32602
        resolved = editor.request("codeLens/resolve", {"range": place, "data": lens})
        assert resolved["command"]["title"] == "x"
        elsewhere = {"textDocument": {"uri": "untitled:x"}}
        assert editor.request("textDocument/codeLens", elsewhere) == []
        assert editor.request("textDocument/codeLens", {"textDocument": {"uri": uri}})
