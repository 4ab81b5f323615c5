"""Folding, growing selections and signatures, told through a client that checks the protocol."""

from __future__ import annotations

from lsprotocol import types

from tests.lsp.test_stories import Story, capabilities, client, story  # noqa: F401

TYPED = "from shop.tools import discount, Till\n\n\ndef run(order):\n    x = discount(\n    return x\n"


def knowing(*, lines_only: bool = True, offsets: bool = True) -> types.ClientCapabilities:
    known = capabilities()
    assert known.text_document is not None
    known.text_document.folding_range = types.FoldingRangeClientCapabilities(
        line_folding_only=lines_only, range_limit=100
    )
    known.text_document.signature_help = types.SignatureHelpClientCapabilities(
        signature_information=types.ClientSignatureInformationOptions(
            parameter_information=types.ClientSignatureParameterInformationOptions(label_offset_support=offsets)
        )
    )
    return known


async def folds(story: Story, path: str) -> list[tuple[int, int | None, int]]:  # noqa: F811
    asked = types.FoldingRangeParams(types.TextDocumentIdentifier(story.uri(path)))
    found = await story.client.text_document_folding_range_async(asked)
    return [(fold.start_line, fold.start_character, fold.end_line) for fold in found or ()]


async def test_an_open_file_folds_and_follows_the_edits(story: Story) -> None:  # noqa: F811
    result = await story.begin(knowing())
    assert result.capabilities.folding_range_provider
    story.open("shop/tools.py")
    assert await folds(story, "shop/tools.py") == [(3, None, 5), (8, None, 10), (9, None, 10)]
    story.edit("shop/tools.py", 2, (8, 0), (11, 0), "")
    assert await folds(story, "shop/tools.py") == [(3, None, 5)]
    assert await folds(story, "main.py") == [], "it is not open"


async def test_a_client_that_folds_characters_is_told_them(story: Story) -> None:  # noqa: F811
    await story.begin(knowing(lines_only=False))
    story.open("main.py")
    assert await folds(story, "main.py") == [(3, 15, 4)]


async def test_documents_outside_the_workspace_fold_too(story: Story) -> None:  # noqa: F811
    await story.begin(knowing())
    document = types.TextDocumentItem("untitled:Untitled-1", types.LanguageKind.Python, 1, "if x:\n    y\n")
    story.client.text_document_did_open(types.DidOpenTextDocumentParams(document))
    asked = types.FoldingRangeParams(types.TextDocumentIdentifier("untitled:Untitled-1"))
    found = await story.client.text_document_folding_range_async(asked)
    assert [(fold.start_line, fold.end_line) for fold in found or ()] == [(0, 1)]


async def test_a_selection_grows(story: Story) -> None:  # noqa: F811
    result = await story.begin()
    assert result.capabilities.selection_range_provider
    story.open("main.py")
    asked = types.SelectionRangeParams(types.TextDocumentIdentifier(story.uri("main.py")), [types.Position(4, 13)])
    [found] = await story.client.text_document_selection_range_async(asked) or []
    widths = []
    step: types.SelectionRange | None = found
    while step is not None:
        widths.append((step.range.start.line, step.range.start.character, step.range.end.line))
        step = step.parent
    assert widths == [(4, 11, 4), (4, 11, 4), (4, 4, 4), (3, 0, 4), (0, 0, 5)]


async def test_a_signature_appears_while_the_call_is_typed(story: Story) -> None:  # noqa: F811
    result = await story.begin(knowing())
    provider = result.capabilities.signature_help_provider
    assert provider is not None
    assert list(provider.trigger_characters or ()) == ["(", ","]
    story.open("main.py", TYPED)
    asked = types.SignatureHelpParams(**story.at("main.py", (4, 17)))
    found = await story.client.text_document_signature_help_async(asked)
    assert found is not None
    [signature] = found.signatures
    assert signature.label == "discount(order)"
    assert isinstance(signature.documentation, types.MarkupContent)
    assert signature.documentation.value.startswith("Take the seasonal")
    assert [parameter.label for parameter in signature.parameters or ()] == [(9, 14)]
    story.edit("main.py", 2, (4, 8), (4, 17), "Till().ring(")
    asked = types.SignatureHelpParams(**story.at("main.py", (4, 20)))
    found = await story.client.text_document_signature_help_async(asked)
    assert found is not None
    assert [signature.label for signature in found.signatures] == ["ring()"]


async def test_a_client_without_offsets_finds_parameters_by_their_text(story: Story) -> None:  # noqa: F811
    await story.begin(knowing(offsets=False))
    story.open("main.py", TYPED)
    asked = types.SignatureHelpParams(**story.at("main.py", (4, 17)))
    found = await story.client.text_document_signature_help_async(asked)
    assert found is not None
    assert [parameter.label for parameter in found.signatures[0].parameters or ()] == ["order"]
    asked = types.SignatureHelpParams(**story.at("main.py", (0, 0)))
    assert await story.client.text_document_signature_help_async(asked) is None
