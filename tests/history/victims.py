"""Starts writers of a history that may be killed: reads jobs, one JSON object a line, and writes how each of them ended, and the
seconds that it was at work.

Each job is a fork of this process, which has loaded everything and used nothing. That makes a kill cost a hundredth of a second.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import pyarrow as pa

from codeanatomy_incremental.history import checkpoint, maintenance
from codeanatomy_incremental.history.delta import Place
from codeanatomy_incremental.history.failure import HistoryError
from codeanatomy_incremental.history.manifest import Origin
from codeanatomy_incremental.options import HistoryOptions

ALWAYS = HistoryOptions(keep=2, dead_share=0.0, compact_files=1, unneeded_files=0, vacuum_hours=0, log_entries=1)


def tables(folder: Path) -> list[tuple[str, pa.Table]]:
    """The tables of a graph, as files of Arrow."""
    return [(path.stem, pa.ipc.open_file(path.read_bytes()).read_all()) for path in sorted(folder.glob("*.arrow"))]


def work(job: dict[str, Any]) -> int:
    """Do what a job asks for; 0, or 5 for a failure with a code."""
    place = Place(job["place"])
    if job.get("kill_after_s") is not None:
        threading.Timer(job["kill_after_s"], os.kill, (os.getpid(), signal.SIGKILL)).start()
    try:
        if job["what"] == "maintain":
            maintenance.maintain(place, ALWAYS)
        else:
            checkpoint.write(place, tables(Path(job["tables"])), Origin(commit=job["commit"]))
    except HistoryError as error:
        Path(job["place"] + ".said").write_text(error.code)
        return 5
    return 0


def main() -> None:
    """Serve jobs until there are no more."""
    for line in sys.stdin:
        job = json.loads(line)
        child = os.fork()
        if child == 0:
            os.environ["FAILPOINTS"] = job.get("faults", "")
            os.close(2)
            os._exit(work(job))
        _, status, used = os.wait4(child, 0)
        print(os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, flush=True)


if __name__ == "__main__":
    main()
