//! Names that nothing binds, and the imports that would bring them.

use anatomy_engine::EngineError;
use anatomy_facts::{Anchor, AnchorKind, Symbol};
use anatomy_syntax::cursor::cursor;
use anatomy_syntax::{Document, PositionEncoding};
use serde_json::{Value as Json, json};

use super::items::What;
use super::{Answers, Asked, CompletionWishes};

/// A stretch with more names than this is no place at which somebody wants to mend one.
const MOST_NAMES: usize = 16;

impl Answers {
    /// `[{"name", "module", "edits"}]`: imports, best first, for the names in a stretch of an open document that nothing binds.
    /// `name` is empty where the module itself is imported; `edits` are LSP `TextEdit[]`.
    ///
    /// # Errors
    /// `unknown-file`.
    pub fn missing_imports(
        &self,
        path: &str,
        (start, end): ((u32, u32), (u32, u32)),
        encoding: PositionEncoding,
    ) -> Result<Vec<u8>, EngineError> {
        let (file, view) = self.file(path)?;
        let Some(text) = view.document.as_ref().map(Document::text) else { return Ok(b"[]".to_vec()) };
        let (start, end) =
            (view.index().offset(start.0, start.1, encoding), view.index().offset(end.0, end.1, encoding));
        let touches =
            |anchor: &&Anchor| anchor.kind == AnchorKind::Reference && anchor.start <= end && anchor.end >= start;
        let mut seen: Vec<&'static str> = Vec::new();
        let mut found: Vec<Json> = Vec::new();
        for anchor in view.anchors().iter().filter(touches) {
            let Some(name) = self.unbound(anchor.id).filter(|name| !seen.contains(name)) else { continue };
            seen.push(name);
            let (cursor, wishes) = (cursor(text, anchor.end), CompletionWishes::default());
            let asked = Asked::of(self, (file, &**view, text), &cursor, &wishes, encoding);
            for item in asked.imports_of(name) {
                if let What::Import(_, module, name) = item.what {
                    let edits = self.import_edits(file, text, module.text(), name.text(), encoding);
                    found.push(json!({"name": name.text(), "module": module.text(), "edits": edits}));
                }
            }
            if seen.len() == MOST_NAMES {
                break;
            }
        }
        Ok(Json::Array(found).to_string().into_bytes())
    }

    /// The name of a reference, if it is a name that nothing binds.
    fn unbound(&self, reference: u64) -> Option<&'static str> {
        let row = self.rows("names", "expr", reference, &["name", "target_scope"]);
        let row = row.first().filter(|row| row[1] == 0)?;
        self.rows("refers_to", "expr", reference, &["target"]).is_empty().then(|| Symbol(row[0] as u32).text())
    }
}
