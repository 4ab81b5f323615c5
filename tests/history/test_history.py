"""A history gives back every graph that was put into it, row for row, and nothing that did not come to its manifest."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import msgspec
import pyarrow as pa
import pytest
from deltalake import DeltaTable, QueryBuilder

from codeanatomy_incremental.history import checkpoint, delta, export, maintenance, manifest
from codeanatomy_incremental.history.failure import CODES, HistoryError
from codeanatomy_incremental.history.manifest import Origin
from codeanatomy_incremental.options import HistoryOptions

from tests.history.conftest import Kept, shown, shown_version
from tests.support import shop

ALWAYS = HistoryOptions(keep=0, dead_share=0.0, compact_files=1, unneeded_files=0, vacuum_hours=0, log_entries=1)
"""Whatever can be done is due."""


@pytest.fixture(scope="session")
def edits(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, list[str]]]]:
    """A history of edits of all kinds, and what each version must be."""
    folder = tmp_path_factory.mktemp("edits")
    kept = Kept(folder / "ws", folder / "history")
    states: list[dict[str, list[str]]] = []
    steps: list[tuple[str, str | None]] = [
        ("main.py", shop.FILES["main.py"]),
        ("main.py", shop.FILES["main.py"].replace("return discount(order)", "return run(discount(order))")),
        ("shop/tools.py", shop.FILES["shop/tools.py"].replace("discount", "rebate")),
        (
            "shop/more.py",
            "from shop.tools import Till\n\nclass Best(Till):\n    def ring(self):\n        return super().ring()\n",
        ),
        ("shop/tools.py", "x = (\n"),
        ("shop/more.py", None),
        ("shop/tools.py", shop.FILES["shop/tools.py"]),
        ("shop/more.py", "import shop\n"),
    ]
    for path, text in steps:
        kept.write(path, text)
        assert kept.checkpoint() is not None
        states.append(shown(kept.tables()))
    return folder, states


@pytest.fixture
def edited(edits: tuple[Path, list[dict[str, list[str]]]], kept: Kept) -> list[dict[str, list[str]]]:
    """The same, as the history of a workspace that a test may do with as it likes."""
    shutil.copytree(edits[0] / "history", kept.place.uri)
    return edits[1]


def test_every_version_is_the_graph_that_it_was(kept: Kept, edited: list[dict[str, list[str]]]) -> None:
    states = edited
    assert kept.versions() == list(range(len(states)))
    for version, state in enumerate(states):
        assert shown_version(kept.at(version)) == state, version


def test_maintenance_changes_no_version(kept: Kept, edited: list[dict[str, list[str]]]) -> None:
    states = edited
    for _ in range(2):
        decisions = maintenance.maintain(kept.place, ALWAYS)
        assert {each.action for each in decisions} == {"expire", "purge", "compact", "vacuum", "checkpoint"}
        for version, state in enumerate(states):
            assert shown_version(kept.at(version)) == state, version
    # The next one begins where the last one ended.
    kept.write("main.py", "")
    assert kept.checkpoint() is not None
    assert shown_version(kept.at("HEAD")) == shown(kept.tables())
    assert shown_version(kept.at("HEAD~1")) == states[-1]


def test_maintenance_gives_up_old_versions_and_what_only_they_needed(
    kept: Kept, edited: list[dict[str, list[str]]]
) -> None:
    states = edited
    before = delta.size(kept.place, "cpg_edges").rows
    decisions = maintenance.maintain(kept.place, msgspec.structs.replace(ALWAYS, keep=2))
    assert next(each for each in decisions if each.action == "expire").done
    assert delta.size(kept.place, "cpg_edges").rows < before
    last = len(states) - 1
    assert kept.versions() == [last - 1, last]
    assert shown_version(kept.at(last - 1)) == states[-2]
    assert shown_version(kept.at(last)) == states[-1]
    with pytest.raises(HistoryError, match="given up") as failure:
        kept.at(0)
    assert failure.value.code == "history-expired"


def test_maintenance_does_nothing_below_its_thresholds_and_says_so(
    kept: Kept, edited: list[dict[str, list[str]]]
) -> None:
    versions = len(manifest.load(kept.place))
    decisions = maintenance.maintain(kept.place, HistoryOptions())
    assert not [each for each in decisions if each.done]
    assert all(each.cause and each.value <= each.threshold for each in decisions)
    assert len(manifest.load(kept.place)) == versions
    kept_rows = delta.read(kept.place, maintenance.TABLE, None).to_pylist()
    assert [(row["table"], row["action"], row["done"]) for row in kept_rows] == [
        (each.table, each.action, each.done) for each in decisions
    ]


def test_nothing_is_written_where_nothing_differs(kept: Kept) -> None:
    assert kept.checkpoint() is not None
    assert kept.checkpoint() is None
    assert kept.checkpoint(commit="a" * 40) is not None, "another commit is another version"
    assert kept.checkpoint(commit="a" * 40) is None


def test_a_comment_adds_rows_of_one_file_and_of_no_view(kept: Kept) -> None:
    first = kept.checkpoint()
    kept.write("main.py", "# a comment\n" + shop.FILES["main.py"])
    made = kept.checkpoint()
    assert first is not None
    assert made is not None
    assert made.changed_files == 1
    moved = {table for table, at in made.tables.items() if at != first.tables[table]}
    assert moved == {"anchors", "sources", "owners"}


def test_rows_without_a_manifest_are_never_seen_and_are_taken_back(kept: Kept) -> None:
    assert kept.checkpoint() is not None
    state = shown(kept.tables())
    for table in ("cpg_edges", "owners"):
        rows = delta.read(kept.place, table, None)
        ahead = rows.set_column(
            rows.column_names.index("generation"), "generation", pa.array([1] * rows.num_rows, pa.int64())
        )
        delta.append(kept.place, table, ahead)
    assert shown_version(kept.at("HEAD")) == state
    kept.write("main.py", "")
    assert kept.checkpoint() is not None
    assert shown_version(kept.at("HEAD")) == shown(kept.tables())
    assert shown_version(kept.at(0)) == state


def test_a_first_version_that_did_not_come_to_be_leaves_nothing(kept: Kept) -> None:
    tables = kept.tables()
    for name, rows in tables[:5]:
        delta.append(kept.place, name, rows.append_column("generation", pa.array([0] * rows.num_rows, pa.int64())))
    assert manifest.load(kept.place) == []
    assert kept.checkpoint() is not None
    assert shown_version(kept.at(0)) == shown(tables)


def test_one_process_writes_at_a_time(kept: Kept) -> None:
    with checkpoint.alone(kept.place), pytest.raises(HistoryError) as failure:
        kept.checkpoint()
    assert failure.value.code == "history-locked"
    made = kept.checkpoint()
    assert made is not None
    # Two that write past each other come to the same number: one of them fails.
    manifest.append(kept.place, msgspec.structs.replace(made, version=1))
    with pytest.raises(HistoryError) as failure:
        manifest.append(kept.place, msgspec.structs.replace(made, version=1))
    assert failure.value.code == "history-locked"


def test_a_digest_depends_on_the_rows_of_its_file_alone() -> None:
    def digests(rows: list[tuple[str, str | None, int, bool]]) -> dict[str, str]:
        columns = [list(column) for column in zip(*rows, strict=True)]
        types = (pa.string(), pa.string(), pa.int64(), pa.bool_())
        table = pa.table(
            [pa.array(column, kind) for column, kind in zip(columns, types, strict=True)], names=["file", "a", "b", "c"]
        )
        return {file: digest for file, _, digest in checkpoint.by_file(table)}

    one = digests([("x", "ab", 1, True), ("x", "c", 2, False)])["x"]
    assert digests([("a", "long", 9, True), ("x", "ab", 1, True), ("x", "c", 2, False), ("y", "", 0, True)])["x"] == one
    for other in ("a", "bc", 1, True), ("ab", None, 1, True), ("ab", "c", 3, True), ("ab", "c", 2, True):
        rows = (
            [("x", "ab", 1, True), ("x", *other[1:])]
            if other[0] == "ab"
            else [("x", other[0], 1, True), ("x", "bc", 2, False)]
        )
        assert digests(rows)["x"] != one  # type: ignore[arg-type]


def test_a_query_reads_one_version_and_nothing_else(
    kept: Kept, edited: list[dict[str, list[str]]], tmp_path: Path
) -> None:
    for version in (0, 3):
        count = kept.at(version).table("cpg_edges").num_rows
        assert kept.at(version).query("SELECT count(*) AS n FROM cpg_edges", 10, 30).to_pylist() == [{"n": count}]
    for sql in (
        f"COPY (SELECT 1) TO '{tmp_path}/out.csv'",
        f"EXPLAIN ANALYZE COPY (SELECT 1) TO '{tmp_path}/out.csv'",
        f"/* SELECT */ COPY (SELECT 1) TO '{tmp_path}/out.csv'",
        "CREATE EXTERNAL TABLE e STORED AS CSV LOCATION '/etc/passwd'",
        "INSERT INTO stored_cpg_edges SELECT * FROM stored_cpg_edges",
        "DROP VIEW cpg_edges",
        "SET datafusion.execution.batch_size = 1",
        "",
    ):
        with pytest.raises(HistoryError) as failure:
            kept.at(0).query(sql, 10, 30)
        assert failure.value.code == "query-refused", sql
    for sql in ("SELECT * FROM '/etc/passwd'", "SELECT 1; DROP VIEW cpg_edges", "SELECT nothing FROM cpg_edges"):
        with pytest.raises(HistoryError) as failure:
            kept.at(0).query(sql, 10, 30)
        assert failure.value.code == "query-failed", sql
    with pytest.raises(HistoryError) as failure:
        kept.at(0).query("SELECT * FROM cpg_edges", 3, 30)
    assert failure.value.code == "query-too-large"
    assert not list(tmp_path.glob("out*"))


def test_any_delta_reader_opens_the_tables(kept: Kept, edited: list[dict[str, list[str]]], tmp_path: Path) -> None:
    stored = DeltaTable(kept.place.of("cpg_edges"))
    assert {"file", "generation", "kind", "src", "dst"} <= {field.name for field in stored.schema().fields}
    # What docs/history.md tells other readers.
    owners = DeltaTable(kept.place.of("owners"))
    session = QueryBuilder().register("edges", stored).register("owners", owners)
    sql = """
        SELECT count(*) AS n FROM edges e JOIN (
            SELECT file, max(generation) AS generation FROM owners WHERE "table" = 'cpg_edges' AND generation <= 3 GROUP BY file
        ) o ON o.file = e.file AND o.generation = e.generation
    """
    assert pa.table(session.execute(sql)).to_pylist() == [{"n": kept.at(3).table("cpg_edges").num_rows}]
    changes = delta.feed(kept.place, "cpg_edges", 1, stored.version())
    assert set(changes["_change_type"].to_pylist()) == {"insert"}
    written = export.write(kept.at(3), str(tmp_path / "delta"), "delta", ())
    export.write(kept.at(3), str(tmp_path / "parquet"), "parquet", ())
    from pyarrow import parquet

    for name, rows in written.items():
        assert DeltaTable(str(tmp_path / "delta" / name)).to_pyarrow_table().num_rows == rows
        assert parquet.read_table(tmp_path / "parquet" / f"{name}.parquet").num_rows == rows


def test_a_damaged_history_is_refused_with_a_code(
    kept: Kept, edited: list[dict[str, list[str]]], tmp_path: Path
) -> None:
    [data, *_] = sorted(Path(kept.place.of("cpg_edges")).glob("*.parquet"))
    data.unlink()
    with pytest.raises(HistoryError) as failure:
        kept.at("HEAD").table("cpg_edges")
    assert failure.value.code == "history-storage"
    for file in Path(kept.place.of("cpg_nodes")).rglob("*"):
        if file.is_file():
            file.unlink()
    kept.write("main.py", "")
    with pytest.raises(HistoryError) as failure:
        kept.checkpoint()
    assert failure.value.code == "history-damaged"


def test_a_newer_format_is_refused(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.checkpoint()
    monkeypatch.setattr(manifest, "FORMAT", 0)
    with pytest.raises(HistoryError) as failure:
        kept.at("HEAD")
    assert failure.value.code == "history-newer"


def test_a_place_that_cannot_be_written_has_a_code(kept: Kept, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HistoryError) as failure:
        checkpoint.write(delta.Place(str(tmp_path / "file")), kept.tables(), Origin())
    assert failure.value.code == "history-storage"


def test_only_the_user_reads_it(kept: Kept) -> None:
    kept.checkpoint()
    assert os.stat(kept.place.uri).st_mode & 0o777 == 0o700


def test_every_code_has_a_sentence_and_a_test() -> None:
    text = "".join(path.read_text() for path in Path(__file__).parent.glob("*.py"))
    assert [code for code in CODES if f'"{code}"' not in text] == []
    assert all(doc.endswith(".") for doc in CODES.values())
