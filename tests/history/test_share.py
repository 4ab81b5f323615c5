"""What was published is taken over only as a whole, and only if every row of it is as its writer said."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pytest

from codeanatomy_incremental.history import delta, manifest, share
from codeanatomy_incremental.history.delta import Place
from codeanatomy_incremental.history.failure import HistoryError

from codeanatomy import cli
from tests.history.conftest import Kept, shown_version
from tests.support import shop


def refused(kept: Kept, to: Path) -> str:
    with pytest.raises(HistoryError) as failure:
        share.fetch(share.newest(kept.place), Place(str(to)), {})
    assert manifest.load(Place(str(to))) == [], "something was written"
    return failure.value.code


def test_a_history_begins_with_what_was_published(kept: Kept, tmp_path: Path) -> None:
    kept.checkpoint("a" * 40)
    kept.write("main.py", shop.FILES["main.py"] + "\n\nrun(1)\n")
    kept.checkpoint("b" * 40)
    here = dict(kept.graph.sources())
    del here["shop/tools.py"]
    here["new.py"] = here["main.py"]
    here["shop/__init__.py"] = here["main.py"]
    to = Place(str(tmp_path / "here"))
    found = share.fetch(share.newest(kept.place), to, here)
    assert (found.version, found.commit) == (1, "b" * 40)
    assert (found.equal, found.different, found.missing, found.new) == (1, 1, 1, 1)
    taken = share.newest(to)
    assert taken.manifest.version == 0
    assert shown_version(taken) == shown_version(kept.at("HEAD"))
    with pytest.raises(HistoryError) as failure:
        share.fetch(share.newest(kept.place), to, here)
    assert failure.value.code == "history-exists"


def test_forged_rows_are_found(kept: Kept, tmp_path: Path) -> None:
    kept.checkpoint()
    rows = delta.read(kept.place, "cpg_edges", None)
    lie = rows.set_column(
        rows.column_names.index("confidence"), "confidence", pa.array([0.5] * rows.num_rows, pa.float32())
    )
    at = delta.replace(kept.place, "cpg_edges", lie)
    _pin(kept, "cpg_edges", at)
    assert refused(kept, tmp_path / "here") == "share-damaged"


def test_rows_that_are_missing_are_found(kept: Kept, tmp_path: Path) -> None:
    kept.checkpoint()
    rows = delta.read(kept.place, "bindings", None)
    _pin(kept, "bindings", delta.replace(kept.place, "bindings", rows.slice(1)))
    assert refused(kept, tmp_path / "here") == "share-damaged"


def test_another_column_is_found(kept: Kept, tmp_path: Path) -> None:
    kept.checkpoint()
    rows = delta.read(kept.place, "files", None)
    extra = rows.append_column("extra", pa.array([1] * rows.num_rows, pa.int64()))
    at = delta.append(kept.place, "files", extra.slice(0, 0))
    _pin(kept, "files", at)
    assert refused(kept, tmp_path / "here") == "share-damaged"


def test_a_data_file_that_is_gone_is_found(kept: Kept, tmp_path: Path) -> None:
    kept.checkpoint()
    for file in Path(kept.place.of("names")).glob("*.parquet"):
        file.write_bytes(file.read_bytes()[:-20])
    assert refused(kept, tmp_path / "here") == "share-damaged"
    shutil.rmtree(kept.place.of("names"))
    assert refused(kept, tmp_path / "here") == "share-damaged"


def test_the_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    root = shop.build(tmp_path / "ws")
    monkeypatch.setenv("CODEANATOMY_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(root)
    there = (tmp_path / "ci").as_uri()
    assert cli.main(("delta", "fetch", there)) == 2
    assert capsys.readouterr().err.startswith("error[history-none]")
    assert cli.main(("delta", "publish", there, "--format", "json")) == 0
    assert json.loads(capsys.readouterr().out)["version"] == 0
    (root / "main.py").write_text("")
    assert cli.main(("delta", "fetch", there, "--format", "json")) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["equal"], found["different"], found["missing"], found["new"]) == (2, 1, 0, 0)
    assert cli.main(("delta", "diff", "HEAD", "now", "--format", "json")) == 0
    assert json.loads(capsys.readouterr().out)["files"] == {"main.py": "modified"}


def _pin(kept: Kept, table: str, at: int) -> None:
    """Let the newest manifest pin another version of a table, as somebody would who forges."""
    rows = delta.read(kept.place, manifest.TABLE, None)
    [row] = rows.to_pylist()
    row["tables"] = [(name, at if name == table else pinned) for name, pinned in row["tables"]]
    delta.replace(kept.place, manifest.TABLE, pa.Table.from_pylist([row], schema=rows.schema))
