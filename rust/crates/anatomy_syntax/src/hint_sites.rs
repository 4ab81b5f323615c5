//! Where inlay hints may stand: calls with their arguments, and functions without a return annotation.

use tree_sitter::{Node, Tree};

use crate::{
    call_site::Given,
    extract::kinds::{Kind, fields, kind_of, named_children},
};

/// A call as it is written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallShape {
    /// Past the last byte of the called expression.
    pub callee_end: u32,
    /// Its arguments in order.
    pub arguments: Vec<Argument>,
}

/// An argument as it is written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Argument {
    /// First byte.
    pub start: u32,
    /// How it is given.
    pub given: Given,
    /// The last word of a name or attribute.
    pub word: Option<(u32, u32)>,
    /// True for a number, a text, `True`, `False` or `None`.
    pub is_literal: bool,
}

/// A function that says nothing about what it returns.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FunctionShape {
    /// First byte of its name.
    pub name_start: u32,
    /// Past its parameter list.
    pub parameters_end: u32,
    /// How many `return` statements have a value.
    pub returns: usize,
    /// True if it may end without a value.
    pub returns_nothing: bool,
    /// True if it yields.
    pub yields: bool,
    /// True if its body says nothing: a docstring, `...`, `pass` or `raise NotImplementedError`.
    pub is_stub: bool,
}

/// Calls that touch a range, and functions whose head does, in the order of the text.
#[must_use]
pub fn hint_sites(tree: &Tree, text: &str, (low, high): (u32, u32)) -> (Vec<CallShape>, Vec<FunctionShape>) {
    let (mut calls, mut functions) = (Vec::new(), Vec::new());
    let mut cursor = tree.walk();
    let mut enters = true;
    loop {
        let node = cursor.node();
        let touches = (node.start_byte() as u32) < high && low < node.end_byte() as u32;
        if enters && touches {
            match kind_of(node) {
                Kind::Call => calls.extend(call(node)),
                Kind::Function => functions.extend(function(node, text).filter(|of| low <= of.parameters_end)),
                _ => {}
            }
        }
        if enters && touches && cursor.goto_first_child() {
            continue;
        }
        enters = cursor.goto_next_sibling();
        if !enters && !cursor.goto_parent() {
            return (calls, functions);
        }
    }
}

fn call(node: Node<'_>) -> Option<CallShape> {
    let callee = node.child_by_field_id(fields().function)?;
    let list = node.child_by_field_id(fields().arguments).filter(|list| kind_of(*list) == Kind::ArgumentList)?;
    let arguments = named_children(list).into_iter().map(argument).collect();
    Some(CallShape { callee_end: callee.end_byte() as u32, arguments })
}

fn argument(node: Node<'_>) -> Argument {
    let kind = kind_of(node);
    let given = match kind {
        Kind::KeywordArgument => Given::Keyword(String::new()),
        Kind::ListSplat | Kind::ListSplatPattern => Given::Star,
        Kind::DictionarySplat => Given::DoubleStar,
        _ => Given::Place,
    };
    let word = match kind {
        Kind::Identifier => Some(node),
        Kind::Attribute => node.child_by_field_id(fields().attribute),
        _ => None,
    };
    let is_literal = matches!(
        kind,
        Kind::Integer | Kind::Float | Kind::Str | Kind::ConcatenatedString | Kind::True | Kind::False | Kind::None
    );
    let span = |node: Node<'_>| (node.start_byte() as u32, node.end_byte() as u32);
    Argument { start: span(node).0, given, word: word.map(span), is_literal }
}

fn function(node: Node<'_>, text: &str) -> Option<FunctionShape> {
    if node.child_by_field_id(fields().return_type).is_some() {
        return None;
    }
    let name = node.child_by_field_id(fields().name)?;
    let parameters = node.child_by_field_id(fields().parameters)?;
    let body = node.child_by_field_id(fields().body)?;
    let (mut returns, mut bare, mut yields) = (0, false, false);
    let mut cursor = body.walk();
    let mut enters = true;
    loop {
        let inner = cursor.node();
        let kind = kind_of(inner);
        if enters {
            match kind {
                Kind::Return if inner.named_child_count() == 0 => bare = true,
                Kind::Return => returns += 1,
                Kind::Yield => yields = true,
                _ => {}
            }
        }
        let is_own = !matches!(kind, Kind::Function | Kind::Class | Kind::Lambda);
        if enters && is_own && cursor.goto_first_child() {
            continue;
        }
        enters = cursor.goto_next_sibling();
        if !enters && (!cursor.goto_parent() || cursor.node() == body) {
            break;
        }
    }
    Some(FunctionShape {
        name_start: name.start_byte() as u32,
        parameters_end: parameters.end_byte() as u32,
        returns,
        returns_nothing: bare || !ends(body, text),
        yields,
        is_stub: is_stub(body, text),
    })
}

