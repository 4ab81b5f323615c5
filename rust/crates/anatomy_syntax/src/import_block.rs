//! Where a new import goes in a text: into the statement that imports from the module already, or into a line of its own at
//! its sorted place.
//!
//! Sections come in the usual order: `__future__`, standard library, other packages, the workspace, relative imports. Within
//! a section `import m` stands before `from m import n`, each sorted by module. Whatever is there already stays as it is.

use crate::errors::lexer::{T, Token, lex_whole};

/// What shall be imported, and into what.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Absolute name of the module.
    pub module: &'a str,
    /// Name in the module; empty for the module itself.
    pub name: &'a str,
    /// Package of the importing file, against which its relative imports resolve.
    pub package: &'a str,
}

/// A piece of text that takes the place of another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Edit {
    /// First byte that is replaced.
    pub start: u32,
    /// Past the last byte.
    pub end: u32,
    /// What comes there.
    pub text: String,
}

/// A section of an import block.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Section {
    /// `from __future__`.
    Future,
    /// The standard library.
    Standard,
    /// Other packages.
    Library,
    /// The workspace.
    Own,
    /// Leading dots.
    Relative,
}

/// An import statement at the top of a file.
struct Statement {
    start: u32,
    end: u32,
    is_from: bool,
    level: u32,
    module: String,
    section: Section,
    /// Imported names, each with the end of its alias; none for a star.
    names: Vec<(String, u32, u32)>,
    /// End of the comma behind the last name, if there is one.
    last_comma: Option<u32>,
}

/// The edit that makes a text import what is wanted. `section_of` tells the section of an absolute module.
#[must_use]
pub fn import_edit(text: &str, wanted: Wanted<'_>, section_of: impl Fn(&str) -> Section) -> Edit {
    let tokens = lex_whole(text).tokens;
    let statements = statements(text, &tokens, &section_of);
    let break_ = if text.contains("\r\n") { "\r\n" } else { "\n" };
    if wanted.name.is_empty() {
        let new = New { is_from: false, module: wanted.module.to_owned(), section: section_of(wanted.module) };
        return in_own_line(text, &tokens, &statements, &new, &format!("import {}", wanted.module), break_);
    }
    let same = statements.iter().find(|statement| {
        statement.is_from && !statement.names.is_empty() && absolute(statement, wanted.package) == wanted.module
    });
    if let Some(statement) = same {
        return in_statement(text, statement, wanted.name);
    }
    let top = wanted.package.split('.').next().unwrap_or_default();
    let is_own = |statement: &&Statement| statement.is_from && statement.module.split('.').next() == Some(top);
    let prefers_dots = statements.iter().any(|statement| statement.level > 0)
        && !statements.iter().any(|statement| statement.level == 0 && is_own(&statement));
    let relative = if prefers_dots { relative(wanted.module, wanted.package) } else { None };
    let (module, section) = match relative {
        Some(relative) => (relative, Section::Relative),
        None => (wanted.module.to_owned(), section_of(wanted.module)),
    };
    let line = format!("from {module} import {}", wanted.name);
    let new = New { is_from: true, module, section };
    in_own_line(text, &tokens, &statements, &new, &line, break_)
}

struct New {
    is_from: bool,
    module: String,
    section: Section,
}

