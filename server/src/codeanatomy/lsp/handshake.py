"""The first exchange with an editor: what it says that it can do, and what we say that we can.

Of the hundreds of capabilities in the protocol those are read that some answer depends on; all others may hold anything.
"""

from __future__ import annotations

import os
from typing import Any

import msgspec

from codeanatomy_engine import TOKEN_MODIFIERS, TOKEN_TYPES

from codeanatomy import __version__
from codeanatomy.lsp import convert
from codeanatomy.lsp.features import code_action, execute_command
from codeanatomy.lsp.session import Client, Completes

_SHOWS_PLACES = ("codeanatomy.showReferences", "editor.action.showReferences")
"""Commands of clients that take a URI, a position and a list of places."""

_INCREMENTAL = 2


class Hello(msgspec.Struct, frozen=True):
    """What an editor says first."""

    client: Client
    folders: tuple[str, ...] = ()
    """URIs of the folders that it has open."""

    shows_progress: bool = False
    tells_settings: bool = False
    watches_for_us: bool = False


def hello(params: bytes) -> Hello:
    """What the parameters of `initialize` say; raises `InvalidParams`."""
    said = convert.decode(params, _Initialize)
    capabilities = said.capabilities or _Capabilities()
    text = capabilities.text_document or _TextDocument()
    workspace = capabilities.workspace or _Workspace()
    edits = workspace.workspace_edit or _WorkspaceEdit()
    hovers = text.hover.content_format if text.hover else None
    folds = text.folding_range or _Folding()
    signatures = text.signature_help.signature_information if text.signature_help else None
    labels = signatures.parameter_information if signatures else None
    versioned = bool(edits.document_changes)
    client = Client(
        encoding=_encoding(capabilities.general.position_encodings if capabilities.general else None),
        definition_links=bool(text.definition and text.definition.link_support),
        markdown=not hovers or hovers[0] == "markdown",
        pulls_diagnostics=text.diagnostic is not None,
        python=convert.interpreter_of(said.initialization_options),
        refreshes_diagnostics=bool(workspace.diagnostics and workspace.diagnostics.refresh_support),
        folds_lines_only=bool(folds.line_folding_only),
        most_folds=folds.range_limit or Client().most_folds,
        label_offsets=bool(labels and labels.label_offset_support),
        versioned_edits=versioned,
        renames_files=versioned and "rename" in (edits.resource_operations or ()),
        prepares_renames=bool(text.rename and text.rename.prepare_support),
        annotates=versioned and edits.change_annotation_support is not None,
        takes_actions=bool(text.code_action and text.code_action.code_action_literal_support is not None),
        repaints_tokens=bool(workspace.semantic_tokens and workspace.semantic_tokens.refresh_support),
        repaints_hints=bool(workspace.inlay_hint and workspace.inlay_hint.refresh_support),
        refreshes_lenses=bool(workspace.code_lens and workspace.code_lens.refresh_support),
        shows_places=_command_for_places(capabilities.experimental),
        completes=_completes(text.completion),
    )
    root = said.root_uri or (convert.file_uri(os.path.abspath(said.root_path)) if said.root_path else None)
    return Hello(
        client=client,
        folders=tuple(each.uri for each in said.workspace_folders or ()) or ((root,) if root else ()),
        shows_progress=bool(capabilities.window and capabilities.window.work_done_progress),
        tells_settings=bool(workspace.configuration),
        watches_for_us=bool(
            workspace.did_change_watched_files and workspace.did_change_watched_files.dynamic_registration
        ),
    )


def answer(client: Client) -> bytes:
    """The result of `initialize`."""
    capabilities: dict[str, Any] = {
        "positionEncoding": client.encoding,
        "textDocumentSync": {"openClose": True, "change": _INCREMENTAL, "save": {"includeText": False}},
        "notebookDocumentSync": {
            "notebookSelector": [{"notebook": "jupyter-notebook", "cells": [{"language": "python"}]}],
            "save": True,
        },
        "callHierarchyProvider": True,
        "codeActionProvider": {"codeActionKinds": [code_action.KIND]},
        "codeLensProvider": {"resolveProvider": True},
        "completionProvider": {
            "triggerCharacters": ["."],
            "resolveProvider": True,
            "completionItem": {"labelDetailsSupport": True},
        },
        "declarationProvider": True,
        "definitionProvider": True,
        "diagnosticProvider": {
            "identifier": "codeanatomy",
            "interFileDependencies": True,
            "workspaceDiagnostics": False,
        },
        "documentHighlightProvider": True,
        "documentSymbolProvider": True,
        "executeCommandProvider": {"commands": list(execute_command.COMMANDS)},
        "foldingRangeProvider": True,
        "hoverProvider": True,
        "implementationProvider": True,
        "inlayHintProvider": {"resolveProvider": False},
        "referencesProvider": True,
        "renameProvider": {"prepareProvider": True} if client.prepares_renames else True,
        "selectionRangeProvider": True,
        "semanticTokensProvider": {
            "legend": {"tokenTypes": TOKEN_TYPES, "tokenModifiers": TOKEN_MODIFIERS},
            "full": {"delta": True},
            "range": True,
        },
        "signatureHelpProvider": {"triggerCharacters": ["(", ","], "retriggerCharacters": [")", "="]},
        "typeDefinitionProvider": True,
        "typeHierarchyProvider": True,
        "workspaceSymbolProvider": {"resolveProvider": False},
        "workspace": {
            "workspaceFolders": {"supported": True, "changeNotifications": True},
            "fileOperations": {
                "willRename": {
                    "filters": [
                        {"pattern": {"glob": "**/*.{py,pyi}", "matches": "file"}},
                        {"pattern": {"glob": "**", "matches": "folder"}},
                    ]
                }
            },
        },
    }
    return msgspec.json.encode(
        {"capabilities": capabilities, "serverInfo": {"name": "codeanatomy", "version": __version__}}
    )


