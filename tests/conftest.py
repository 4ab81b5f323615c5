"""What holds for every test: caches of the person who runs them are not touched."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    before = os.environ.get("CODEANATOMY_CACHE_DIR")
    os.environ["CODEANATOMY_CACHE_DIR"] = str(tmp_path_factory.mktemp("cache"))
    yield
    if before is None:
        del os.environ["CODEANATOMY_CACHE_DIR"]
    else:
        os.environ["CODEANATOMY_CACHE_DIR"] = before
