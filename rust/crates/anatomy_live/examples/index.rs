//! Indexes a folder with a program document and prints what it took: `index PROGRAM.json FOLDER`.
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a measuring tool: it reads files and prints")]

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use anatomy_live::{SourceFile, Workspace};
use anatomy_syntax::ModuleContext;

fn python_files(folder: &Path, into: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            python_files(&path, into);
        } else if path.extension().is_some_and(|ending| ending == "py") {
            into.push(path);
        }
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let began = Instant::now();
    let program = std::fs::read(&arguments[1]).expect("the program document can be read");
    let workspace = match Workspace::new(&program, "file:///ws", 0) {
        Ok(workspace) => workspace,
        Err(error) => {
            println!("{} {}: {}\n  {}", error.code.as_str(), error.place, error, error.hint);
            std::process::exit(3);
        }
    };
    println!("compile {:?}", began.elapsed());
    let root = Path::new(&arguments[2]);
    let mut paths = Vec::new();
    python_files(root, &mut paths);
    paths.sort();
    let files: Vec<SourceFile> = paths
        .iter()
        .map(|path| {
            let relative = path.strip_prefix(root).expect("found below the root").to_string_lossy().into_owned();
            let dotted = relative.trim_end_matches(".py").replace('/', ".");
            let is_package = dotted.ends_with("__init__");
            let module = dotted.trim_end_matches(".__init__").to_owned();
            let package =
                if is_package { module.clone() } else { module.rsplit_once('.').map_or("", |of| of.0).to_owned() };
            SourceFile {
                path: relative,
                context: ModuleContext {
                    module,
                    package,
                    is_package,
                    partition: "user".into(),
                    ..ModuleContext::default()
                },
                content: std::fs::read(path).ok(),
                error: String::new(),
            }
        })
        .collect();
    let began = Instant::now();
    workspace.update(&files, &[]);
    println!("{} files: parse and extract {:?}", files.len(), began.elapsed());
    let never = AtomicBool::new(false);
    let report = workspace.commit(&never).expect("the program runs");
    println!("commit {} ms, {} views", report.total_micros / 1000, report.refresh.views.len());
    let mut views = report.refresh.views.clone();
    views.sort_by_key(|view| std::cmp::Reverse(view.micros));
    for view in views.iter().take(40) {
        println!("  {:>8} ms {:>9} rows  {}", view.micros / 1000, view.inserted, view.view);
    }
    println!("depth limit {:?}", report.refresh.depth_limit);
    if let Ok(stats) = workspace.answers().and_then(|answers| answers.stats()) {
        let tables = stats["tables"].as_object().cloned().unwrap_or_default();
        let total: u64 = tables.values().filter_map(|table| table["bytes"].as_u64()).sum();
        println!(
            "tables {} MB, places {} MB",
            total / 1_000_000,
            stats["places"]["bytes"].as_u64().unwrap_or(0) / 1_000_000
        );
    }
    // One keystroke after another in one file.
    let target = files.iter().max_by_key(|file| file.content.as_ref().map_or(0, Vec::len).min(60_000)).expect("a file");
    workspace.open(target, 1);
    workspace.commit(&never).expect("the program runs");
    let mut spent = Vec::new();
    for version in 2..60 {
        let text = if version % 2 == 0 { "probe_x = 1\\n" } else { "" };
        let end = if version % 2 == 0 { 0 } else { 1 };
        let change = format!(
            r#"[{{"range":{{"start":{{"line":0,"character":0}},"end":{{"line":{end},"character":0}}}},"text":"{text}"}}]"#
        );
        let began = Instant::now();
        workspace.edit(&target.path, version, change.as_bytes()).expect("the change is valid");
        let parsed = began.elapsed();
        let report = workspace.commit(&never).expect("the program runs");
        spent.push((parsed.as_micros(), report.extract_micros, report.refresh.micros, report.total_micros));
        if version == 2 || version == 3 {
            for view in &report.refresh.views {
                println!(
                    "  edit: {:>6} us {} keys {} +{} -{}",
                    view.micros, view.view, view.keys, view.inserted, view.deleted
                );
            }
            println!("  evidence {:?}", report.refresh.evidence);
        }
    }
    spent.sort_by_key(|times| times.3);
    println!("{}: edit median (parse, extract, refresh, commit) us {:?}", target.path, spent[spent.len() / 2]);
}
