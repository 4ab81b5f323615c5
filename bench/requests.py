"""Every request that an editor sends, timed over seeded places of many files, with the files open as in an editor.

Questions about a word are asked at uses of names of all kinds, questions about a file at each file several times over. What needs an
earlier answer (an item of a hierarchy, a lens, an item of a completion) is asked with what the server gave. A server that does
not know a request has no row.
"""

from __future__ import annotations

import ast
import random
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from bench.latency import Times, summary
from bench.peers import Peer
from bench.questions import Corpus, Token
from bench.session import Session

FILES = 24
PLACES = 120
ROUNDS = 5
"""How often each question about a whole file is asked."""

CLIENT: dict[str, Any] = {
    "textDocument": {
        "callHierarchy": {},
        "codeAction": {
            "codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["quickfix", "refactor", "source"]}},
            "resolveSupport": {"properties": ["edit"]},
        },
        "codeLens": {},
        "completion": {"completionItem": {"resolveSupport": {"properties": ["documentation", "additionalTextEdits"]}}},
        "foldingRange": {"lineFoldingOnly": True},
        "inlayHint": {},
        "rename": {"prepareSupport": True},
        "semanticTokens": {
            "requests": {"full": {"delta": True}, "range": True},
            "tokenTypes": ["class", "function", "method", "parameter", "property", "variable", "namespace"],
            "tokenModifiers": ["declaration", "definition", "readonly"],
            "formats": ["relative"],
        },
        "signatureHelp": {"signatureInformation": {"parameterInformation": {"labelOffsetSupport": True}}},
        "typeHierarchy": {},
    },
    "workspace": {"workspaceEdit": {"documentChanges": True}},
}

_AT_WORDS = (
    ("definition", "definitionProvider"),
    ("declaration", "declarationProvider"),
    ("typeDefinition", "typeDefinitionProvider"),
    ("implementation", "implementationProvider"),
    ("hover", "hoverProvider"),
    ("documentHighlight", "documentHighlightProvider"),
    ("prepareRename", "renameProvider"),
    ("prepareCallHierarchy", "callHierarchyProvider"),
    ("prepareTypeHierarchy", "typeHierarchyProvider"),
    ("selectionRange", "selectionRangeProvider"),
)
_OF_FILES = (
    ("documentSymbol", "documentSymbolProvider"),
    ("foldingRange", "foldingRangeProvider"),
    ("codeLens", "codeLensProvider"),
    ("documentLink", "documentLinkProvider"),
)


class Plan(msgspec.Struct, frozen=True):
    """The places, the same for all servers."""

    uses: list[Token]
    calls: list[Token]
    """Behind the opening bracket of calls."""

    attributes: list[Token]
    """Behind the dot of attributes."""

    definitions: list[Token]
    budget: float
    """Seconds for each measure."""


