//! The edit that an auto-import makes.

use anatomy_facts::Symbol;
use anatomy_syntax::PositionEncoding;
use anatomy_syntax::import_block::{Section, Wanted, import_edit};
use serde_json::{Value as Json, json};

use super::super::places::range;
use super::Answers;

impl Answers {
    /// LSP `TextEdit[]` by which a file imports a name of a module, or the module itself if there is no name.
    pub(super) fn import_edits(
        &self,
        file: Symbol,
        text: &str,
        module: &str,
        name: &str,
        encoding: PositionEncoding,
    ) -> Json {
        let Some(view) = self.files.get(&file) else { return json!([]) };
        let row = self.rows("files", "file", u64::from(file.0), &["package"]);
        let package = row.first().map_or("", |row| Symbol(row[0] as u32).text());
        let edit = import_edit(text, Wanted { module, name, package }, |module| self.section_of(module));
        json!([{"range": range(view, edit.start, edit.end, encoding), "newText": edit.text}])
    }

    /// The section of an import block to which a module belongs: what nobody knows lies in some library.
    fn section_of(&self, module: &str) -> Section {
        if module == "__future__" {
            return Section::Future;
        }
        let root = module.split('.').next().unwrap_or(module);
        let partition = [module, root].into_iter().find_map(|module| {
            let rows = self.rows("files", "module", u64::from(Symbol::of(module).0), &["partition"]);
            rows.first().map(|row| Symbol(row[0] as u32).text())
        });
        match partition {
            Some("user") => Section::Own,
            Some("stdlib") => Section::Standard,
            _ => Section::Library,
        }
    }
}
