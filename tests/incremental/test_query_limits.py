"""A query costs no more than it may: rows, time and memory; it reads the graph and nothing else."""

from __future__ import annotations

import pyarrow.ipc as ipc
import pytest

from codeanatomy_engine import EngineError, Snapshot

from tests.support import shop
from tests.support.graphs import indexed

MANY = "FROM anchors a, anchors b, anchors c, anchors d, anchors e"


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return indexed(shop.build(tmp_path_factory.mktemp("ws"))).engine.snapshot()


def refused(snapshot: Snapshot, sql: str, **limits: float) -> str:
    with pytest.raises(EngineError) as caught:
        snapshot.query(sql, 10, **limits)  # type: ignore[arg-type]
    return caught.value.code


def test_rows_are_cut_off(snapshot: Snapshot) -> None:
    assert ipc.open_stream(snapshot.query(f"SELECT a.id {MANY}", 5)).read_all().num_rows == 5


def test_a_query_that_runs_too_long_is_ended(snapshot: Snapshot) -> None:
    assert (
        refused(
            snapshot,
            f"SELECT count(*) {MANY}, anchors f, anchors g WHERE (a.id + b.id + c.id + d.id + e.id + f.id + g.id) % 7 = 3",
            max_seconds=0.2,
        )
        == "query-too-large"
    )


def test_a_query_that_holds_too_much_is_ended(snapshot: Snapshot) -> None:
    names = "a.id AS a, b.id AS b, c.id AS c, d.id AS d"
    sql = f"SELECT count(*) FROM (SELECT DISTINCT {names} FROM anchors a, anchors b, anchors c, anchors d)"
    assert refused(snapshot, sql, max_seconds=60, max_bytes=1 << 20) == "query-too-large"


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
        "CREATE TABLE t AS SELECT 1",
        "INSERT INTO files SELECT * FROM files",
        "DELETE FROM files",
        "DROP TABLE files",
        "COPY (SELECT 1) TO '/tmp/out.csv'",
        "SET datafusion.execution.batch_size = 1",
    ],
)
def test_nothing_but_a_query_is_run(snapshot: Snapshot, sql: str) -> None:
    assert refused(snapshot, sql) == "query-refused"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM '/etc/passwd.csv'",
        'SELECT * FROM "file:///etc/passwd"',
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM 's3://bucket/key.parquet'",
    ],
)
def test_no_file_is_a_table(snapshot: Snapshot, sql: str) -> None:
    assert refused(snapshot, sql) == "query-failed"
