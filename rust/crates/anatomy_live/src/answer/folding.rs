//! Folding ranges of an open document.

use anatomy_syntax::{Document, FoldKind, folds};
use serde_json::{Value, json};

use crate::workspace::Workspace;

/// What an editor can do with folds.
#[derive(Clone, Copy, Debug)]
pub struct FoldingLimits {
    /// Folds begin and end with lines.
    pub lines_only: bool,
    /// At most this many; the longest ones are kept.
    pub most: usize,
}

impl Workspace {
    /// `FoldingRange[]` of the newest text of an open document, sorted by place. Waits for no graph.
    ///
    /// # Errors
    /// `unknown-document`.
    pub fn folding_ranges(&self, path: &str, limits: FoldingLimits) -> Result<Vec<u8>, anatomy_engine::EngineError> {
        let document = self.settled(path)?;
        let mut found = if limits.lines_only { by_lines(&document) } else { by_places(self, &document) };
        if found.len() > limits.most {
            let mut lengths: Vec<u64> = found.iter().map(lines).collect();
            lengths.sort_unstable_by(|left, right| right.cmp(left));
            let shortest = lengths.get(limits.most).copied().unwrap_or(0);
            found.retain(|fold| lines(fold) > shortest);
        }
        Ok(Value::Array(found).to_string().into_bytes())
    }
}

fn lines(fold: &Value) -> u64 {
    let line = |key: &str| fold[key].as_u64().unwrap_or(0);
    line("endLine").saturating_sub(line("startLine"))
}

fn by_places(workspace: &Workspace, document: &Document) -> Vec<Value> {
    let Some(tree) = document.tree() else { return vec![] };
    let (index, encoding) = (document.index(), workspace.encoding());
    folds(document.text(), tree)
        .into_iter()
        .map(|fold| {
            let (start, end) = (index.position(fold.start, encoding), index.position(fold.end, encoding));
            let value = json!({
                "startLine": start.0, "startCharacter": start.1, "endLine": end.0, "endCharacter": end.1,
            });
            named(value, fold.kind)
        })
        .collect()
}

/// One fold for each line that begins any, the longest; the line of a closing bracket stays to be seen.
fn by_lines(document: &Document) -> Vec<Value> {
    let Some(tree) = document.tree() else { return vec![] };
    let (index, text) = (document.index(), document.text().as_bytes());
    let mut found: Vec<(u32, u32, FoldKind)> = Vec::new();
    for fold in folds(document.text(), tree) {
        let (start, mut end) = (index.line_of(fold.start), index.line_of(fold.end));
        let before = &text[index.line_span(end).0 as usize..fold.end as usize];
        if fold.closes && before.iter().all(u8::is_ascii_whitespace) {
            end = end.saturating_sub(1);
        }
        if start < end {
            found.push((start, end, fold.kind));
        }
    }
    found.sort_by_key(|&(start, end, _)| (start, std::cmp::Reverse(end)));
    found.dedup_by_key(|&mut (start, _, _)| start);
    found.into_iter().map(|(start, end, kind)| named(json!({"startLine": start, "endLine": end}), kind)).collect()
}

fn named(mut fold: Value, kind: FoldKind) -> Value {
    let name = match kind {
        FoldKind::Code => return fold,
        FoldKind::Comment => "comment",
        FoldKind::Imports => "imports",
        FoldKind::Region => "region",
    };
    fold["kind"] = json!(name);
    fold
}
