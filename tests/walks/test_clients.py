"""Clients of one graph see the disk and their own texts, whatever the others type."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.walks import runs
from tests.walks.clients import CLIENTS, Clients
from tests.walks.law import Truth


@pytest.fixture(scope="module")
def truth() -> Truth:
    return runs.truth()


@pytest.mark.parametrize("seed", [1, 2])
def test_each_client_sees_what_a_fresh_graph_of_its_texts_has(truth: Truth, tmp_path: Path, seed: int) -> None:
    clients = Clients(truth, tmp_path, seed)
    try:
        for step in range(48):
            clients.step()
            if step % 4 == 0:
                assert clients.broken(step // 4 % CLIENTS) == [], f"seed {seed}, step {step}"
        for number in range(CLIENTS):
            assert clients.broken(number) == []
        assert clients.most_forks > 0
        for client in clients.clients:
            client.stop()
        assert clients.shared.forks == 0
    finally:
        clients.shared.stop()
