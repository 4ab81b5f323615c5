//! Methods that a class may replace, with their whole head.

use anatomy_facts::{Id, Symbol};

use super::items::{Item, What};
use super::members::privacy;
use super::{Answers, Asked};

impl Asked<'_> {
    /// Inherited methods that the class around does not have yet. `start` is where its `def` or `async` begins.
    pub(super) fn overridable(&self, start: u32, is_async: bool) -> Vec<Item> {
        let Some(class) = self.class_around() else { return vec![] };
        let columns = ["name", "target", "kind"];
        let own = self.answers.rows("class_member", "class", class, &["name", "target"]);
        let word = self.cursor.word;
        let is_this = |target: Id| self.view.anchor(target).is_some_and(|anchor| anchor.start == word.0);
        let mut seen: std::collections::HashSet<u32> =
            own.iter().filter(|row| !is_this(row[1])).map(|row| row[0] as u32).collect();
        let mut items = Vec::new();
        for (distance, ancestor) in self.answers.resolution_order(class).into_iter().enumerate().skip(1) {
            for row in self.answers.rows("class_member", "class", ancestor, &columns) {
                if Symbol(row[2] as u32).text() != "function" || !seen.insert(row[0] as u32) {
                    continue;
                }
                let name = Symbol(row[0] as u32).text();
                let rank = distance as u32 + privacy(name);
                if let Some(what) = self.override_of(row[1], name, start, is_async) {
                    items.push(Item::new(name, rank, what));
                }
            }
        }
        items
    }

    fn override_of(&self, inherited: Id, name: &str, start: u32, is_async: bool) -> Option<What> {
        let (_, view, _) = self.answers.place(inherited)?;
        let head = view.head(inherited)?;
        let inherits_async = head.starts_with("async ");
        let head = head.trim_start_matches("async ").strip_prefix("def ")?;
        if head.ends_with('…') {
            return None;
        }
        let mut before = Vec::new();
        let line = self.text[..start as usize].rfind('\n').map_or(0, |at| at + 1);
        let indent = &self.text[line..start as usize];
        let mut passed_on = true;
        for decorator in self.answers.decorators_of(inherited) {
            if matches!(decorator, "classmethod" | "staticmethod" | "property" | "cached_property") {
                passed_on &= !matches!(decorator, "property" | "cached_property");
                if decorator != "cached_property" && indent.trim().is_empty() {
                    before.push((start, format!("@{decorator}\n{indent}")));
                }
            }
        }
        if inherits_async && !is_async {
            before.push((start, "async ".to_owned()));
        }
        if !self.wishes.snippets {
            return Some(What::Method { inherited, text: format!("{head}:"), before });
        }
        let arguments = if passed_on { format!("({})", self.answers.passed_on(inherited)) } else { String::new() };
        let result = if name == "__init__" || head.ends_with("-> None") { "" } else { "return " };
        let wait = if inherits_async && result == "return " { "await " } else { "" };
        let body = escaped(&format!("{result}{wait}super().{name}{arguments}"));
        let text = format!("{}:\n    ${{0:{body}}}", escaped(head));
        Some(What::Method { inherited, text, before })
    }
}

impl Answers {
    /// Last words of the decorators of a definition, outermost first.
    fn decorators_of(&self, definition: Id) -> Vec<&'static str> {
        let mut rows = self.rows("decorators", "definition", definition, &["position", "name"]);
        rows.sort_unstable();
        rows.into_iter().map(|row| Symbol(row[1] as u32).text()).collect()
    }

    /// The arguments by which a method hands its parameters on, without the first one.
    fn passed_on(&self, function: Id) -> String {
        let is_static = self.decorators_of(function).contains(&"staticmethod");
        let mut rows = self.rows("params", "function", function, &["position", "name", "kind"]);
        rows.sort_unstable();
        let skip = usize::from(!is_static);
        let arguments: Vec<String> = rows
            .into_iter()
            .skip(skip)
            .map(|row| {
                let name = Symbol(row[1] as u32).text();
                match Symbol(row[2] as u32).text() {
                    "keyword_only" => format!("{name}={name}"),
                    "var_positional" => format!("*{name}"),
                    "var_keyword" => format!("**{name}"),
                    _ => name.to_owned(),
                }
            })
            .collect();
        arguments.join(", ")
    }
}

/// Text as a snippet means it.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '$' | '}' | '\\') {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}
