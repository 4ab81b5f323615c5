//! Names that a docstring mentions: the targets of Sphinx roles, and what the lines of a doctest use.

/// Roles that name something of Python.
const ROLES: [&str; 12] =
    ["attr", "class", "const", "data", "deco", "exc", "func", "meth", "mod", "obj", "property", "any"];
/// Mentions of one docstring that become rows.
const MOST: usize = 64;
/// Longest target of a role, in bytes.
const LONGEST: usize = 128;
/// How a line of a doctest begins.
const PROMPTS: [&str; 2] = [">>> ", "... "];

/// A name in a docstring.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Mention<'t> {
    /// Names joined by dots.
    pub(crate) value: &'t str,
    /// `:role:`, or `>>>` in a doctest.
    pub(crate) how: &'t str,
    /// Offset of the value. One byte stands before it, and one behind it.
    pub(crate) start: usize,
}

/// The names that a docstring mentions, in their order.
pub(crate) fn mentions(text: &str) -> Vec<Mention<'_>> {
    let mut found = Vec::new();
    roles(text, &mut found);
    doctests(text, &mut found);
    found.truncate(MOST);
    found
}

/// Targets of roles: of ``:func:`name` ``, ``:py:meth:`~a.b.c` `` and ``:class:`title <a.b>` ``.
fn roles<'t>(text: &'t str, found: &mut Vec<Mention<'t>>) {
    for (at, _) in text.match_indices(":`") {
        let before = &text[..at];
        let Some(colon) = before.rfind(|letter: char| !letter.is_ascii_alphabetic()) else { continue };
        if !before[colon..].starts_with(':') || !ROLES.contains(&&before[colon + 1..]) {
            continue;
        }
        let from = at + 2;
        let Some(length) = text[from..].find('`').filter(|length| *length <= LONGEST) else { continue };
        let content = &text[from..from + length];
        let inside = match (content.rfind('<'), content.ends_with('>')) {
            (Some(open), true) => open + 1..length - 1,
            _ => 0..length,
        };
        let written = &content[inside.clone()];
        let target = written.trim_start_matches(['~', '.']);
        let value = target.strip_suffix("()").unwrap_or(target);
        if is_path(value) {
            let start = from + inside.start + (written.len() - target.len());
            found.push(Mention { value, how: &text[colon..=at], start });
        }
    }
}

/// Names in the lines of doctests, with the attributes that follow. What is bound there, and keywords, are none.
fn doctests<'t>(text: &'t str, found: &mut Vec<Mention<'t>>) {
    if !text.contains(PROMPTS[0]) {
        return;
    }
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let code = line.trim_start();
        if let Some(code) = PROMPTS.iter().find_map(|prompt| code.strip_prefix(prompt)) {
            names(text, start + (line.len() - code.len()), code, found);
        }
        start += line.len();
    }
}

fn names<'t>(text: &'t str, from: usize, code: &'t str, found: &mut Vec<Mention<'t>>) {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let bytes = code.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'#' => return,
            quote @ (b'"' | b'\'') => {
                at += 1;
                while at < bytes.len() && bytes[at] != quote {
                    at += 1 + usize::from(bytes[at] == b'\\');
                }
                at += 1;
            }
            byte if is_word(byte) => {
                let end = at + bytes[at..].iter().take_while(|byte| is_word(**byte) || **byte == b'.').count();
                let value = code[at..end].trim_end_matches('.');
                let rest = code[end..].trim_start();
                let is_bound = rest.starts_with('=') && !rest.starts_with("==");
                let is_attribute = at > 0 && bytes[at - 1] == b'.';
                if is_path(value) && !is_bound && !is_attribute && from > 0 && from + at + value.len() < text.len() {
                    found.push(Mention { value, how: ">>>", start: from + at });
                }
                at = end;
            }
            _ => at += 1,
        }
    }
}

/// True for names joined by dots.
fn is_path(text: &str) -> bool {
    text.split('.').all(|word| {
        word.as_bytes().first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && !matches!(
                word,
                "and"
                    | "as"
                    | "assert"
                    | "async"
                    | "await"
                    | "class"
                    | "def"
                    | "del"
                    | "elif"
                    | "else"
                    | "except"
                    | "False"
                    | "finally"
                    | "for"
                    | "from"
                    | "global"
                    | "if"
                    | "import"
                    | "in"
                    | "is"
                    | "lambda"
                    | "None"
                    | "nonlocal"
                    | "not"
                    | "or"
                    | "pass"
                    | "raise"
                    | "return"
                    | "True"
                    | "try"
                    | "while"
                    | "with"
                    | "yield"
                    | "print"
                    | "_"
            )
    })
}

#[cfg(test)]
mod tests {
    use super::mentions;

    fn told(text: &str) -> Vec<String> {
        mentions(text)
            .iter()
            .map(|mention| {
                assert_eq!(&text[mention.start..mention.start + mention.value.len()], mention.value);
                format!("{} {}", mention.how, mention.value)
            })
            .collect()
    }

    #[test]
    fn roles_name_their_targets() {
        assert_eq!(
            told(
                "See :func:`pay`, :py:meth:`~shop.Till.ring()` and :class:`the till <.Till>`; :ref:`pay`, :func:`a b`."
            ),
            [":func: pay", ":meth: shop.Till.ring", ":class: Till"]
        );
        assert_eq!(told(":`pay` :func:`pay"), Vec::<String>::new());
    }

    #[test]
    fn doctests_use_names() {
        assert_eq!(
            told(
                "Pay.\n\n    >>> till = shop.Till(3, name=\"x\")  # Till\n    >>> till.ring().stop\n    ... if till == open:\n    till\n"
            ),
            [">>> shop.Till", ">>> till.ring", ">>> till", ">>> open"]
        );
    }
}
