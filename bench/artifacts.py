"""What it costs that runs are recorded: the time of keystrokes with and without, in turns, on one workspace in one process.

    python bench/artifacts.py WORKSPACE [EDITS]

A keystroke is `edit_document` and the commit that brings it into the graph. Which of the two comes first changes from one to the next, so
that a machine that gets slower makes both slower.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path

from codeanatomy_engine import CancelToken

from codeanatomy_incremental.live import Graph

from codeanatomy import config


def measure(root: Path, edits: int) -> dict[str, float]:
    """Median microseconds of a keystroke with and without, and the share that recording adds."""
    settings = config.load(root)
    graph = Graph(root, settings.options, settings.program)
    graph.index(lambda _: None, CancelToken())
    path = max(
        (path for path in graph.engine.snapshot().paths() if "://" not in path),
        key=lambda path: (root / path).stat().st_size,
    )
    text = (root / path).read_text("utf-8")
    graph.open(path, text, 0)
    graph.commit(CancelToken())
    line, version = text.count("\n"), 0
    taken: dict[bool, list[float]] = {True: [], False: []}
    for number in range(edits):
        for is_on in (True, False) if number % 2 else (False, True):
            graph.engine.set_policy(json.dumps({"artifacts": is_on}).encode())
            version += 1
            at = {"line": line, "character": 0}
            end = at if version % 2 else {"line": line + 1, "character": 0}
            word = f"probed = {path.count('/')} + {version}\n" if version % 2 else ""
            change = json.dumps([{"range": {"start": at, "end": end}, "text": word}]).encode()
            began = time.perf_counter_ns()
            graph.engine.edit_document(path, version, change)
            graph.commit(CancelToken())
            taken[is_on].append((time.perf_counter_ns() - began) / 1000)
    # Typing and taking back are different work: both halves have as many of each.
    on, off = (statistics.median(taken[is_on]) for is_on in (True, False))
    middle = {is_on: statistics.fmean(sorted(each)[len(each) // 4 : -len(each) // 4]) for is_on, each in taken.items()}
    return {
        "edits": edits,
        "median_with": on,
        "median_without": off,
        "middle_mean_with": middle[True],
        "middle_mean_without": middle[False],
        "share": middle[True] / middle[False] - 1,
    }


if __name__ == "__main__":
    where = Path(sys.argv[1]).absolute()
    print(json.dumps(measure(where, int(sys.argv[2]) if len(sys.argv) > 2 else 400), indent=2))
