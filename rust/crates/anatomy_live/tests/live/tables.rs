//! SQL from outside: read-only, bounded, and shut off from the world.

use anatomy_facts::ErrorCode;
use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::UInt32Type;

use super::support::{commit, file, holding, workspace};

fn texts(rows: &RecordBatch) -> Vec<String> {
    let column = arrow::compute::cast(rows.column(0), &arrow::datatypes::DataType::Utf8).unwrap();
    column.as_string::<i32>().iter().map(|text| text.unwrap_or_default().to_owned()).collect()
}

#[test]
fn symbols_come_as_text_and_compare_with_text() {
    let answers = holding(&[("a.py", "def f(): ...\nclass C: ...\n")]).answers().unwrap();
    let rows =
        answers.query("SELECT name FROM bindings WHERE kind IN ('function', 'class') ORDER BY name", 10).unwrap();
    assert_eq!(texts(&rows), ["C", "f"]);
}

#[test]
fn a_query_gives_no_more_rows_than_asked_for() {
    let text: String = (0..50).map(|at| format!("v{at} = 1\n")).collect();
    let answers = holding(&[("a.py", &text)]).answers().unwrap();
    assert_eq!(answers.query("SELECT * FROM bindings", 7).unwrap().num_rows(), 7);
    assert_eq!(answers.query("SELECT * FROM bindings", 0).unwrap().num_rows(), 0);
    assert_eq!(answers.query("SELECT * FROM bindings LIMIT 3", 7).unwrap().num_rows(), 3);
    assert_eq!(answers.query("SELECT count(*) FROM bindings", 7).unwrap().num_rows(), 1);
}

#[test]
fn nothing_can_be_changed_and_no_file_be_reached() {
    let answers = holding(&[("a.py", "x = 1\n")]).answers().unwrap();
    for sql in [
        "CREATE TABLE t AS SELECT 1",
        "DROP TABLE bindings",
        "INSERT INTO bindings SELECT * FROM bindings",
        "DELETE FROM bindings",
        "UPDATE bindings SET name = 'y'",
        "COPY bindings TO 'out.csv'",
        "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION 'in.csv'",
        "SET datafusion.execution.batch_size = 1",
    ] {
        assert_eq!(answers.query(sql, 10).unwrap_err().code, ErrorCode::QueryRefused, "{sql}");
    }
    for sql in [
        "SELECT * FROM 'in.csv'",
        "SELECT * FROM \"in.parquet\"",
        "SELECT * FROM read_csv('in.csv')",
        "SELECT 1; SELECT 2",
    ] {
        assert_eq!(answers.query(sql, 10).unwrap_err().code, ErrorCode::QueryFailed, "{sql}");
    }
}

#[test]
fn places_are_a_table_of_their_own() {
    let answers = holding(&[("a.py", "\nx = 1\n")]).answers().unwrap();
    let rows = answers
        .query("SELECT a.line FROM bindings AS b JOIN anchors AS a ON a.id = b.binding WHERE b.name = 'x'", 10)
        .unwrap();
    assert_eq!(rows.column(0).as_primitive::<UInt32Type>().values(), &[2]);
}

#[test]
fn errors_and_changed_ranges_are_tables_too() {
    let workspace = workspace();
    workspace.open(&file("a.py", "x = 1\ny = 2\n"), 1);
    workspace
        .edit(
            "a.py",
            2,
            br#"[{"range":{"start":{"line":1,"character":4},"end":{"line":1,"character":5}},"text":"(2"}]"#,
        )
        .unwrap();
    commit(&workspace);
    let answers = workspace.answers().unwrap();
    assert_eq!(texts(&answers.query("SELECT code FROM ts_parse_errors", 10).unwrap()), ["syntax-unclosed"]);
    let ranges = answers.query("SELECT version FROM ts_changed_ranges WHERE file = 'a.py'", 10).unwrap();
    assert!(ranges.num_rows() > 0 && texts(&ranges).iter().all(|version| version == "2"));
}

#[test]
fn the_columns_can_be_asked_for() {
    let answers = holding(&[("a.py", "x = 1\n")]).answers().unwrap();
    let rows = answers
        .query(
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'class_bases' ORDER BY column_name",
            20,
        )
        .unwrap();
    assert_eq!(texts(&rows), ["class", "expr", "file", "keyword", "position"]);
}

#[test]
fn a_stream_of_no_rows_still_has_its_columns() {
    let answers = holding(&[("a.py", "x = 1\n")]).answers().unwrap();
    let stream = answers
        .query_stream(
            "SELECT name, occurrence FROM bindings WHERE name = 'nobody'",
            anatomy_engine::Limits::of_rows(10),
        )
        .unwrap();
    let reader = arrow::ipc::reader::StreamReader::try_new(stream.as_slice(), None).unwrap();
    let names: Vec<String> = reader.schema().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(
        (names, reader.map(|batch| batch.unwrap().num_rows()).sum()),
        (vec!["name".to_owned(), "occurrence".to_owned()], 0)
    );
}