/// True if no way through a block or statement leads to what follows it.
fn ends(node: Node<'_>, text: &str) -> bool {
    let children = || named_children(node);
    let block = |node: Node<'_>| children_blocks(node).iter().all(|block| ends(*block, text));
    match kind_of(node) {
        Kind::Block => children().iter().any(|statement| ends(*statement, text)),
        Kind::Return => true,
        Kind::If => {
            let has_else = children().iter().any(|child| kind_of(*child) == Kind::Else);
            has_else && children().iter().all(|child| !is_branch(*child) || ends(*child, text))
        }
        Kind::Elif | Kind::Else | Kind::Except | Kind::Case => block(node),
        Kind::With => block(node),
        Kind::Try => {
            let finally = children().into_iter().find(|child| kind_of(*child) == Kind::Finally);
            if finally.is_some_and(|finally| children_blocks(finally).iter().any(|block| ends(*block, text))) {
                return true;
            }
            let body_ends = children_blocks(node).iter().all(|block| ends(*block, text));
            let otherwise = children().into_iter().find(|child| kind_of(*child) == Kind::Else);
            let handlers =
                children().iter().filter(|child| kind_of(**child) == Kind::Except).all(|child| ends(*child, text));
            handlers && (body_ends || otherwise.is_some_and(|otherwise| ends(otherwise, text)))
        }
        Kind::Match => {
            let cases: Vec<Node<'_>> = children_blocks(node).into_iter().flat_map(named_children).collect();
            let takes_all = cases.last().is_some_and(|case| is_open_case(*case, text));
            takes_all && cases.iter().all(|case| ends(*case, text))
        }
        _ => match node.kind() {
            "raise_statement" => true,
            "while_statement" => {
                let condition = node.child_by_field_id(fields().condition);
                let forever = condition.is_some_and(|of| matches!(word(of, text), "True" | "1"));
                forever && !has_break(node)
            }
            _ => false,
        },
    }
}

fn is_branch(node: Node<'_>) -> bool {
    matches!(kind_of(node), Kind::Block | Kind::Elif | Kind::Else)
}

fn children_blocks(node: Node<'_>) -> Vec<Node<'_>> {
    named_children(node).into_iter().filter(|child| kind_of(*child) == Kind::Block).collect()
}

/// `case _:` and `case name:` without a guard.
fn is_open_case(case: Node<'_>, text: &str) -> bool {
    let parts = named_children(case);
    let [pattern, _block] = parts.as_slice() else { return false };
    let pattern = word(*pattern, text);
    !pattern.is_empty()
        && pattern.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
        && !pattern.starts_with(|letter: char| letter.is_ascii_digit())
        && !matches!(pattern, "None" | "True" | "False")
}

/// True if a loop may be left in the middle.
fn has_break(node: Node<'_>) -> bool {
    named_children(node).into_iter().any(|child| match kind_of(child) {
        Kind::Function | Kind::Class | Kind::For | Kind::Lambda => false,
        _ if child.kind() == "while_statement" => false,
        _ => child.kind() == "break_statement" || has_break(child),
    })
}

fn is_stub(body: Node<'_>, text: &str) -> bool {
    named_children(body).into_iter().all(|statement| match statement.kind() {
        "pass_statement" => true,
        "raise_statement" => word(statement, text).contains("NotImplementedError"),
        "expression_statement" => named_children(statement).first().is_some_and(|only| {
            matches!(kind_of(*only), Kind::Str | Kind::ConcatenatedString) || only.kind() == "ellipsis"
        }),
        _ => false,
    })
}

fn word<'t>(node: Node<'_>, text: &'t str) -> &'t str {
    text.get(node.start_byte()..node.end_byte()).unwrap_or_default()
}
