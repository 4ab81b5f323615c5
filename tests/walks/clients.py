"""Walks of several clients over one shared graph: each sees the disk and its own texts, row for row what a fresh graph of these has."""

from __future__ import annotations

import random
from pathlib import Path

import msgspec

from codeanatomy_incremental.shared import ClientGraph, SharedGraph

from tests.support.graphs import no_progress, opened
from tests.support.memory import tables, typed
from tests.walks import projects
from tests.walks.disk import put
from tests.walks.law import Truth, differences

CLIENTS = 3


class Clients:
    """Clients with their texts, and what each of them must see."""

    def __init__(self, truth: Truth, root: Path, seed: int) -> None:
        self._truth = truth
        self._root = root
        self._random = random.Random(seed)
        self._made = projects.Generator(seed, 0)
        self.disk: dict[str, str] = {}
        for path, text in self._made.texts.items():
            put(self._root, self.disk, path, text)
        self.shared = SharedGraph(opened(root))
        self.clients = [self._client() for _ in range(CLIENTS)]
        self.texts: list[dict[str, str]] = [{} for _ in range(CLIENTS)]
        self.steps = self.comparisons = self.most_forks = 0
        self._version = 0

    def step(self) -> None:
        """Let something happen: mostly an edit, by the client that types or on disk."""
        self.steps += 1
        number = self._random.randrange(CLIENTS - 1)  # the last one only asks, as a command does
        client, texts = self.clients[number], self.texts[number]
        match self._random.random():
            case luck if luck < 0.10 and texts:
                path = self._random.choice(sorted(texts))
                put(self._root, self.disk, path, texts[path])
                client.save(path)
            case luck if luck < 0.20 and texts:
                path = self._random.choice(sorted(texts))
                del texts[path]
                client.close(path)
            case luck if luck < 0.23:
                client.stop()
                self.clients[number], self.texts[number] = self._client(), {}
            case luck if luck < 0.35 and self.disk:
                self._open(number, self._random.choice(sorted(self.disk)))
            case _:
                for edit in self._made.step():
                    if edit.door == "disk" or edit.text is None:
                        put(self._root, self.disk, edit.path, edit.text)
                    else:
                        self._open(number, edit.path)
                        self._type(number, edit.path, edit.text)
        self.most_forks = max(self.most_forks, self.shared.forks)

    def broken(self, number: int) -> list[str]:
        """Where a client does not see what it must."""
        self.comparisons += 1
        client = self.clients[number]
        client.compare()
        snapshot = client.snapshot_for(client.revision)
        fresh = self._truth.of(self.disk | self.texts[number])
        return [str(each) for each in differences(tables(snapshot, self._truth.names), fresh)]

    def _client(self) -> ClientGraph:
        client = self.shared.client()
        client.start(no_progress, lambda error: None)
        return client

    def _open(self, number: int, path: str) -> None:
        if path not in self.texts[number]:
            text = self.texts[number][path] = self.disk.get(path, "")
            self._version += 1
            self.clients[number].open(path, text, self._version)

    def _type(self, number: int, path: str, text: str) -> None:
        self._version += 1
        change = typed(self.texts[number][path], text)
        self.clients[number].edit(path, self._version, msgspec.json.encode([change]))
        self.texts[number][path] = text
