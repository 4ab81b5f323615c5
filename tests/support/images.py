"""Graphs that keep an image, in this process and in one that may be killed: `python -m tests.support.images ROOT [TEXT]`.

The other process indexes a folder, opens `main.py` with an unsaved text if one is given, and writes the image.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from codeanatomy_engine import CancelToken

from codeanatomy_incremental import options
from codeanatomy_incremental.image import ImageFile
from codeanatomy_incremental.live import Graph
from codeanatomy_incremental.packs import load as packs

from tests.support.graphs import QUIET, no_progress


def keeping(root: Path, overrides: dict[str, str] | None = None) -> Graph:
    """The graph of a workspace with its image, not yet indexed."""
    loaded = options.load(root, QUIET | (overrides or {}))
    rules = loaded.options.rules
    program = packs.load(rules.packs, root, rules.paths)
    return Graph(root, loaded.options, program, "utf-16", image=True)


def image(graph: Graph) -> ImageFile:
    """The image of such a graph."""
    assert graph.image is not None
    return graph.image


def written(root: Path, text: str = "", faults: str = "", overrides: dict[str, str] | None = None) -> int:
    """Let another process write the image of a folder; its exit code."""
    given = [f"{key}={value}" for key, value in (overrides or {}).items()]
    command = [sys.executable, "-m", "tests.support.images", str(root), text, *given]
    environ = os.environ | {"FAILPOINTS": faults}
    return subprocess.run(command, env=environ, cwd=Path(__file__).parents[2], capture_output=True).returncode


def main(root: Path, text: str, overrides: dict[str, str]) -> int:
    """Write the image of a folder; 3 if that failed and the graph lives on."""
    graph = keeping(root, overrides)
    graph.index(no_progress, CancelToken())
    if text:
        graph.open("main.py", text, 1)
        graph.open("unsaved.py", text, 1)
        graph.commit(CancelToken())
    graph.write_image()()
    return 3 if image(graph).refusal else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], dict(each.split("=", 1) for each in sys.argv[3:])))  # type: ignore[arg-type]
