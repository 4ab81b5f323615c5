//! What a keystroke costs, and what reading a folder costs beside a bare parse.
//!
//! `keystroke FILE...` types and deletes one character at many places of each file and prints p50 and p95 of an edit with
//! its errors. `keystroke --folder FOLDER` parses every Python file below it, then parses and extracts, and prints both.
#![expect(clippy::print_stdout, reason = "printing is what this program is for")]
#![expect(clippy::disallowed_methods, reason = "it stands outside of the engine and reads what it is given")]

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anatomy_syntax::{
    Change, Document, ModuleContext, PositionEncoding,
    document::{EditorPosition, EditorRange},
    extract, parse, parse_file,
    source::SIZE_LIMIT,
};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [flag, folder] if flag == "--folder" => measure_folder(Path::new(folder)),
        files => files.iter().for_each(|file| measure_file(file)),
    }
}

fn change(document: &Document, start: u32, end: u32, text: &str) -> Change {
    let at = |offset| {
        let (line, character) = document.index().position(offset, PositionEncoding::Utf16);
        EditorPosition { line, character }
    };
    Change { range: Some(EditorRange { start: at(start), end: at(end) }), text: text.to_owned() }
}

/// Types a letter and takes it back, types a bracket and takes it back, at a hundred places.
fn measure_file(file: &str) {
    let Ok(bytes) = std::fs::read(file) else {
        println!("{file}: unreadable");
        return;
    };
    let mut document = Document::new(parse_file(&bytes, SIZE_LIMIT).text, 0);
    let size = document.text().len() as u32;
    for typed in ["x", "(", "\""] {
        let mut times = Vec::new();
        for step in 1..100u32 {
            let mut offset = size / 100 * step;
            while !document.text().is_char_boundary(offset as usize) {
                offset += 1;
            }
            for (start, end, text) in [(offset, offset, typed), (offset, offset + 1, "")] {
                let change = change(&document, start, end, text);
                let began = Instant::now();
                document.apply(&[change], i64::from(step), PositionEncoding::Utf16).expect("the place is in the text");
                times.push(began.elapsed());
            }
        }
        times.sort_unstable();
        let at = |share: usize| times[times.len() * share / 100].as_secs_f64() * 1e3;
        println!(
            "{file} ({size} bytes) typing {typed:?}: p50 {:.2} ms, p95 {:.2} ms, max {:.2} ms",
            at(50),
            at(95),
            at(99)
        );
    }
}

fn python_files(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            python_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "py") {
            found.push(path);
        }
    }
}

fn measure_folder(folder: &Path) {
    let mut files = Vec::new();
    python_files(folder, &mut files);
    let texts: Vec<String> = files
        .iter()
        .filter_map(|file| std::fs::read(file).ok())
        .map(|bytes| parse_file(&bytes, SIZE_LIMIT).text)
        .collect();
    let megabytes = texts.iter().map(String::len).sum::<usize>() as f64 / 1e6;
    let lines: usize = texts.iter().map(|text| text.lines().filter(|line| !line.trim().is_empty()).count()).sum();
    let context = ModuleContext::default();
    let (mut bare, mut judged, mut extracted) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    let mut rows = vec![0; anatomy_facts::tables::EVIDENCE.len()];
    let (mut anchors, mut bytes) = (0, 0);
    for text in &texts {
        let began = Instant::now();
        let tree = parse(text, None);
        bare += began.elapsed();
        let began = Instant::now();
        let errors = anatomy_syntax::syntax_errors(text, &tree);
        judged += began.elapsed();
        let began = Instant::now();
        let facts = extract("a.py", &context, text, &tree, errors);
        extracted += began.elapsed();
        for (count, table) in rows.iter_mut().zip(&facts.tables) {
            *count += table.num_rows();
            bytes += table.get_array_memory_size();
        }
        anchors += facts.anchors.len();
    }
    println!("{} files, {megabytes:.1} MB, {lines} lines with code", texts.len());
    println!(
        "parse {bare:.2?} ({:.1} MB/s), errors {judged:.2?}, extract {extracted:.2?}",
        megabytes / bare.as_secs_f64()
    );
    println!("all of it over a bare parse: {:.2}", (bare + judged + extracted).as_secs_f64() / bare.as_secs_f64());
    for (contract, count) in anatomy_facts::tables::EVIDENCE.iter().zip(rows) {
        println!("{:>9} {} ({:.2} a line)", count, contract.name, count as f64 / lines as f64);
    }
    println!("{anchors:>9} anchors, {:.1} MB of tables", bytes as f64 / 1e6);
}
