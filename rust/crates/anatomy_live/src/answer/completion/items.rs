//! Items on their way to the editor.

use std::borrow::Cow;
use std::cmp::Reverse;

use anatomy_facts::{Id, Symbol};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::typed::fit;
use super::{Answers, Asked};

/// Something that may be typed.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) label: Cow<'static, str>,
    /// Smaller comes first.
    pub(super) rank: u32,
    /// How often it is used at such a place; of one rank more comes first, then the label decides.
    pub(super) uses: u32,
    pub(super) what: What,
}

/// What an item stands for.
#[derive(Clone, Debug)]
pub(super) enum What {
    /// A definition or module that is reached through something.
    Member(Id),
    /// A binding of a scope.
    Name(Id),
    /// A parameter, as the keyword of an argument.
    Argument(Id),
    /// A word of the language.
    Keyword,
    /// A name that is only seen used.
    Guess,
    /// A module in an import statement.
    Module(Symbol),
    /// A name that an import brings: definition, module, name in it (none for the module itself).
    Import(Id, Symbol, Symbol),
    /// A method that replaces an inherited one: the inherited, what is inserted, and what goes before `def`.
    Method { inherited: Id, text: String, before: Vec<(u32, String)> },
}

/// What `completionItem/resolve` gets back.
#[derive(Debug, Deserialize)]
pub(super) struct Later {
    pub(super) path: String,
    #[serde(default)]
    pub(super) id: String,
    #[serde(default)]
    pub(super) import: Option<(String, String)>,
}

/// No items.
pub(super) fn nothing() -> Vec<u8> {
    br#"{"isIncomplete":false,"items":[]}"#.to_vec()
}

impl Item {
    pub(super) fn new(label: impl Into<Cow<'static, str>>, rank: u32, what: What) -> Item {
        Item { label: label.into(), rank, uses: 0, what }
    }
}

/// Kind numbers of LSP.
mod kind {
    pub(super) const TEXT: u8 = 1;
    pub(super) const METHOD: u8 = 2;
    pub(super) const FUNCTION: u8 = 3;
    pub(super) const FIELD: u8 = 5;
    pub(super) const VARIABLE: u8 = 6;
    pub(super) const CLASS: u8 = 7;
    pub(super) const MODULE: u8 = 9;
    pub(super) const PROPERTY: u8 = 10;
    pub(super) const KEYWORD: u8 = 14;
    pub(super) const CONSTANT: u8 = 21;
    pub(super) const TYPE_PARAMETER: u8 = 25;
}

impl Asked<'_> {
    /// The answer: sorted, cut to what the editor wants, with what each item is.
    pub(super) fn list(&self, mut items: Vec<Item>, mut partial: bool) -> Vec<u8> {
        let typed = self.typed();
        if items.len() > self.wishes.limit {
            partial = true;
            let mut fitting: Vec<(u8, Item)> =
                items.into_iter().filter_map(|item| Some((fit(&item.label, typed)?, item))).collect();
            fitting.sort_by(|left, right| {
                (left.0, left.1.uses == 0, left.1.order()).cmp(&(right.0, right.1.uses == 0, right.1.order()))
            });
            fitting.truncate(self.wishes.limit);
            items = fitting.into_iter().map(|(_, item)| item).collect();
        }
        items.sort_by(|left, right| left.order().cmp(&right.order()));
        let shown: Vec<Json> = items.iter().enumerate().map(|(at, item)| self.shown(at, item)).collect();
        json!({"isIncomplete": partial, "items": shown}).to_string().into_bytes()
    }

    fn shown(&self, at: usize, item: &Item) -> Json {
        let uri = self.answers.uri_of(self.file);
        let path = self.file.text();
        let mut out = json!({"label": item.label, "sortText": format!("{at:04}")});
        let later = |out: &mut Json, id: Id| out["data"] = json!({"uri": uri, "path": path, "id": id.to_string()});
        match &item.what {
            What::Keyword => out["kind"] = json!(kind::KEYWORD),
            What::Guess => {
                out["kind"] = json!(kind::TEXT);
                self.detailed(&mut out, "", "seen");
            }
            What::Module(module) => {
                out["kind"] = json!(kind::MODULE);
                if self.wishes.commit_characters {
                    out["commitCharacters"] = json!(["."]);
                }
                let scope = self.answers.rows("files", "module", u64::from(module.0), &["scope"]);
                if let Some(row) = scope.first() {
                    later(&mut out, row[0]);
                }
            }
            What::Argument(parameter) => {
                out["kind"] = json!(kind::VARIABLE);
                let class = self.answers.value_name(*parameter).unwrap_or_default();
                self.detailed(&mut out, "", class);
                later(&mut out, *parameter);
            }
            What::Member(id) | What::Name(id) => {
                let described = self.answers.describe(*id);
                out["kind"] = json!(described.kind);
                self.detailed(&mut out, &described.parameters, &described.owner);
                if self.wishes.commit_characters && matches!(item.what, What::Member(_)) {
                    out["commitCharacters"] = match described.kind {
                        kind::METHOD | kind::FUNCTION => json!(["("]),
                        kind::CLASS => json!([".", "("]),
                        _ => json!([".", "["]),
                    };
                }
                if !described.detail.is_empty() {
                    out["detail"] = json!(described.detail);
                }
                later(&mut out, described.id);
            }
            What::Import(id, module, name) => {
                let described = self.answers.describe(*id);
                out["kind"] = json!(described.kind);
                let statement = match name.text() {
                    "" => format!("import {}", module.text()),
                    name => format!("from {} import {name}", module.text()),
                };
                out["detail"] = json!(statement);
                self.detailed(&mut out, "", module.text());
                let id = described.id.to_string();
                out["data"] = json!({"uri": uri, "path": path, "id": id, "import": [module.text(), name.text()]});
                if !self.wishes.lazy_edits {
                    let edits =
                        self.answers.import_edits(self.file, self.text, module.text(), name.text(), self.encoding);
                    out["additionalTextEdits"] = edits;
                }
            }
            What::Method { inherited, text, before } => {
                out["kind"] = json!(kind::METHOD);
                out["insertText"] = json!(text);
                out["filterText"] = json!(item.label);
                if self.wishes.snippets {
                    out["insertTextFormat"] = json!(2);
                }
                if self.wishes.adjusts_indentation {
                    out["insertTextMode"] = json!(2);
                }
                let edits: Vec<Json> = before
                    .iter()
                    .map(|(at, text)| {
                        let range = super::super::places::range(self.view, *at, *at, self.encoding);
                        json!({"range": range, "newText": text})
                    })
                    .collect();
                if !edits.is_empty() {
                    out["additionalTextEdits"] = json!(edits);
                }
                let described = self.answers.describe(*inherited);
                self.detailed(&mut out, &described.parameters, &described.owner);
                later(&mut out, *inherited);
            }
        }
        out
    }

    /// Small print beside a label.
    fn detailed(&self, out: &mut Json, parameters: &str, description: &str) {
        if !self.wishes.label_details || (parameters.is_empty() && description.is_empty()) {
            return;
        }
        let mut details = json!({});
        if !parameters.is_empty() {
            details["detail"] = json!(parameters);
        }
        if !description.is_empty() {
            details["description"] = json!(description);
        }
        out["labelDetails"] = details;
    }
}

