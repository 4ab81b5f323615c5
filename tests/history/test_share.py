"""What was published is taken over only as a whole, and only if every row of it is as its writer said."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pytest

from codeanatomy_incremental import workspace
from codeanatomy_incremental.history import checkpoint, contents, delta, manifest, share
from codeanatomy_incremental.history.delta import Place
from codeanatomy_incremental.history.failure import HistoryError

from codeanatomy import cli
from tests.history.conftest import Kept, shown_version
from tests.support import shop


def taken(kept: Kept, to: Place, here: dict[str, workspace.SourceBytes]) -> share.Fetched:
    version = share.newest(kept.place)
    return share.fetch(version, list(share.verified(version)), to, here)


def refused(kept: Kept, to: Path) -> str:
    with pytest.raises(HistoryError) as failure:
        taken(kept, Place(str(to)), {})
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
    found = taken(kept, to, here)
    assert (found.version, found.commit) == (1, "b" * 40)
    assert (found.equal, found.different, found.missing, found.new) == (1, 1, 1, 1)
    begun = share.newest(to)
    assert begun.manifest.version == 0
    assert shown_version(begun) == shown_version(kept.at("HEAD"))
    with pytest.raises(HistoryError) as failure:
        taken(kept, to, here)
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


@pytest.fixture
def ws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace of somebody else than who publishes, with nothing of it known on this machine."""
    monkeypatch.setenv("CODEANATOMY_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("CODEANATOMY_CACHE_DIR", str(tmp_path / "cache"))
    shop.build(tmp_path / "ci" / "ws")
    root = shop.build(tmp_path / "ws")
    monkeypatch.chdir(root)
    return root


def published(ws: Path, capsys: pytest.CaptureFixture[str]) -> str:
    there = (ws.parent / "published").as_uri()
    assert cli.main(("delta", "publish", there, "--root", str(ws.parent / "ci" / "ws"), "--format", "json")) == 0
    assert json.loads(capsys.readouterr().out)["index_bytes"] > 0
    return there


def images(ws: Path) -> list[Path]:
    return sorted((ws.parent / "cache" / "images").glob("*.image"))


def test_a_workspace_begins_with_what_was_published(ws: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(("delta", "fetch", (ws.parent / "published").as_uri())) == 2
    assert capsys.readouterr().err.startswith("error[history-none]")
    there = published(ws, capsys)
    (ws / "main.py").write_text("")
    assert cli.main(("delta", "fetch", there, "--format", "json")) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["equal"], found["different"], found["missing"], found["new"]) == (2, 1, 0, 0)
    assert (found["index"], found["extracted"]) == ("taken", 1)
    assert len(images(ws)) == 1
    assert cli.main(("delta", "diff", "HEAD", "now", "--format", "json")) == 0
    assert json.loads(capsys.readouterr().out)["files"] == {"main.py": "modified"}
    assert cli.main(("query", "SELECT count(*) AS n FROM files WHERE partition = 'user'", "--format", "json")) == 0
    assert json.loads(capsys.readouterr().out) == [{"n": 3}]


def test_an_index_of_another_program_is_not_taken(ws: Path, capsys: pytest.CaptureFixture[str]) -> None:
    there = published(ws, capsys)
    (ws / "codeanatomy.toml").write_text("[workspace]\nstandard_library = false\npackages = false\n")
    assert cli.main(("delta", "fetch", there, "--format", "json")) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["index"], found["equal"]) == ("the index is of another engine, program, target or other options", 3)


def test_an_index_with_other_bytes_is_refused(ws: Path, capsys: pytest.CaptureFixture[str]) -> None:
    there = published(ws, capsys)
    place = Place(there)
    [row] = delta.read(place, share.INDEXES, None).to_pylist()
    parts = delta.read(place, share.INDEX, row["at"])
    content = bytearray(parts["data"][0].as_py())
    content[len(content) // 2] ^= 1
    row["at"] = delta.overwrite(
        place, share.INDEX, pa.table({"part": [0], "data": pa.array([bytes(content)], pa.binary())})
    )
    delta.overwrite(place, share.INDEXES, pa.Table.from_pylist([row]))
    assert cli.main(("delta", "fetch", there)) == 5
    assert capsys.readouterr().err.startswith("error[share-damaged]")
    assert images(ws) == []


def test_evidence_that_is_not_of_the_source_is_refused(ws: Path, capsys: pytest.CaptureFixture[str]) -> None:
    there = published(ws, capsys)
    # Somebody says that the rows of the shop were made from the text that is here, which they were not.
    (ws / "main.py").write_text("import shop\n")
    forged = Kept(ws.parent / "forged", ws.parent / "unused")
    place = Place(str(ws.parent / "published"))
    true = share.newest(place)
    tables = [(name, true.table(name)) for name in true.names()]
    here = workspace.digest((ws / "main.py").read_bytes()).hex()
    lie = [
        (name, _with_digest(rows, "main.py", here) if name == "sources" else contents.ordered(rows))
        for name, rows in tables
    ]
    assert checkpoint.write(place, lie, manifest.Origin(commit="f" * 40)) is not None
    forged.graph.share(ws.parent / "index")
    share.put_index(share.newest(place), ws.parent / "index")
    options = ("--set", "workspace.packages=false", "--set", "rules.detect=false")
    ended = cli.main(("delta", "fetch", there, *options))
    said = capsys.readouterr()
    assert (ended, said.err.partition(":")[0]) == (5, "error[share-damaged]")
    assert "the evidence of 1 files is not that of their source, such as main.py" in said.err
    assert images(ws) == []
    assert cli.main(("delta", "log")) == 2, "a history was begun"


def _with_digest(rows: pa.Table, file: str, digest: str) -> pa.Table:
    told = [{**row, "digest": digest if row["file"] == file else row["digest"]} for row in rows.to_pylist()]
    return contents.ordered(pa.Table.from_pylist(told, schema=rows.schema))


def _pin(kept: Kept, table: str, at: int) -> None:
    """Let the newest manifest pin another version of a table, as somebody would who forges."""
    rows = delta.read(kept.place, manifest.TABLE, None)
    [row] = rows.to_pylist()
    row["tables"] = [(name, at if name == table else pinned) for name, pinned in row["tables"]]
    delta.replace(kept.place, manifest.TABLE, pa.Table.from_pylist([row], schema=rows.schema))
