//! Selection ranges of an open document.

use anatomy_syntax::selection;

use super::places::write_range_of;
use crate::workspace::Workspace;

impl Workspace {
    /// `SelectionRange[]`, one for each position, of the newest text of an open document. Waits for no graph.
    ///
    /// # Errors
    /// `unknown-document`.
    pub fn selection_ranges(
        &self,
        path: &str,
        positions: &[(u32, u32)],
    ) -> Result<Vec<u8>, anatomy_engine::EngineError> {
        let document = self.settled(path)?;
        let (index, encoding) = (document.index(), self.encoding());
        let mut out = String::from("[");
        for (line, character) in positions {
            let offset = index.offset(*line, *character, encoding);
            let steps = document.tree().map_or_else(Vec::new, |tree| selection::steps(document.text(), tree, offset));
            if out.len() > 1 {
                out.push(',');
            }
            for (at, &(start, end)) in steps.iter().enumerate() {
                out.push_str(if at == 0 { "{\"range\":" } else { ",\"parent\":{\"range\":" });
                write_range_of(&mut out, index, start, end, encoding);
            }
            out.push_str(&"}".repeat(steps.len()));
        }
        out.push(']');
        Ok(out.into_bytes())
    }
}
