"""Semantic tokens and inlay hints, told through a client that checks the protocol."""

from __future__ import annotations

import asyncio

from lsprotocol import types

from bench.editor import PATIENCE_S
from tests.lsp.test_stories import Story, capabilities, client, story  # noqa: F401

CALL = "from shop import discount\n\n\ndef run(order):\n    return discount(100)\n"


async def tokens(story: Story, path: str) -> types.SemanticTokens:  # noqa: F811
    asked = types.SemanticTokensParams(types.TextDocumentIdentifier(story.uri(path)))
    found = await story.client.text_document_semantic_tokens_full_async(asked)
    assert found is not None
    return found


async def test_words_are_coloured_by_what_they_mean(story: Story) -> None:  # noqa: F811
    result = await story.begin()
    provider = result.capabilities.semantic_tokens_provider
    assert isinstance(provider, types.SemanticTokensOptions)
    assert provider.range
    assert isinstance(provider.full, types.SemanticTokensFullDelta)
    assert provider.full.delta
    kinds = list(provider.legend.token_types)
    story.open("main.py", CALL)
    data = list((await tokens(story, "main.py")).data)
    assert [kinds[kind] for kind in data[3::5]] == [
        "namespace",
        "function",
        "function",
        "parameter",
        "function",
    ]
    asked = types.SemanticTokensRangeParams(
        types.TextDocumentIdentifier(story.uri("main.py")), types.Range(types.Position(4, 0), types.Position(5, 0))
    )
    part = await story.client.text_document_semantic_tokens_range_async(asked)
    assert part is not None
    assert [*part.data[:3]] == [4, 11, 8]


async def test_after_an_edit_only_the_difference_is_sent(story: Story) -> None:  # noqa: F811
    await story.begin()
    story.open("main.py", CALL)
    before = await tokens(story, "main.py")
    story.edit("main.py", 2, (2, 0), (2, 0), "x = 1\n")
    document = types.TextDocumentIdentifier(story.uri("main.py"))
    asked = types.SemanticTokensDeltaParams(document, previous_result_id=before.result_id or "")
    delta = await story.client.text_document_semantic_tokens_full_delta_async(asked)
    assert isinstance(delta, types.SemanticTokensDelta)
    data = list(before.data)
    for edit in delta.edits:
        data[edit.start : edit.start + edit.delete_count] = edit.data or ()
    after = await tokens(story, "main.py")
    assert data == list(after.data)
    assert delta.result_id == after.result_id
    again = await story.client.text_document_semantic_tokens_full_delta_async(
        types.SemanticTokensDeltaParams(document, previous_result_id="something else")
    )
    assert isinstance(again, types.SemanticTokens), "a client that has other tokens gets all"


async def test_hints_appear_in_the_asked_range(story: Story) -> None:  # noqa: F811
    result = await story.begin()
    assert result.capabilities.inlay_hint_provider
    story.open("main.py", CALL)
    document = types.TextDocumentIdentifier(story.uri("main.py"))
    whole = types.Range(types.Position(0, 0), types.Position(9, 0))
    found = await story.client.text_document_inlay_hint_async(types.InlayHintParams(document, whole))
    assert [(hint.label, hint.position.line, hint.position.character) for hint in found or ()] == [("order=", 4, 20)]
    above = types.Range(types.Position(0, 0), types.Position(4, 0))
    assert not await story.client.text_document_inlay_hint_async(types.InlayHintParams(document, above))


async def test_a_change_on_disk_has_the_editor_ask_again(story: Story) -> None:  # noqa: F811
    known = capabilities()
    assert known.workspace is not None
    known.workspace.semantic_tokens = types.SemanticTokensWorkspaceClientCapabilities(refresh_support=True)
    known.workspace.inlay_hint = types.InlayHintWorkspaceClientCapabilities(refresh_support=True)
    asked: list[str] = []
    story.client.feature(types.WORKSPACE_SEMANTIC_TOKENS_REFRESH)(lambda _params: asked.append("tokens"))
    story.client.feature(types.WORKSPACE_INLAY_HINT_REFRESH)(lambda _params: asked.append("hints"))
    await story.begin(known)
    story.open("main.py", CALL)
    await tokens(story, "main.py")
    await _asked(asked, 2)  # the first index changes what everything means
    asked.clear()
    story.edit("main.py", 2, (2, 0), (2, 0), "x = 1\n")
    await tokens(story, "main.py")
    assert asked == [], "the editor knows what it typed"
    tools = story.root / "shop" / "tools.py"
    tools.write_text("class discount: ...\n")
    change = types.FileEvent(tools.as_uri(), types.FileChangeType.Changed)
    story.client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([change]))
    await tokens(story, "main.py")
    await _asked(asked, 2)
    assert set(asked) == {"tokens", "hints"}


async def _asked(asked: list[str], number: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while len(asked) < number:
            await asyncio.sleep(0.01)


async def test_hints_are_turned_off_by_options(story: Story) -> None:  # noqa: F811
    (story.root / "codeanatomy.toml").write_text(
        "[workspace]\nstandard_library = false\n[inlay_hints]\nparameter_names = false\n"
    )
    await story.begin()
    story.open("main.py", CALL)
    asked = types.InlayHintParams(
        types.TextDocumentIdentifier(story.uri("main.py")), types.Range(types.Position(0, 0), types.Position(9, 0))
    )
    assert not await story.client.text_document_inlay_hint_async(asked)
