"""Jedi behind the Language Server Protocol, as thin as can be: its Python interface, one request after the other.

Jedi is a library; the server that people use around it is not among the development dependencies. Each request makes a `Script` of
the whole text, as that server does, and columns count characters, as Jedi's do. Its cache is a fresh folder, so that a run
does not profit from the one before.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import jedi

_SYMBOL_KINDS = {"module": 2, "class": 5, "function": 12, "param": 13, "statement": 13, "property": 7}


class JediServer:
    """The texts of the open files and the project."""

    def __init__(self) -> None:
        self.project = jedi.Project(".")
        self.texts: dict[str, str] = {}
        self.requests: dict[str, Callable[[dict[str, Any]], Any]] = {
            "initialize": self.initialize,
            "shutdown": lambda _: None,
            "textDocument/definition": self.definition,
            "textDocument/references": self.references,
            "textDocument/hover": self.hover,
            "textDocument/documentSymbol": self.document_symbols,
            "workspace/symbol": self.workspace_symbols,
        }

    def initialize(self, params: dict[str, Any]) -> dict[str, Any]:
        """What there is to ask for."""
        self.project = jedi.Project(_path(params["rootUri"]))
        capabilities = {
            "positionEncoding": "utf-32",
            "textDocumentSync": 2,
            "definitionProvider": True,
            "referencesProvider": True,
            "hoverProvider": True,
            "documentSymbolProvider": True,
            "workspaceSymbolProvider": True,
        }
        return {"capabilities": capabilities}

    def definition(self, params: dict[str, Any]) -> list[dict[str, Any]]:
        """Imports followed, as the server that people use does."""
        return _locations(self._script(params).goto(*_place(params), follow_imports=True))

    def references(self, params: dict[str, Any]) -> list[dict[str, Any]]:
        """All uses in the project."""
        return _locations(self._script(params).get_references(*_place(params), include_builtins=False))

    def hover(self, params: dict[str, Any]) -> dict[str, Any] | None:
        """Signature and docstring."""
        found = self._script(params).help(*_place(params))
        return {"contents": {"kind": "plaintext", "value": found[0].docstring()}} if found else None

    def document_symbols(self, params: dict[str, Any]) -> list[dict[str, Any]]:
        """All definitions of a file."""
        return _symbols(self._script(params).get_names(all_scopes=True, definitions=True))

    def workspace_symbols(self, params: dict[str, Any]) -> list[dict[str, Any]]:
        """Definitions of the project with that name."""
        return _symbols(self.project.search(params["query"]))

    def opened(self, params: dict[str, Any]) -> list[dict[str, Any]]:
        """Keep a text; its syntax errors."""
        self.texts[params["textDocument"]["uri"]] = params["textDocument"]["text"]
        return self._diagnostics(params)

    def changed(self, params: dict[str, Any]) -> list[dict[str, Any]]:
        """Keep a changed text; its syntax errors."""
        uri = params["textDocument"]["uri"]
        for change in params["contentChanges"]:
            lines = self.texts[uri].split("\n")
            start, end = change["range"]["start"], change["range"]["end"]
            head = [*lines[: start["line"]], lines[start["line"]][: start["character"]]]
            tail = [lines[end["line"]][end["character"] :], *lines[end["line"] + 1 :]]
            self.texts[uri] = "\n".join(head) + change["text"] + "\n".join(tail)
        return self._diagnostics(params)

    def _diagnostics(self, params: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            {
                "range": {
                    "start": {"line": error.line - 1, "character": error.column},
                    "end": {"line": error.until_line - 1, "character": error.until_column},
                },
                "severity": 1,
                "message": error.get_message(),
            }
            for error in self._script(params).get_syntax_errors()
        ]

    def _script(self, params: dict[str, Any]) -> jedi.Script:
        uri = params["textDocument"]["uri"]
        return jedi.Script(self.texts[uri], path=_path(uri), project=self.project)


def main() -> None:
    """Serve until the client says exit."""
    with tempfile.TemporaryDirectory(prefix="bench-jedi-") as cache:
        jedi.settings.cache_directory = cache
        server = JediServer()
        news = {"textDocument/didOpen": server.opened, "textDocument/didChange": server.changed}
        while (message := _read()) is not None and message.get("method") != "exit":
            method, params = message.get("method", ""), message.get("params") or {}
            if method in news:
                document = params["textDocument"]
                shown = {"uri": document["uri"], "version": document["version"], "diagnostics": news[method](params)}
                _write({"method": "textDocument/publishDiagnostics", "params": shown})
            elif "id" in message:
                _write({"id": message["id"]} | _answer(server, method, params))


def _answer(server: JediServer, method: str, params: dict[str, Any]) -> dict[str, Any]:
    if method not in server.requests:
        return {"error": {"code": -32601, "message": f"there is no {method}"}}
    try:
        return {"result": server.requests[method](params)}
    except Exception as error:
        return {"error": {"code": -32803, "message": f"{type(error).__name__}: {error}"}}


def _read() -> dict[str, Any] | None:
    length = 0
    while line := sys.stdin.buffer.readline():
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
        elif line == b"\r\n":
            return json.loads(sys.stdin.buffer.read(length))
    return None


def _write(message: dict[str, Any]) -> None:
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    sys.stdout.buffer.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
    sys.stdout.buffer.flush()


def _path(uri: str) -> Path:
    return Path(unquote(urlparse(uri).path))


def _place(params: dict[str, Any]) -> tuple[int, int]:
    return params["position"]["line"] + 1, params["position"]["character"]


def _location(name: Any) -> dict[str, Any]:
    start = {"line": name.line - 1, "character": name.column}
    end = {"line": name.line - 1, "character": name.column + len(name.name)}
    return {"uri": name.module_path.as_uri(), "range": {"start": start, "end": end}}


def _locations(names: Iterable[Any]) -> list[dict[str, Any]]:
    return [_location(name) for name in names if name.module_path is not None and name.line is not None]


def _symbols(names: Iterable[Any]) -> list[dict[str, Any]]:
    return [
        {"name": name.name, "kind": _SYMBOL_KINDS.get(name.type, 13), "location": _location(name)}
        for name in names
        if name.module_path is not None and name.line is not None
    ]


if __name__ == "__main__":
    main()