/// The import statements at the top of a text, before its first definition.
fn statements(text: &str, tokens: &[Token], section_of: &impl Fn(&str) -> Section) -> Vec<Statement> {
    let mut found = Vec::new();
    let (mut depth, mut start) = (0_i32, 0);
    for (at, token) in tokens.iter().enumerate() {
        match token.kind {
            T::Indent => (depth, start) = (depth + 1, at + 1),
            T::Dedent => (depth, start) = (depth - 1, at + 1),
            T::Newline => {
                let statement = &tokens[start..at];
                start = at + 1;
                match statement.first().map(|token| token.kind) {
                    Some(T::Def | T::Class | T::Async | T::At) if depth == 0 => return found,
                    Some(T::Import | T::From) if depth == 0 => {
                        found.extend(read(text, statement, token.end, section_of));
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }
    found
}

fn read(text: &str, tokens: &[Token], end: u32, section_of: &impl Fn(&str) -> Section) -> Option<Statement> {
    let word = |token: &Token| text.get(token.start as usize..token.end as usize).unwrap_or_default();
    let is_from = tokens[0].kind == T::From;
    let import = if is_from { tokens.iter().position(|token| token.kind == T::Import)? } else { tokens.len() };
    let (mut level, mut module) = (0, String::new());
    for token in &tokens[1..import] {
        match token.kind {
            T::Dot if module.is_empty() => level += 1,
            T::Ellipsis if module.is_empty() => level += 3,
            T::Name | T::Dot => module.push_str(word(token)),
            _ => break,
        }
    }
    let (mut names, mut last_comma, mut open) = (Vec::<(String, u32, u32)>::new(), None, true);
    for token in tokens.get(import + 1..).unwrap_or_default() {
        match token.kind {
            T::Comma => (last_comma, open) = (Some(token.end), true),
            T::Name if open => {
                names.push((word(token).to_owned(), token.start, token.end));
                (last_comma, open) = (None, false);
            }
            T::Name => {
                if let Some(last) = names.last_mut() {
                    last.2 = token.end;
                }
            }
            T::As | T::LPar | T::RPar => {}
            _ => return None,
        }
    }
    let section = if level > 0 { Section::Relative } else { section_of(&module) };
    Some(Statement { start: tokens[0].start, end, is_from, level, module, section, names, last_comma })
}

/// The absolute module of a statement.
fn absolute(statement: &Statement, package: &str) -> String {
    if statement.level == 0 {
        return statement.module.clone();
    }
    let parts: Vec<&str> = package.split('.').collect();
    let kept = (parts.len() + 1).saturating_sub(statement.level as usize);
    let base = parts.get(..kept).unwrap_or_default().join(".");
    match (base.is_empty(), statement.module.is_empty()) {
        (_, true) => base,
        (true, false) => statement.module.clone(),
        (false, false) => format!("{base}.{}", statement.module),
    }
}

/// A module as dots say it from within a package, if both have the same root.
fn relative(module: &str, package: &str) -> Option<String> {
    let (own, other): (Vec<&str>, Vec<&str>) = (package.split('.').collect(), module.split('.').collect());
    let common = own.iter().zip(&other).take_while(|(left, right)| left == right).count();
    if common == 0 || package.is_empty() {
        return None;
    }
    Some(format!("{}{}", ".".repeat(own.len() - common + 1), other[common..].join(".")))
}

/// Order of names in a list: constants, classes, the rest; the way sorters of imports do it.
fn name_order(name: &str) -> (u8, String) {
    let group = match name.chars().find(|letter| *letter != '_') {
        _ if name.len() > 1 && name == name.to_uppercase() => 0,
        Some(first) if first.is_uppercase() => 1,
        _ => 2,
    };
    (group, name.to_lowercase())
}

/// One more name in a statement that imports from the module already.
fn in_statement(text: &str, statement: &Statement, name: &str) -> Edit {
    let by_type = statement.names.windows(2).all(|pair| name_order(&pair[0].0) <= name_order(&pair[1].0));
    let before = |other: &str| match by_type {
        true => name_order(name) < name_order(other),
        false => name.to_lowercase() < other.to_lowercase(),
    };
    if let Some((_, start, _)) = statement.names.iter().find(|(other, _, _)| before(other)) {
        let line = text[..*start as usize].rfind('\n').map_or(0, |at| at + 1);
        let indent = &text[line..*start as usize];
        let alone = indent.chars().all(char::is_whitespace);
        let separator = if alone { format!(",\n{indent}") } else { ", ".to_owned() };
        return Edit { start: *start, end: *start, text: format!("{name}{separator}") };
    }
    let (_, start, end) = statement.names.last().cloned().unwrap_or_default();
    let line = text[..start as usize].rfind('\n').map_or(0, |at| at + 1);
    let indent = &text[line..start as usize];
    let alone = indent.chars().all(char::is_whitespace);
    let at = statement.last_comma.unwrap_or(end);
    let added = match (alone, statement.last_comma) {
        (true, Some(_)) => format!("\n{indent}{name},"),
        (true, None) => format!(",\n{indent}{name}"),
        (false, Some(_)) => format!(" {name},"),
        (false, None) => format!(", {name}"),
    };
    Edit { start: at, end: at, text: added }
}

/// A statement of its own at its sorted place.
fn in_own_line(
    text: &str,
    tokens: &[Token],
    statements: &[Statement],
    new: &New,
    line: &str,
    line_break: &str,
) -> Edit {
    let key = |module: &str| (module.trim_start_matches('.').to_lowercase(), module.to_owned());
    let dotted = |statement: &Statement| format!("{}{}", ".".repeat(statement.level as usize), statement.module);
    let before = |at: u32, text: String| Edit { start: at, end: at, text };
    let after = |at: u32, added: String| {
        let ended = text[..at as usize].ends_with('\n') || at == 0;
        Edit { start: at, end: at, text: if ended { added } else { format!("{line_break}{}", added.trim_end()) } }
    };
    let section: Vec<&Statement> = statements.iter().filter(|other| other.section == new.section).collect();
    let style: Vec<&&Statement> = section.iter().filter(|other| other.is_from == new.is_from).collect();
    let plain = format!("{line}{line_break}");
    if let (Some(first), Some(last)) = (section.first(), section.last()) {
        let later = style.iter().find(|other| key(&dotted(other)) > key(&new.module));
        return match (later, style.last()) {
            (Some(later), _) => before(later.start, plain),
            (None, Some(last)) => after(last.end, plain),
            (None, None) if new.is_from => after(last.end, plain),
            (None, None) => before(first.start, plain),
        };
    }
    if let Some(earlier) = statements.iter().rfind(|other| other.section < new.section) {
        return after(earlier.end, format!("{line_break}{plain}"));
    }
    if let Some(later) = statements.first() {
        return before(later.start, format!("{plain}{line_break}"));
    }
    let mut real = tokens.iter().filter(|token| token.start < token.end);
    let first = real.next();
    if let Some(docstring) = first.filter(|token| token.kind == T::Str) {
        let ended = real.next().filter(|token| token.kind == T::Newline).map_or(docstring.end, |token| token.end);
        return after(ended, format!("{line_break}{plain}"));
    }
    let rest = first.map_or("", |_| line_break);
    before(first.map_or(text.len() as u32, |token| token.start), format!("{plain}{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text with the import in it. Modules `s*` are of the standard library, `w*` of the workspace.
    fn with(text: &str, module: &str, name: &str) -> String {
        let section = |module: &str| match module.chars().next() {
            _ if module == "__future__" => Section::Future,
            Some('s') => Section::Standard,
            Some('w') => Section::Own,
            _ => Section::Library,
        };
        let edit = import_edit(text, Wanted { module, name, package: "w.sub" }, section);
        let mut out = text.to_owned();
        out.replace_range(edit.start as usize..edit.end as usize, &edit.text);
        out
    }

    #[test]
    fn a_list_is_extended_at_its_sorted_place() {
        assert_eq!(with("from w.a import b, d\n", "w.a", "c"), "from w.a import b, c, d\n");
        assert_eq!(with("from w.a import b\n", "w.a", "c"), "from w.a import b, c\n");
        assert_eq!(with("from w.a import A, Z, b\n", "w.a", "B"), "from w.a import A, B, Z, b\n");
        let many = "from w.a import (\n    b,\n    d as e,\n)\n";
        assert_eq!(with(many, "w.a", "c"), "from w.a import (\n    b,\n    c,\n    d as e,\n)\n");
        assert_eq!(with(many, "w.a", "f"), "from w.a import (\n    b,\n    d as e,\n    f,\n)\n");
        assert_eq!(with("from w.a import (b)\n", "w.a", "c"), "from w.a import (b, c)\n");
        assert_eq!(with("from .a import b\n", "w.sub.a", "c"), "from .a import b, c\n");
        assert_eq!(with("from .. import b\n", "w", "c"), "from .. import b, c\n");
    }

    #[test]
    fn a_new_statement_goes_to_its_section() {
        let text = "\"\"\"Doc.\"\"\"\n\nfrom __future__ import annotations\n\nimport sa\nimport sc\nfrom sd import x\n\nfrom w.q import y\n\nx = 1\n";
        assert_eq!(with(text, "sb", ""), text.replace("import sc\n", "import sb\nimport sc\n"));
        assert_eq!(with(text, "se", "z"), text.replace("from sd import x\n", "from sd import x\nfrom se import z\n"));
        assert_eq!(with(text, "w.a", "z"), text.replace("from w.q", "from w.a import z\nfrom w.q"));
        assert_eq!(
            with(text, "lib", "z"),
            text.replace("from sd import x\n", "from sd import x\n\nfrom lib import z\n")
        );
        assert_eq!(with("from w.q import y\n", "sa", ""), "import sa\n\nfrom w.q import y\n");
    }

    #[test]
    fn a_text_without_imports_gets_its_first() {
        assert_eq!(with("", "sa", ""), "import sa\n");
        assert_eq!(with("x = 1\n", "sa", ""), "import sa\n\nx = 1\n");
        assert_eq!(with("# c\nx = 1\n", "sa", "b"), "# c\nfrom sa import b\n\nx = 1\n");
        assert_eq!(with("'''Doc.'''\n\nx = 1\n", "sa", "b"), "'''Doc.'''\n\nfrom sa import b\n\nx = 1\n");
        assert_eq!(with("import sa", "sb", ""), "import sa\nimport sb");
    }

    #[test]
    fn a_file_of_relative_imports_gets_another_one() {
        assert_eq!(with("from .q import y\n", "w.sub.a", "z"), "from .a import z\nfrom .q import y\n");
        assert_eq!(with("from .q import y\n", "w.a", "z"), "from ..a import z\nfrom .q import y\n");
        assert_eq!(with("from w.q import y\n", "w.sub.a", "z"), "from w.q import y\nfrom w.sub.a import z\n");
    }
}