impl Item {
    fn order(&self) -> (u32, Reverse<u32>, &str) {
        (self.rank, Reverse(self.uses), &self.label)
    }
}

/// How a definition looks in a list.
struct Described {
    id: Id,
    kind: u8,
    /// Head of a function or class, class of a value.
    detail: String,
    /// `(amount, *, tip)` of a function.
    parameters: String,
    /// The class or value class beside the label.
    owner: String,
}

impl Answers {
    fn describe(&self, id: Id) -> Described {
        let mut target = id;
        let mut row = self.binding_row(id);
        if row.as_ref().is_some_and(|row| matches!(row.kind, "import" | "import_from")) {
            let rows = self.rows("import_target", "binding", id, &["target"]);
            if let Some(found) = rows.first() {
                target = found[0];
                row = self.binding_row(target);
            }
        }
        let mut described = Described {
            id: target,
            kind: kind::MODULE,
            detail: String::new(),
            parameters: String::new(),
            owner: String::new(),
        };
        let Some(row) = row else { return described };
        let scope = self.rows("scopes", "scope", row.scope, &["kind", "name"]);
        let (inside, owner) =
            scope.first().map_or(("", ""), |row| (Symbol(row[0] as u32).text(), Symbol(row[1] as u32).text()));
        let in_class = inside == "class";
        let head = || self.files.get(&row.file).and_then(|view| view.head(target)).unwrap_or_default();
        if in_class {
            described.owner = owner.to_owned();
        }
        match row.kind {
            "function" => {
                described.detail = head().to_owned();
                let is_property = in_class && self.is_property(target);
                described.kind = match (in_class, is_property) {
                    (_, true) => kind::PROPERTY,
                    (true, false) => kind::METHOD,
                    (false, false) => kind::FUNCTION,
                };
                if !is_property {
                    described.parameters = parameters_of(&described.detail).to_owned();
                }
            }
            "class" | "type_alias" => {
                described.kind = kind::CLASS;
                described.detail = head().to_owned();
            }
            "type_param" => described.kind = kind::TYPE_PARAMETER,
            "import" | "import_from" => {}
            other => {
                let is_constant = row.name.chars().all(|c| c.is_uppercase() || c == '_' || c.is_ascii_digit());
                described.kind = match other {
                    _ if is_constant => kind::CONSTANT,
                    "self_attr" => kind::FIELD,
                    _ if in_class => kind::FIELD,
                    _ => kind::VARIABLE,
                };
                described.detail = self.value_name(target).unwrap_or_default().to_owned();
            }
        }
        described
    }

    fn binding_row(&self, id: Id) -> Option<BindingRow> {
        let rows = self.rows("bindings", "binding", id, &["kind", "name", "scope", "file"]);
        rows.first().map(|row| BindingRow {
            kind: Symbol(row[0] as u32).text(),
            name: Symbol(row[1] as u32).text(),
            scope: row[2],
            file: Symbol(row[3] as u32),
        })
    }
}

struct BindingRow {
    kind: &'static str,
    name: &'static str,
    scope: Id,
    file: Symbol,
}

/// The bracketed parameters of a head.
fn parameters_of(head: &str) -> &str {
    let Some(open) = head.find('(') else { return "" };
    let mut depth = 0;
    for (at, letter) in head[open..].char_indices() {
        match letter {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => {
                depth -= 1;
                if depth == 0 {
                    return &head[open..=open + at];
                }
            }
            _ => {}
        }
    }
    ""
}