def plan(corpus: Corpus, seed: int, budget: float) -> Plan:
    """What to ask of a corpus."""
    uses = corpus.uses(seed, PLACES, FILES)
    paths = sorted({use.path for use in uses})
    chooser = random.Random(f"requests {seed}")

    def some(found: Callable[[str, str], Iterator[Token]]) -> list[Token]:
        share = -(-PLACES // len(paths))
        of_files = [list(found(path, corpus.texts[path])) for path in paths]
        return [token for each in of_files for token in chooser.sample(each, min(share, len(each)))]

    return Plan(uses, some(_calls), some(_attributes), corpus.definitions(seed, 12), budget)


def measure(peer: Peer, corpus: Corpus, asked: Plan) -> dict[str, Times]:
    """Start a server, open the files, ask everything, stop it; milliseconds by request."""
    with Session(peer, corpus.root, client=CLIENT) as session:
        return _Measure(session, asked).run()


class _Measure:
    def __init__(self, session: Session, asked: Plan) -> None:
        self.session = session
        self.asked = asked
        self.knows = session.capabilities
        self.paths = sorted({use.path for use in asked.uses})
        self.times: dict[str, Times] = {}

    def run(self) -> dict[str, Times]:
        for path in self.paths:
            self.session.open(path)
        # An answer that needs the whole workspace says that the server is ready.
        for token in self.asked.definitions[-3:]:
            self._references(token)
        for name, provider in _AT_WORDS:
            if self.knows.get(provider):
                self._each(name, self.asked.uses, lambda use, name=name: self._at(f"textDocument/{name}", use))
        self._each("references, of uses", self.asked.uses, self._references)
        self._each("references, of definitions", self.asked.definitions * 3, self._references)
        self._rename()
        self._hierarchies()
        self._each("signatureHelp", self.asked.calls, lambda use: self._at("textDocument/signatureHelp", use))
        self._completion()
        for name, provider in _OF_FILES:
            if self.knows.get(provider):
                method = f"textDocument/{name}"
                self._each(name, self.paths * ROUNDS, lambda path, method=method: self._of(method, path))
        self._lenses()
        self._colours()
        self._actions()
        words = [token.text for token in self.asked.definitions] * 3
        self._each("workspace/symbol", words, lambda word: self.session.request("workspace/symbol", {"query": word}))
        self._typed()
        return self.times

    def _each(self, name: str, things: Sequence[Any], ask: Callable[[Any], tuple[Any, float]]) -> list[Any]:
        """Ask about each thing while the budget lasts; the answers."""
        deadline = time.perf_counter() + self.asked.budget
        seconds, answers = [], []
        failed = self.session.failures
        for thing in things:
            if time.perf_counter() > deadline:
                break
            answer, took = ask(thing)
            seconds.append(took)
            answers.append(answer)
        failed = self.session.failures - failed
        note = f"{sum(map(bool, answers))} answered" + (f", {failed} refused" if failed else "")
        if seconds:
            self.times[name] = summary(seconds, note=note)
        return answers

    def _at(self, method: str, token: Token, **more: Any) -> tuple[Any, float]:
        if method.endswith("selectionRange"):
            at = self.session.position(token.path, token.line, token.column)
            return self._of(method, token.path, positions=[at])
        return self.session.ask(method, token.path, token.line, token.column, **more)

    def _of(self, method: str, path: str, **more: Any) -> tuple[Any, float]:
        return self.session.request(method, {"textDocument": {"uri": self.session.editor.uri(path)}} | more)

    def _references(self, token: Token) -> tuple[Any, float]:
        return self._at("textDocument/references", token, context={"includeDeclaration": True})

    def _rename(self) -> None:
        tokens = self.asked.uses[:: max(1, len(self.asked.uses) // 100)] + self.asked.definitions
        new = "renamed_by_bench"
        self._each("rename", tokens, lambda use: self._at("textDocument/rename", use, newName=new))

    def _hierarchies(self) -> None:
        tokens = self.asked.uses + self.asked.definitions
        for provider, prepare, questions in (
            ("callHierarchyProvider", "CallHierarchy", ("callHierarchy/incomingCalls", "callHierarchy/outgoingCalls")),
            ("typeHierarchyProvider", "TypeHierarchy", ("typeHierarchy/supertypes", "typeHierarchy/subtypes")),
        ):
            if not self.knows.get(provider):
                continue
            prepared = [self._at(f"textDocument/prepare{prepare}", token)[0] for token in tokens]
            items = [item for answer in prepared for item in answer or ()]
            for method in questions:
                self._each(method, items, lambda item, method=method: self.session.request(method, {"item": item}))

    def _completion(self) -> None:
        method = "textDocument/completion"
        members = self._each("completion, of members", self.asked.attributes, lambda use: self._at(method, use))
        names = [msgspec.structs.replace(use, column=use.column + 1) for use in self.asked.uses if use.kind == "name"]
        found = self._each("completion, of names", names, lambda use: self._at(method, use))
        items = [items[0] for answer in members + found if (items := _items(answer))]
        self._each("completionItem/resolve", items, lambda item: self.session.request("completionItem/resolve", item))

    def _lenses(self) -> None:
        if not self.knows.get("codeLensProvider"):
            return
        lenses = [lens for path in self.paths for lens in (self._of("textDocument/codeLens", path)[0] or [])[:5]]
        self._each("codeLens/resolve", lenses, lambda lens: self.session.request("codeLens/resolve", lens))

    def _colours(self) -> None:
        method = "textDocument/semanticTokens/full"
        if self.knows.get("semanticTokensProvider"):
            self._each("semanticTokens/full", self.paths * ROUNDS, lambda path: self._of(method, path))
            self._each(
                "semanticTokens/range",
                self.paths * ROUNDS,
                lambda path: self._of("textDocument/semanticTokens/range", path, range=self._screen(path)),
            )
            full = self.knows["semanticTokensProvider"].get("full")
            if isinstance(full, dict) and full.get("delta"):
                known = {path: (self._of(method, path)[0] or {}).get("resultId", "") for path in self.paths}
                self._each(
                    "semanticTokens/full/delta",
                    self.paths * ROUNDS,
                    lambda path: self._of(f"{method}/delta", path, previousResultId=known[path]),
                )
        if self.knows.get("inlayHintProvider"):
            method = "textDocument/inlayHint"
            self._each("inlayHint", self.paths * ROUNDS, lambda path: self._of(method, path, range=self._screen(path)))

    def _actions(self) -> None:
        if not self.knows.get("codeActionProvider"):
            return

        def ask(use: Token) -> tuple[Any, float]:
            at = self.session.position(use.path, use.line, use.column)
            span = {"range": {"start": at, "end": at}, "context": {"diagnostics": []}}
            return self._of("textDocument/codeAction", use.path, **span)

        self._each("codeAction", self.asked.uses, ask)

    def _screen(self, path: str) -> dict[str, Any]:
        """Sixty lines in the middle of a file."""
        first = max(0, self.session.length(path) // 2 - 30)
        last = min(self.session.length(path) - 1, first + 60)
        return {"start": {"line": first, "character": 0}, "end": {"line": last, "character": 0}}

    def _typed(self) -> None:
        """Completion and signatures of a line that is being typed: the edit and the question come together."""
        for name, method, text in (
            ("typed a dot: completion", "textDocument/completion", "self."),
            ("typed a letter: completion", "textDocument/completion", "pri"),
            ("typed a bracket: signatureHelp", "textDocument/signatureHelp", "print("),
        ):
            seconds: list[float] = []
            answered = 0
            deadline = time.perf_counter() + self.asked.budget
            for use in self.asked.calls:
                if time.perf_counter() > deadline:
                    break
                line = self.session.line(use.path, use.line)
                margin = line[: len(line) - len(line.lstrip())]
                sent = self.session.change(use.path, use.line, 0, 0, f"{margin}{text[:-1]}\n")
                sent = self.session.change(
                    use.path, use.line, len(margin) + len(text) - 1, len(margin) + len(text) - 1, text[-1]
                )
                answer, _ = self.session.ask(method, use.path, use.line, len(margin) + len(text))
                seconds.append(time.perf_counter() - sent)
                answered += bool(answer)
                self.session.remove_line(use.path, use.line)
                self._at("textDocument/hover", use)
            self.times[name] = summary(seconds, note=f"{answered} answered")


def _items(answer: Any) -> list[dict[str, Any]]:
    return (answer.get("items", []) if isinstance(answer, dict) else answer) or []


def _calls(path: str, text: str) -> Iterator[Token]:
    lines = text.split("\n")
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Call(func=ast.Name() | ast.Attribute()) if node.func.end_lineno and node.func.end_col_offset:
                line = lines[node.func.end_lineno - 1]
                if line.isascii() and line.startswith("(", node.func.end_col_offset):
                    yield Token(path, node.func.end_lineno - 1, node.func.end_col_offset + 1, "", "call")


def _attributes(path: str, text: str) -> Iterator[Token]:
    lines = text.split("\n")
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Attribute(attr=name, end_lineno=int(line), end_col_offset=int(end)) if lines[line - 1].isascii():
                if lines[line - 1].startswith(f".{name}", end - len(name) - 1):
                    yield Token(path, line - 1, end - len(name), name, "attr")
