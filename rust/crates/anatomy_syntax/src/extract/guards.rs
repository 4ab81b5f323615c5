//! Guards: what the condition of a branch is about, and whether it is decided before any code runs.
//!
//! A condition on the version of Python, on the system or on `TYPE_CHECKING` has one answer for a given target, so one of
//! its branches never runs. What stands there keeps its rows, and its bindings say that they are unreachable.

use std::cmp::Ordering;

use anatomy_facts::Symbol;
use tree_sitter::Node;

use super::{
    Extractor,
    exprs::last_word,
    kinds::{Kind, fields, kind_of, named_children},
    operators::operator_of,
};

/// How deep a condition is followed.
const DEPTH: u32 = 16;

/// The Python and the system for which branches are decided.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    /// Major and minor version.
    pub version: (u32, u32),
    /// As `sys.platform` has it.
    pub platform: String,
}

impl Default for Target {
    fn default() -> Self {
        Target { version: (3, 11), platform: "linux".to_owned() }
    }
}

impl Target {
    /// The target of a version such as `3.11` (what follows the minor version is left out) and a platform, if the
    /// version is one.
    #[must_use]
    pub fn named(version: &str, platform: &str) -> Option<Self> {
        let mut numbers = version.split('.').map(str::parse::<u32>);
        let (major, minor) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
        Some(Target { version: (major, minor), platform: platform.to_owned() })
    }

    fn os_name(&self) -> &str {
        if self.platform == "win32" { "nt" } else { "posix" }
    }
}

impl Extractor<'_> {
    /// Which guard a condition is.
    pub(crate) fn guard_of(&self, condition: Node<'_>) -> Symbol {
        let words = self.vocabulary;
        let text = self.text_of(condition);
        if matches!(last_word(text), "TYPE_CHECKING" | "MYPY") {
            words.type_checking
        } else if text.contains("version_info") || text.contains("hexversion") {
            words.version
        } else if text.contains("sys.platform") || text.contains("os.name") || text.contains("platform.system") {
            words.platform
        } else {
            words.conditional
        }
    }

    /// What a condition is for the target, if that is decided before any code runs.
    pub(crate) fn decided(&self, condition: Node<'_>) -> Option<bool> {
        self.decided_below(condition, DEPTH)
    }

    fn decided_below(&self, node: Node<'_>, depth: u32) -> Option<bool> {
        let depth = depth.checked_sub(1)?;
        match kind_of(node) {
            Kind::Parenthesized => self.decided_below(node.named_child(0)?, depth),
            Kind::True => Some(true),
            Kind::False => Some(false),
            Kind::Integer => match self.text_of(node) {
                "0" => Some(false),
                "1" => Some(true),
                _ => None,
            },
            Kind::Identifier | Kind::Attribute => {
                matches!(last_word(self.text_of(node)), "TYPE_CHECKING" | "MYPY").then_some(true)
            }
            Kind::NotOperator => {
                self.decided_below(node.child_by_field_id(fields().argument)?, depth).map(|truth| !truth)
            }
            Kind::BooleanOperator => {
                let left = self.decided_below(node.child_by_field_id(fields().left)?, depth);
                let right = self.decided_below(node.child_by_field_id(fields().right)?, depth);
                // Of `and` a false part decides, of `or` a true one.
                let deciding = operator_of(node) == "or";
                match (left, right) {
                    (Some(truth), _) | (_, Some(truth)) if truth == deciding => Some(deciding),
                    (Some(_), Some(_)) => Some(!deciding),
                    _ => None,
                }
            }
            Kind::Comparison => self.compared(node),
            Kind::Call => {
                let function = node.child_by_field_id(fields().function)?;
                let [prefix] = named_children(node.child_by_field_id(fields().arguments)?)[..] else { return None };
                let is_test = self.text_of(function) == "sys.platform.startswith";
                is_test
                    .then(|| self.literal_text(prefix))
                    .flatten()
                    .map(|prefix| self.target.platform.starts_with(&prefix))
            }
            _ => None,
        }
    }

    fn compared(&self, node: Node<'_>) -> Option<bool> {
        let [left, right] = named_children(node)[..] else { return None };
        let sign = node.child(1)?.kind();
        let (major, minor) = self.target.version;
        match self.text_of(left) {
            "sys.version_info" | "version_info" => {
                let asked = self.numbers(right)?;
                let known = [major, minor];
                match known.iter().zip(&asked).map(|(own, other)| own.cmp(other)).find(|ordering| ordering.is_ne()) {
                    Some(ordering) => holds(sign, ordering),
                    // The version has more parts than the two that are known: it is the greater one.
                    None if asked.len() <= 2 || matches!(sign, ">=" | "<") => holds(sign, Ordering::Greater),
                    None => None,
                }
            }
            "sys.version_info[:2]" | "version_info[:2]" => {
                let asked = self.numbers(right)?;
                holds(sign, [major, minor][..].cmp(&asked[..]))
            }
            "sys.version_info[0]" | "version_info[0]" | "sys.version_info.major" | "version_info.major" => {
                holds(sign, major.cmp(&self.text_of(right).parse().ok()?))
            }
            "sys.platform" => self.is_one_of(sign, &self.target.platform, right),
            "os.name" => self.is_one_of(sign, self.target.os_name(), right),
            _ => None,
        }
    }

    /// The parts of a version written as a tuple of integers.
    fn numbers(&self, node: Node<'_>) -> Option<Vec<u32>> {
        if kind_of(node) != Kind::Tuple {
            return None;
        }
        named_children(node).into_iter().map(|part| self.text_of(part).parse().ok()).collect()
    }

    fn is_one_of(&self, sign: &str, own: &str, right: Node<'_>) -> Option<bool> {
        match sign {
            "==" => Some(self.literal_text(right)? == own),
            "!=" => Some(self.literal_text(right)? != own),
            "in" | "not in" if matches!(kind_of(right), Kind::Tuple | Kind::List | Kind::Set) => {
                let texts: Option<Vec<String>> =
                    named_children(right).into_iter().map(|item| self.literal_text(item)).collect();
                Some(texts?.iter().any(|text| text == own) == (sign == "in"))
            }
            _ => None,
        }
    }

    fn literal_text(&self, node: Node<'_>) -> Option<String> {
        if kind_of(node) != Kind::Str {
            return None;
        }
        self.plain(node).filter(|plain| !plain.is_bytes).map(|plain| plain.value)
    }
}

/// Whether a comparison holds where its sides compare so.
fn holds(sign: &str, ordering: Ordering) -> Option<bool> {
    Some(match sign {
        ">=" => ordering.is_ge(),
        ">" => ordering.is_gt(),
        "<=" => ordering.is_le(),
        "<" => ordering.is_lt(),
        "==" => ordering.is_eq(),
        "!=" => ordering.is_ne(),
        _ => return None,
    })
}
