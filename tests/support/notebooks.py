"""Notebooks for tests, as files."""

from __future__ import annotations

import json
from typing import Any


def cell(source: str, kind: str = "code", **more: Any) -> dict[str, Any]:
    """A cell of nbformat 4.5."""
    of_code: dict[str, Any] = (
        {"execution_count": None, "outputs": [{"data": {"source": ["x"]}}]} if kind == "code" else {}
    )
    written = {"cell_type": kind, "metadata": {}, "source": source.splitlines(keepends=True)}
    return written | of_code | more


def notebook(*cells: str | dict[str, Any], language: str = "python") -> str:
    """The file of a notebook; texts are Python cells."""
    whole = [cell(each, id=f"c{at}") if isinstance(each, str) else each for at, each in enumerate(cells)]
    kernel = {"kernelspec": {"name": "k", "language": language}}
    return json.dumps({"cells": whole, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}, indent=1)
