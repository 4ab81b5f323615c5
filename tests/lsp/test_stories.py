"""What a person does in an editor, told through a client that checks the protocol."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest
import pytest_lsp
from lsprotocol import types
from pytest_lsp import ClientServerConfig, LanguageClient

from bench.editor import PATIENCE_S
from tests.support import shop

CALL = shop.place("main.py", "discount", 1)
TARGET = shop.place("shop/tools.py", "discount(order)")


def capabilities(encodings: tuple[str, ...] = ("utf-16",), pulls: bool = False) -> types.ClientCapabilities:
    return types.ClientCapabilities(
        general=types.GeneralClientCapabilities(position_encodings=list(encodings)),
        window=types.WindowClientCapabilities(work_done_progress=True),
        workspace=types.WorkspaceClientCapabilities(
            did_change_watched_files=types.DidChangeWatchedFilesClientCapabilities(dynamic_registration=True)
        ),
        text_document=types.TextDocumentClientCapabilities(
            definition=types.DefinitionClientCapabilities(link_support=True),
            hover=types.HoverClientCapabilities(content_format=[types.MarkupKind.Markdown]),
            diagnostic=types.DiagnosticClientCapabilities() if pulls else None,
            completion=types.CompletionClientCapabilities(
                completion_item=types.ClientCompletionItemOptions(
                    snippet_support=True,
                    label_details_support=True,
                    commit_characters_support=True,
                    documentation_format=[types.MarkupKind.Markdown],
                    resolve_support=types.ClientCompletionItemResolveOptions(["documentation", "additionalTextEdits"]),
                )
            ),
        ),
    )


@pytest_lsp.fixture(
    config=ClientServerConfig(server_command=[sys.executable, "-m", "codeanatomy", "lsp", "--in-process"])
)
async def client(lsp_client: LanguageClient, tmp_path: Path) -> Any:
    shop.build(tmp_path)
    registered: list[types.RegistrationParams] = []

    @lsp_client.feature(types.CLIENT_REGISTER_CAPABILITY)
    def register(params: types.RegistrationParams) -> None:
        registered.append(params)

    lsp_client.registered = registered  # type: ignore[attr-defined]
    yield
    await lsp_client.shutdown_session()


class Story:
    """A client with a workspace, and short words for what a person does."""

    def __init__(self, client: LanguageClient, root: Path) -> None:
        self.client = client
        self.root = root

    async def begin(self, client: types.ClientCapabilities | None = None) -> types.InitializeResult:
        folder = types.WorkspaceFolder(uri=self.root.as_uri(), name="shop")
        return await self.client.initialize_session(
            types.InitializeParams(
                capabilities=client or capabilities(), workspace_folders=[folder], root_uri=folder.uri
            )
        )

    def uri(self, path: str) -> str:
        return (self.root / path).as_uri()

    def at(self, path: str, where: tuple[int, int]) -> dict[str, Any]:
        return {
            "text_document": types.TextDocumentIdentifier(uri=self.uri(path)),
            "position": types.Position(*where),
        }

    def open(self, path: str, text: str | None = None) -> None:
        shown = shop.FILES[path] if text is None else text
        document = types.TextDocumentItem(
            uri=self.uri(path), language_id=types.LanguageKind.Python, version=1, text=shown
        )
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(text_document=document))

    def edit(self, path: str, version: int, start: tuple[int, int], end: tuple[int, int], text: str) -> None:
        change = types.TextDocumentContentChangePartial(
            range=types.Range(start=types.Position(*start), end=types.Position(*end)), text=text
        )
        document = types.VersionedTextDocumentIdentifier(uri=self.uri(path), version=version)
        self.client.text_document_did_change(
            types.DidChangeTextDocumentParams(text_document=document, content_changes=[change])
        )

    async def diagnostics(self, path: str, version: int) -> list[types.Diagnostic]:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                published = await self.client.wait_for_notification("textDocument/publishDiagnostics")
                if (published.uri, published.version) == (self.uri(path), version):
                    return list(published.diagnostics)

    async def definition(self, path: str = "main.py", where: tuple[int, int] = CALL) -> list[tuple[str, int]]:
        links = await self.client.text_document_definition_async(types.DefinitionParams(**self.at(path, where)))
        assert isinstance(links, list)
        return [
            (link.target_uri.removeprefix(self.root.as_uri() + "/"), link.target_selection_range.start.line)
            for link in links
            if isinstance(link, types.LocationLink)
        ]

    async def references(self, path: str, where: tuple[int, int]) -> set[tuple[str, int]]:
        context = types.ReferenceContext(include_declaration=False)
        found = await self.client.text_document_references_async(
            types.ReferenceParams(context=context, **self.at(path, where))
        )
        return {(each.uri.removeprefix(self.root.as_uri() + "/"), each.range.start.line) for each in found or ()}

    async def completion(self, path: str, where: tuple[int, int]) -> dict[str, types.CompletionItem]:
        found = await self.client.text_document_completion_async(types.CompletionParams(**self.at(path, where)))
        assert isinstance(found, types.CompletionList)
        return {item.label: item for item in found.items}

    async def hover(self, path: str, where: tuple[int, int]) -> str:
        found = await self.client.text_document_hover_async(types.HoverParams(**self.at(path, where)))
        assert found is not None
        assert isinstance(found.contents, types.MarkupContent)
        return found.contents.value


@pytest.fixture
def story(client: LanguageClient, tmp_path: Path) -> Story:
    return Story(client, tmp_path)


async def test_a_syntax_error_appears_and_goes(story: Story) -> None:
    await story.begin()
    story.open("main.py")
    assert await story.diagnostics("main.py", 1) == []
    story.edit("main.py", 2, (4, 11), (4, 11), "(")
    [*found] = await story.diagnostics("main.py", 2)
    assert found
    assert all(str(each.code).startswith("syntax-") for each in found)
    story.edit("main.py", 3, (4, 11), (4, 12), "")
    assert await story.diagnostics("main.py", 3) == []


async def test_definition_follows_the_star_import_and_the_rename(story: Story) -> None:
    await story.begin()
    story.open("main.py")
    story.open("shop/tools.py")
    assert await story.definition() == [("shop/tools.py", TARGET[0])]
    story.edit("shop/tools.py", 2, TARGET, (TARGET[0], TARGET[1] + len("discount")), "rebate")
    assert ("shop/tools.py", TARGET[0]) not in await story.definition()
    story.edit("shop/tools.py", 3, TARGET, (TARGET[0], TARGET[1] + len("rebate")), "discount")
    assert await story.definition() == [("shop/tools.py", TARGET[0])]


async def test_references_before_and_after_the_rename(story: Story) -> None:
    await story.begin()
    story.open("shop/tools.py")
    before = await story.references("shop/tools.py", TARGET)
    assert {("main.py", 0), ("main.py", 4), ("shop/tools.py", 10)} <= before
    story.edit("shop/tools.py", 2, TARGET, (TARGET[0], TARGET[1] + len("discount")), "rebate")
    assert ("main.py", 4) not in await story.references("shop/tools.py", TARGET)


async def test_members_are_offered_while_a_line_is_half_typed(story: Story) -> None:
    await story.begin()
    story.open("main.py", "from shop.tools import Till\n\n\ndef run(till: Till):\n    \n    return 1\n")
    version = 2
    for at, letter in enumerate("till."):
        story.edit("main.py", version + at, (4, 4 + at), (4, 4 + at), letter)
    found = await story.completion("main.py", (4, 9))
    assert list(found) == ["ring"]
    assert found["ring"].kind == types.CompletionItemKind.Method
    assert found["ring"].detail == "def ring(self)"


async def test_a_name_that_is_taken_is_imported_and_told_about(story: Story) -> None:
    result = await story.begin()
    provider = result.capabilities.completion_provider
    assert provider is not None
    assert provider.resolve_provider
    story.open("main.py", "from shop.tools import Till\n\ndisc\n")
    found = await story.completion("main.py", (2, 4))
    item = found["discount"]
    assert item.additional_text_edits is None
    # Another file of the workspace, as it lies on disk, imports nothing: the place of the definition is named.
    assert item.label_details is not None
    assert item.label_details.description in ("shop", "shop.tools")
    resolved = await story.client.completion_item_resolve_async(item)
    assert isinstance(resolved.documentation, types.MarkupContent)
    assert "Take the seasonal" in resolved.documentation.value
    [edit] = resolved.additional_text_edits or ()
    assert edit.new_text in ("from shop import discount\n", ", discount")


async def test_an_item_of_another_server_comes_back_as_it_was(story: Story) -> None:
    await story.begin()
    item = types.CompletionItem(label="x", data={"uri": "file:///nowhere.py"})
    assert await story.client.completion_item_resolve_async(item) == item


async def test_hover_shows_the_definition_and_the_reason(story: Story) -> None:
    await story.begin()
    text = await story.hover("main.py", CALL)
    assert text.startswith("```python\n(function) ")
    assert "discount" in text.splitlines()[1]
    assert "Take the seasonal" in text
    assert r"\*discount\*" in text
    assert "**Why:**" in text
    assert "shop/tools.py:4" in text


async def test_hover_of_an_open_word_says_why_it_is_open(story: Story) -> None:
    await story.begin()
    story.open("main.py", "import nowhere\n\nnowhere.thing()\n")
    assert "**Open:**" in await story.hover("main.py", (2, 1))


async def test_outline_and_symbols(story: Story) -> None:
    await story.begin()
    identifier = types.TextDocumentIdentifier(uri=story.uri("shop/tools.py"))
    outline = await story.client.text_document_document_symbol_async(types.DocumentSymbolParams(identifier))
    assert outline is not None
    names = [symbol.name for symbol in outline]
    assert {"discount", "Till"} <= set(names)
    [till] = [symbol for symbol in outline if symbol.name == "Till"]
    assert isinstance(till, types.DocumentSymbol)
    assert [child.name for child in till.children or ()] == ["ring"]
    found = await story.client.workspace_symbol_async(types.WorkspaceSymbolParams(query="ring"))
    assert "ring" in [symbol.name for symbol in found or ()]


async def test_highlights_stay_in_the_file(story: Story) -> None:
    await story.begin()
    found = await story.client.text_document_document_highlight_async(
        types.DocumentHighlightParams(**story.at("main.py", CALL))
    )
    assert sorted(each.range.start.line for each in found or ()) == [0, 4]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
async def test_columns_are_counted_as_the_client_counts(story: Story, encoding: str) -> None:
    result = await story.begin(capabilities((encoding,)))
    assert result.capabilities.position_encoding == encoding
    text = "\u00e4\U00020000 = 1; second = \u00e4\U00020000\n"
    units = {"utf-8": 1, "utf-16": 2, "utf-32": 4}[encoding]
    codec = {"utf-8": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}[encoding]
    story.open("main.py", text)
    use = len(text[: text.rindex("\u00e4")].encode(codec)) // units
    found = await story.client.text_document_document_highlight_async(
        types.DocumentHighlightParams(**story.at("main.py", (0, use)))
    )
    width = len("\u00e4\U00020000".encode(codec)) // units
    assert sorted((each.range.start.character, each.range.end.character) for each in found or ()) == [
        (0, width),
        (use, use + width),
    ]


async def test_utf_8_is_taken_when_it_is_offered(story: Story) -> None:
    result = await story.begin(capabilities(("utf-32", "utf-16", "utf-8")))
    assert result.capabilities.position_encoding == "utf-8"


async def test_lines_end_where_the_protocol_says(story: Story) -> None:
    await story.begin()
    text = "x = 1\x0c\ny = x\r\n# one\r# two\nw = y # \u2028\nz = w\n"
    story.open("main.py", text)
    assert await story.definition("main.py", (1, 4)) == [("main.py", 0)]
    assert await story.definition("main.py", (4, 4)) == [("main.py", 1)]
    assert await story.definition("main.py", (5, 4)) == [("main.py", 4)]


async def test_a_keyword_that_is_collected_leads_to_the_parameter_and_its_function(story: Story) -> None:
    await story.begin()
    story.open("main.py", "def call(\n    **options,\n):\n    print(options)\ncall(timeout=3)\n")
    assert await story.definition("main.py", (4, 5)) == [("main.py", 1), ("main.py", 0)]
    assert await story.definition("main.py", (3, 10)) == [("main.py", 1)]


async def test_what_is_put_under_a_name_from_outside_leads_to_what_was_put_there(story: Story) -> None:
    await story.begin()
    story.open("main.py", "class Order: ...\ndef greet(order): ...\nOrder.work = greet\nOrder().work()\nOrder().rest\n")
    assert await story.definition("main.py", (3, 8)) == [("main.py", 1)]
    assert await story.definition("main.py", (4, 8)) == []


async def test_a_stub_beside_its_source_comes_second(story: Story) -> None:
    (story.root / "goods.py").write_text("LIMIT = 3\n\ndef sell(price): ...\n")
    (story.root / "goods.pyi").write_text("LIMIT: int\ndef sell(price: int) -> None: ...\n")
    await story.begin()
    story.open("main.py", "from goods import sell\nimport goods\nsell(1)\ngoods.LIMIT\n")
    assert await story.definition("main.py", (2, 0)) == [("goods.py", 2), ("goods.pyi", 1)]
    assert await story.definition("main.py", (3, 6)) == [("goods.py", 0), ("goods.pyi", 0)]


async def test_a_client_that_asks_for_diagnostics_is_not_told(story: Story) -> None:
    await story.begin(capabilities(pulls=True))
    story.open("main.py", "f(\n")
    identifier = types.TextDocumentIdentifier(uri=story.uri("main.py"))
    first = await story.client.text_document_diagnostic_async(types.DocumentDiagnosticParams(identifier))
    assert isinstance(first, types.RelatedFullDocumentDiagnosticReport)
    assert first.items
    again = await story.client.text_document_diagnostic_async(
        types.DocumentDiagnosticParams(identifier, previous_result_id=first.result_id)
    )
    assert again.kind == "unchanged"
    assert story.uri("main.py") not in story.client.diagnostics


async def test_a_client_that_asks_is_told_when_to_ask_again(story: Story) -> None:
    wants = capabilities(pulls=True)
    assert wants.workspace is not None
    wants.workspace.diagnostics = types.DiagnosticWorkspaceClientCapabilities(refresh_support=True)
    await story.begin(wants)
    story.open("main.py")
    await story.definition()
    before = story.client.diagnostic_refresh_count
    story.edit("main.py", 2, (0, 0), (0, 0), "import shop.nothing\n")
    async with asyncio.timeout(PATIENCE_S):
        while story.client.diagnostic_refresh_count == before:
            await asyncio.sleep(0.01)
    identifier = types.TextDocumentIdentifier(uri=story.uri("main.py"))
    told = await story.client.text_document_diagnostic_async(types.DocumentDiagnosticParams(identifier))
    assert isinstance(told, types.RelatedFullDocumentDiagnosticReport)
    assert [item.code for item in told.items] == ["unresolved-import"]
    story.edit("main.py", 3, (0, 0), (0, 0), "f(\n")
    told = await story.client.text_document_diagnostic_async(types.DocumentDiagnosticParams(identifier))
    assert isinstance(told, types.RelatedFullDocumentDiagnosticReport)
    assert "syntax-" in str(told.items[0].code), "what is wrong with the syntax is known at once"


async def test_a_closed_document_is_what_the_disk_says(story: Story) -> None:
    await story.begin()
    story.open("shop/tools.py", "\n\n\n" + shop.FILES["shop/tools.py"])
    assert await story.definition() == [("shop/tools.py", TARGET[0] + 3)]
    identifier = types.TextDocumentIdentifier(uri=story.uri("shop/tools.py"))
    story.client.text_document_did_close(types.DidCloseTextDocumentParams(identifier))
    assert await story.definition() == [("shop/tools.py", TARGET[0])]


async def test_a_change_on_disk_that_the_editor_tells_of_is_in_the_next_answer(story: Story) -> None:
    await story.begin()
    assert await story.definition() == [("shop/tools.py", TARGET[0])]
    (story.root / "shop" / "tools.py").write_text("\n" + shop.FILES["shop/tools.py"])
    event = types.FileEvent(uri=story.uri("shop/tools.py"), type=types.FileChangeType.Changed)
    story.client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams(changes=[event]))
    assert await story.definition() == [("shop/tools.py", TARGET[0] + 1)]


async def test_the_client_is_asked_to_watch_files(story: Story) -> None:
    await story.begin()
    await story.definition()
    methods = [each.method for params in story.client.registered for each in params.registrations]  # type: ignore[attr-defined]
    assert methods == ["workspace/didChangeWatchedFiles"]


async def test_the_first_index_shows_its_progress(story: Story) -> None:
    for number in range(400):
        (story.root / f"file_{number}.py").write_text(f"def f_{number}(): return {number}\n" * 20)
    await story.begin()
    await story.definition()

    def kinds() -> list[str]:
        return [report.kind for each in story.client.progress_reports.values() for report in each]

    async with asyncio.timeout(PATIENCE_S):
        while kinds() and kinds()[-1] != "end":
            # The answer may be there before the bar goes.
            await asyncio.sleep(0.01)
    assert kinds()[:1] in ([], ["begin"])


async def test_the_explanation_is_also_data(story: Story) -> None:
    await story.begin()
    params = {"textDocument": {"uri": story.uri("main.py")}, "position": {"line": CALL[0], "character": CALL[1]}}
    found = await story.client.protocol.send_request_async("codeanatomy/explain", params)
    assert found.targets[0].path == "shop/tools.py"
    assert found.targets[0].steps


async def test_a_person_renames_a_function_and_every_file_follows(story: Story) -> None:
    await story.begin()
    story.open("main.py")
    offered = await story.client.text_document_prepare_rename_async(
        types.PrepareRenameParams(**story.at("main.py", CALL))
    )
    assert isinstance(offered, types.PrepareRenamePlaceholder)
    assert offered.placeholder == "discount"
    edit = await story.client.text_document_rename_async(
        types.RenameParams(new_name="rebate", **story.at("main.py", CALL))
    )
    assert edit is not None
    assert edit.changes is not None
    assert {uri: len(each) for uri, each in edit.changes.items()} == {
        story.uri("main.py"): 2,
        story.uri("shop/tools.py"): 3,
    }
