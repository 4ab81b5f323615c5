"""A live server for each story."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.editor import Editor
from tests.support import shop


@pytest.fixture
def editor(tmp_path: Path) -> Iterator[Editor]:
    with Editor(shop.build(tmp_path / "ws")) as started:
        yield started