def _encoding(offered: list[str] | None) -> str:
    """UTF-8, in which the engine counts anyway, whatever the order of the offers; UTF-16 where nothing is agreed on."""
    return next((each for each in ("utf-8", "utf-16", "utf-32") if each in (offered or ())), "utf-16")


def _command_for_places(experimental: object) -> str:
    """The command for a list of places that the client names in `experimental.commands.commands`, if it does."""
    try:
        named = msgspec.convert(experimental, _Experimental).commands.commands
    except msgspec.ValidationError:
        # What clients say here is agreed on with other servers.
        return ""
    return next((each for each in _SHOWS_PLACES if each in named), "")


def _completes(completion: _Completion | None) -> Completes:
    item = (completion and completion.completion_item) or _CompletionItem()
    modes = item.insert_text_mode_support.value_set if item.insert_text_mode_support else ()
    adjust_indentation = 2
    return Completes(
        snippets=bool(item.snippet_support),
        adjusts_indentation=adjust_indentation in modes,
        commit_characters=bool(item.commit_characters_support),
        label_details=bool(item.label_details_support),
        lazy_edits=item.resolve_support is not None and "additionalTextEdits" in item.resolve_support.properties,
        markdown="markdown" in (item.documentation_format or ()),
    )


class _Shape(msgspec.Struct, frozen=True, rename="camel"):
    """A part of the parameters; null stands for a part that is not there."""


class _General(_Shape, frozen=True, rename="camel"):
    position_encodings: list[str] | None = None


class _Refreshes(_Shape, frozen=True, rename="camel"):
    refresh_support: bool | None = None


class _Watches(_Shape, frozen=True, rename="camel"):
    dynamic_registration: bool | None = None


class _WorkspaceEdit(_Shape, frozen=True, rename="camel"):
    document_changes: bool | None = None
    resource_operations: list[str] | None = None
    change_annotation_support: dict[str, object] | None = None


class _Workspace(_Shape, frozen=True, rename="camel"):
    workspace_edit: _WorkspaceEdit | None = None
    did_change_watched_files: _Watches | None = None
    configuration: bool | None = None
    code_lens: _Refreshes | None = None
    diagnostics: _Refreshes | None = None
    inlay_hint: _Refreshes | None = None
    semantic_tokens: _Refreshes | None = None


class _Links(_Shape, frozen=True, rename="camel"):
    link_support: bool | None = None


class _Hover(_Shape, frozen=True, rename="camel"):
    content_format: list[str] | None = None


class _Folding(_Shape, frozen=True, rename="camel"):
    range_limit: int | None = None
    line_folding_only: bool | None = None


class _ParameterInformation(_Shape, frozen=True, rename="camel"):
    label_offset_support: bool | None = None


class _SignatureInformation(_Shape, frozen=True, rename="camel"):
    parameter_information: _ParameterInformation | None = None


class _Rename(_Shape, frozen=True, rename="camel"):
    prepare_support: bool | None = None


class _SignatureHelp(_Shape, frozen=True, rename="camel"):
    signature_information: _SignatureInformation | None = None


class _Resolves(_Shape, frozen=True, rename="camel"):
    properties: list[str] = []


class _Modes(_Shape, frozen=True, rename="camel"):
    value_set: list[int] = []


class _CompletionItem(_Shape, frozen=True, rename="camel"):
    snippet_support: bool | None = None
    commit_characters_support: bool | None = None
    documentation_format: list[str] | None = None
    resolve_support: _Resolves | None = None
    insert_text_mode_support: _Modes | None = None
    label_details_support: bool | None = None


class _Completion(_Shape, frozen=True, rename="camel"):
    completion_item: _CompletionItem | None = None


class _CodeAction(_Shape, frozen=True, rename="camel"):
    code_action_literal_support: dict[str, object] | None = None


class _TextDocument(_Shape, frozen=True, rename="camel"):
    code_action: _CodeAction | None = None
    completion: _Completion | None = None
    definition: _Links | None = None
    diagnostic: dict[str, object] | None = None
    folding_range: _Folding | None = None
    hover: _Hover | None = None
    rename: _Rename | None = None
    signature_help: _SignatureHelp | None = None


class _Window(_Shape, frozen=True, rename="camel"):
    work_done_progress: bool | None = None


class _Capabilities(_Shape, frozen=True, rename="camel"):
    general: _General | None = None
    text_document: _TextDocument | None = None
    window: _Window | None = None
    workspace: _Workspace | None = None
    experimental: object = None


class _Folder(_Shape, frozen=True, rename="camel"):
    uri: str


class _Initialize(_Shape, frozen=True, rename="camel"):
    capabilities: _Capabilities | None = None
    initialization_options: object = None
    root_path: str | None = None
    root_uri: str | None = None
    workspace_folders: list[_Folder] | None = None


class _Commands(msgspec.Struct, frozen=True):
    commands: tuple[str, ...] = ()


class _Experimental(msgspec.Struct, frozen=True):
    commands: _Commands = _Commands()
