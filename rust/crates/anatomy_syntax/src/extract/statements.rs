//! Statements: assignments, loops, guards, and what broken code still says.

use anatomy_facts::{AnchorKind, Symbol};
use tree_sitter::Node;

use super::{
    ExprRow, Extractor, Span, Use, Value,
    bindings::{PathStep, Taken, is_sequence},
    exprs::tag,
    flow::{Flow, Outcome},
    kinds::{Kind, children_in_field, fields, has_token, kind_of, named_children, type_field},
    operators::operator_of,
    rows::Owner,
    scopes::{Declared, ScopeKind},
    words::mix,
};

/// Longest text, with its quotes, that a module or class gives a name and that becomes a row: longer ones name nothing.
const NAMING: usize = 80;

impl<'t> Extractor<'t> {
    /// Reads the statements of a block or module. A text below an assignment is its docstring.
    pub(crate) fn statements(&mut self, block: Node<'_>) {
        let mut assigned = None;
        for child in named_children(block) {
            if let Some(binding) = assigned {
                self.docstring_in(Owner::Binding(binding), child);
            }
            let before = self.bindings.len();
            self.part(child);
            let is_assignment = kind_of(child) == Kind::ExpressionStatement
                && child.named_child(0).is_some_and(|inner| kind_of(inner) == Kind::Assignment);
            assigned = (is_assignment && self.bindings.len() > before).then(|| self.bindings.len() as u32 - 1);
        }
    }

    /// Reads a statement, a clause or an expression whose value nobody takes.
    pub(crate) fn part(&mut self, node: Node<'_>) {
        self.deeper(node, |this| this.part_inside(node));
    }

    fn part_inside(&mut self, node: Node<'_>) {
        match kind_of(node) {
            Kind::Comment => {}
            Kind::Block => self.statements(node),
            Kind::ExpressionStatement if self.binds_nothing(node) => {}
            Kind::ExpressionStatement if node.named_child_count() == 1 => {
                if let Some(child) = node.named_child(0) {
                    self.part(child);
                    if self.never_returns(child) {
                        self.flow.exit_here();
                    }
                }
            }
            Kind::ExpressionStatement => {
                for child in named_children(node) {
                    self.part(child);
                }
            }
            Kind::Assignment => self.assignment(node),
            Kind::AugmentedAssignment => self.augmented(node),
            Kind::Return => self.returned(node),
            Kind::Delete => {
                for child in named_children(node) {
                    self.delete_target(child);
                }
            }
            Kind::Global => self.declaration_statement(node, Declared::Global),
            Kind::Nonlocal => self.declaration_statement(node, Declared::Nonlocal),
            Kind::Import => self.import(node),
            Kind::ImportFrom | Kind::FutureImport => self.import_from(node),
            Kind::Function => self.function(node, node, &[]),
            Kind::Class => self.class(node, node, &[]),
            Kind::Decorated => self.decorated(node),
            Kind::If => self.conditional_statement(node),
            Kind::Try => self.try_statement(node),
            Kind::For => self.for_statement(node),
            Kind::While => self.while_statement(node),
            Kind::Break => self.flow.break_here(),
            Kind::Continue => self.flow.continue_here(),
            Kind::Raise => {
                self.each_child(node);
                self.flow.stop_here();
            }
            Kind::Assert => self.assert_statement(node),
            Kind::With => self.with_statement(node),
            Kind::Match => self.match_statement(node),
            Kind::TypeAlias => self.type_alias(node),
            Kind::Error => self.broken(node),
            _ => {
                self.expr(node, Use::Read);
            }
        }
    }

    fn assignment(&mut self, node: Node<'_>) {
        let mut targets = Vec::new();
        let mut annotation_node = None;
        let mut right = Some(node);
        while let Some(assignment) = right.filter(|right| kind_of(*right) == Kind::Assignment) {
            targets.extend(assignment.child_by_field_id(fields().left));
            annotation_node = annotation_node.or(assignment.child_by_field_id(type_field()));
            right = assignment.child_by_field_id(fields().right);
        }
        let exported = self.scope == 0
            && targets.iter().any(|target| kind_of(*target) == Kind::Identifier && self.text_of(*target) == "__all__");
        let listing = right.filter(|_| targets.iter().any(|target| self.lists_attributes(*target)));
        let extent = self.span(node);
        let made = right.filter(|_| {
            annotation_node.is_none() && matches!(targets[..], [target] if kind_of(target) == Kind::Identifier)
        });
        let made = made.and_then(|right| self.made_by(right));
        let (value, items) = match right {
            None => (Value::default(), Vec::new()),
            Some(right) if exported => {
                self.exported(right, self.vocabulary.define);
                (Value::default(), Vec::new())
            }
            Some(right) if kind_of(right) == Kind::Str && annotation_node.is_some_and(|said| self.says_alias(said)) => {
                (self.annotation(right), Vec::new())
            }
            Some(right) => {
                let opened = self.scopes[self.scope as usize].kind;
                if !self.outline
                    && matches!(opened, ScopeKind::Module | ScopeKind::Class)
                    && kind_of(right) == Kind::Str
                    && annotation_node.is_none()
                    && self.text_of(right).len() <= NAMING
                {
                    self.string_argument = Some((0, Symbol::NONE));
                }
                let taker = targets.first().map_or(0, |target| self.taker_of(*target));
                let is_paired = targets.iter().any(|target| is_sequence(*target));
                self.taken_by(taker, |this| this.value_and_items(right, is_paired))
            }
        };
        if let Some(listing) = listing {
            self.listed_attributes(listing);
        }
        let annotation = match annotation_node {
            Some(annotation) => self.annotation(annotation),
            None => self.type_comment(extent),
        };
        let words = self.vocabulary;
        let kind = if annotation_node.is_some() { words.annotated } else { words.assign };
        let taken = Taken { kind, value: value.id, annotation: annotation.id, extent };
        for target in targets {
            if let (Some(class), Some(call)) = (&made, right) {
                self.made_class(target, call, class, extent);
                continue;
            }
            match right {
                // `(x): int` declares nothing: only a bare name does.
                None if kind_of(target) == Kind::TuplePattern => {}
                Some(right) if !items.is_empty() => self.pair_target(target, right, &items, taken),
                _ => self.target(target, taken),
            }
        }
    }

    /// True for the annotation `TypeAlias`: what is assigned is a type, also where it is quoted.
    fn says_alias(&self, annotation: Node<'_>) -> bool {
        self.text_of(annotation).rsplit('.').next() == Some("TypeAlias")
    }

    /// The hash of a target, for what it takes.
    pub(crate) fn taker_of(&mut self, target: Node<'_>) -> u64 {
        match kind_of(target) {
            Kind::Identifier => self.word(target).hash,
            Kind::Attribute => {
                target.child_by_field_id(fields().attribute).map_or(0, |word| mix(1, self.word(word).hash))
            }
            _ => target
                .named_child(0)
                .filter(|child| kind_of(*child) == Kind::Identifier)
                .map_or(0, |child| mix(2, self.word(child).hash)),
        }
    }

    /// The value of a right side, with the values of its items where targets take them one by one.
    fn value_and_items(&mut self, right: Node<'_>, is_paired: bool) -> (Value, Vec<Value>) {
        match kind_of(right) {
            Kind::Tuple | Kind::ExpressionList | Kind::PatternList if is_paired => {
                let starred = named_children(right).iter().any(|child| {
                    matches!(kind_of(*child), Kind::ListSplat | Kind::ListSplatPattern | Kind::Parenthesized)
                });
                let (value, items) = self.tuple_of_all(right);
                (value, if starred { Vec::new() } else { items })
            }
            Kind::PatternList => {
                let name = self.vocabulary.tuple;
                (self.display(right, name, name, Use::Followed), Vec::new())
            }
            Kind::AugmentedAssignment => {
                self.augmented(right);
                (Value::default(), Vec::new())
            }
            _ => (self.expr(right, Use::Followed), Vec::new()),
        }
    }

    fn augmented(&mut self, node: Node<'_>) {
        let Some(left) = node.child_by_field_id(fields().left) else { return };
        let right = node.child_by_field_id(fields().right);
        let is_name = kind_of(left) == Kind::Identifier;
        let mark = self.anchors.len();
        let before = if is_name { self.name_use(left, self.vocabulary.augmented) } else { Value::default() };
        let mut value = Value::default();
        if let Some(right) = right {
            if is_name && self.scope == 0 && self.text_of(left) == "__all__" {
                self.exported(right, self.vocabulary.add);
            } else {
                let taker = self.taker_of(left);
                (value, _) = self.taken_by(taker, |this| this.value_and_items(right, false));
            }
        }
        let kind = self.vocabulary.augmented;
        let extent = self.span(node);
        if is_name {
            let value = self.in_place(node, before, value).id;
            self.target(left, Taken { kind, value, annotation: 0, extent });
        } else {
            self.target(left, Taken { kind, value: value.id, annotation: 0, extent });
            let before = self.read_since(mark, left);
            self.in_place(node, before, value);
        }
    }

    /// The row of what `x += y` asks `x` for; what it gives is the value of `x` from then on.
    fn in_place(&mut self, node: Node<'_>, left: Value, right: Value) -> Value {
        let name = self.in_place_method(operator_of(node));
        if self.outline || left.id == 0 || name == Symbol::NONE {
            return left;
        }
        let row = ExprRow { name, ..self.row(self.vocabulary.augmented, left.id, Symbol::NONE, right.id) };
        let shape = mix(mix(tag::AUGMENTED, left.shape), self.words.of(name.text()).hash);
        self.followed(node, shape, row)
    }

    /// A name, attribute or subscript that was read since there were so many anchors.
    pub(crate) fn read_since(&self, mark: usize, node: Node<'_>) -> Value {
        let extent = self.span(node);
        let found = self.anchors[mark..]
            .iter()
            .find(|anchor| (anchor.extent_start, anchor.extent_end) == extent && anchor.kind != AnchorKind::Binding);
        found.map_or_else(Value::default, |anchor| Value { id: anchor.id, shape: anchor.id })
    }

    fn declaration_statement(&mut self, node: Node<'_>, declared: Declared) {
        for name in named_children(node) {
            if kind_of(name) == Kind::Identifier {
                let word = self.word(name);
                if self.scopes[self.scope as usize].kind != ScopeKind::Module {
                    self.declare(word.symbol, declared);
                }
                self.name_use(name, self.vocabulary.load);
            }
        }
    }

    fn conditional_statement(&mut self, node: Node<'_>) {
        let outer = self.branch;
        let words = self.vocabulary;
        let mut guard = Symbol::NONE;
        let mut decided = None;
        let mut outcome = Outcome::default();
        // Where control goes on. What is bound in a branch that is never taken does not get out of it.
        let mut ends = Vec::new();
        for child in named_children(node) {
            match kind_of(child) {
                Kind::Block => {
                    let is_dead = decided == Some(false);
                    self.flow.enter(&outcome.yes);
                    self.under(if is_dead { words.unreachable } else { guard }, |this| this.statements(child));
                    ends.extend((!is_dead).then(|| self.flow.here()));
                }
                Kind::Elif => {
                    let was_taken = decided == Some(true);
                    self.flow.enter(&outcome.no);
                    if let Some(condition) = child.child_by_field_id(fields().condition) {
                        let around = if was_taken { words.unreachable } else { words.conditional };
                        self.under(around, |this| this.expr(condition, Use::Read));
                        guard = self.guard_of(condition);
                        decided = if was_taken { decided } else { self.decided(condition) };
                        outcome = self.outcome_of(condition);
                    }
                    let is_dead = was_taken || decided == Some(false);
                    self.flow.enter(&outcome.yes);
                    for block in named_children(child) {
                        if kind_of(block) == Kind::Block {
                            let guard = if is_dead { words.unreachable } else { guard };
                            self.under(guard, |this| this.statements(block));
                        }
                    }
                    ends.extend((!is_dead).then(|| self.flow.here()));
                }
                Kind::Else => {
                    let is_dead = decided == Some(true);
                    self.flow.enter(&outcome.no);
                    outcome.no = Vec::new();
                    for block in named_children(child) {
                        self.under(if is_dead { words.unreachable } else { guard }, |this| this.part(block));
                    }
                    ends.extend((!is_dead).then(|| self.flow.here()));
                }
                _ => {
                    guard = self.guard_of(child);
                    decided = self.decided(child);
                    self.part(child);
                    outcome = self.outcome_of(child);
                }
            }
        }
        if decided != Some(true) {
            ends.extend(outcome.no);
        }
        self.flow.enter(&ends);
        self.branch = outer;
    }

    /// Reads under a guard. Inside a more telling one, `conditional` says nothing new; what is unreachable stays so.
    pub(crate) fn under<T>(&mut self, guard: Symbol, read: impl FnOnce(&mut Self) -> T) -> T {
        let outer = self.branch;
        let says_nothing = guard == self.vocabulary.conditional && outer != Symbol::NONE;
        if guard != Symbol::NONE && !says_nothing && outer != self.vocabulary.unreachable {
            self.branch = guard;
        }
        let value = read(self);
        self.branch = outer;
        value
    }

    fn try_statement(&mut self, node: Node<'_>) {
        let words = self.vocabulary;
        let children = named_children(node);
        let catches_import = children.iter().any(|child| {
            kind_of(*child) == Kind::Except
                && child.child_by_field_id(fields().value).is_some_and(|value| {
                    let text = self.text_of(value);
                    text.contains("ImportError") || text.contains("ModuleNotFoundError")
                })
        });
        let last = children.iter().copied().find(|child| kind_of(*child) == Kind::Finally);
        let trying = self.flow.open_try(last.is_some());
        let mut caught = None;
        let mut normal = None;
        let mut ends = Vec::new();
        for child in children {
            let guard = match kind_of(child) {
                Kind::Block if catches_import => words.try_import,
                Kind::Except if catches_import => words.except_import,
                Kind::Except | Kind::Else => words.conditional,
                _ => Symbol::NONE,
            };
            self.under(guard, |this| match kind_of(child) {
                Kind::Except => {
                    let end = *normal.get_or_insert(this.flow.here());
                    let dispatch = *caught.get_or_insert_with(|| this.flow.caught(&trying));
                    this.flow.enter(&[dispatch]);
                    this.except_clause(child);
                    ends.push(this.flow.here());
                    this.flow.go(end);
                }
                Kind::Else => {
                    let end = normal.unwrap_or(this.flow.here());
                    this.flow.enter(&[end]);
                    this.clause(child);
                    normal = Some(this.flow.here());
                }
                Kind::Finally => {}
                _ => this.clause(child),
            });
        }
        ends.push(normal.unwrap_or(self.flow.here()));
        Flow::close_try(self, &trying, &ends, |this| {
            if let Some(last) = last {
                this.clause(last);
            }
        });
    }

    /// A clause with nothing of its own but a block.
    fn clause(&mut self, node: Node<'_>) {
        match kind_of(node) {
            Kind::Else | Kind::Finally => self.statements(node),
            _ => self.part(node),
        }
    }

    fn except_clause(&mut self, node: Node<'_>) {
        let first = self.bindings.len() as u32;
        let mut past = first;
        let alias = node.child_by_field_id(fields().alias);
        for child in named_children(node) {
            match kind_of(child) {
                Kind::Block => {
                    past = self.bindings.len() as u32;
                    self.statements(child);
                }
                Kind::AsPattern => {
                    let parts = named_children(child);
                    let Some((value, targets)) = parts.split_first() else { continue };
                    let value = self.expr(*value, Use::Followed);
                    for target in targets {
                        self.except_target(*target, value, self.span(child));
                    }
                }
                _ if Some(child) == alias => {}
                _ => {
                    let value = self.expr(child, Use::Followed);
                    if let Some(alias) = alias {
                        self.except_target(alias, value, self.span(node));
                    }
                }
            }
        }
        for target in first..past {
            self.flow.unbound(target);
        }
    }

    /// The name of a caught exception: an instance of the class, so the class is its annotation.
    fn except_target(&mut self, target: Node<'_>, class: Value, extent: Span) {
        let kind = self.vocabulary.except;
        self.target(target, Taken { kind, value: 0, annotation: class.id, extent });
    }

    fn for_statement(&mut self, node: Node<'_>) {
        let right = node.child_by_field_id(fields().right);
        let value = right.map_or_else(Value::default, |right| self.expr(right, Use::Followed));
        let head = self.flow.enter(&[self.flow.here()]);
        self.flow.open_loop();
        self.flow.enter(&[head]);
        if let Some(left) = node.child_by_field_id(fields().left) {
            self.path.push(if has_token(node, "async") { PathStep::AsyncElement } else { PathStep::Element });
            let kind = self.vocabulary.for_target;
            let extent = (self.span(left).0, self.span(right.unwrap_or(left)).1);
            self.target(left, Taken { kind, value: value.id, annotation: 0, extent });
            self.path.pop();
        }
        self.looped(node, &[fields().left, fields().right], head, &[head]);
    }

    fn while_statement(&mut self, node: Node<'_>) {
        let head = self.flow.enter(&[self.flow.here()]);
        let mut outcome = Outcome { yes: vec![head], no: vec![head] };
        if let Some(condition) = node.child_by_field_id(fields().condition) {
            self.expr(condition, Use::Read);
            outcome = self.outcome_of(condition);
        }
        self.flow.open_loop();
        self.flow.enter(&outcome.yes);
        self.looped(node, &[fields().condition], head, &outcome.no);
    }

    /// The body of a loop and its `else`. `head` decides whether there is another round, `left` are the blocks after the last.
    fn looped(&mut self, node: Node<'_>, read: &[u16], head: u32, left: &[u32]) {
        let mut last = None;
        self.rest(node, read, |this, child| {
            if kind_of(child) == Kind::Else && last.is_none() {
                last = Some(child);
            } else {
                this.clause(child);
            }
        });
        let (breaks, continues) = self.flow.close_loop();
        self.flow.lead(head, &[self.flow.here()]);
        self.flow.lead(head, &continues);
        self.flow.enter(left);
        if let Some(last) = last {
            self.clause(last);
        }
        let mut ends = breaks;
        ends.push(self.flow.here());
        self.flow.enter(&ends);
    }

    fn assert_statement(&mut self, node: Node<'_>) {
        let children = named_children(node);
        let Some((condition, message)) = children.split_first() else { return };
        self.part(*condition);
        let outcome = self.outcome_of(*condition);
        if !message.is_empty() {
            self.flow.enter(&outcome.no);
        }
        for part in message {
            self.part(*part);
        }
        self.flow.enter(&outcome.yes);
    }

    /// Reads the children of a statement that stand in none of the fields that were read already.
    fn rest<'n>(&mut self, node: Node<'n>, read: &[u16], mut clause: impl FnMut(&mut Self, Node<'n>)) {
        let done: Vec<usize> = read.iter().flat_map(|field| children_in_field(node, *field)).map(|n| n.id()).collect();
        for child in named_children(node) {
            if !done.contains(&child.id()) {
                clause(self, child);
            }
        }
    }

    fn with_statement(&mut self, node: Node<'_>) {
        let enter = if has_token(node, "async") { PathStep::AsyncEnter } else { PathStep::Enter };
        let first = self.flow.open_with();
        for child in named_children(node) {
            match kind_of(child) {
                Kind::WithClause => {
                    let outer = std::mem::replace(&mut self.enter, enter);
                    for item in named_children(child) {
                        self.with_item(item);
                    }
                    self.enter = outer;
                }
                _ => self.part(child),
            }
        }
        self.flow.close_with(first);
    }

    fn with_item(&mut self, item: Node<'_>) {
        for value in named_children(item) {
            match kind_of(value) {
                Kind::AsPattern => self.as_pattern(value),
                _ => {
                    self.expr(value, Use::Read);
                }
            }
        }
    }

    fn match_statement(&mut self, node: Node<'_>) {
        let subjects = children_in_field(node, fields().subject);
        let values: Vec<Value> = subjects.iter().map(|subject| self.expr(*subject, Use::Followed)).collect();
        let subject = if let [value] = values.as_slice() { *value } else { Value::default() };
        let tested = if let [node] = subjects.as_slice() { self.subject(*node) } else { None };
        let mut ends = Vec::new();
        for child in named_children(node) {
            match kind_of(child) {
                Kind::Block => {
                    for case in named_children(child) {
                        self.under(self.vocabulary.conditional, |this| match kind_of(case) {
                            Kind::Case => ends.push(this.case(case, subject, tested)),
                            _ => this.part(case),
                        });
                    }
                }
                _ if subjects.contains(&child) => {}
                Kind::Case => ends.push(self.case(child, subject, tested)),
                _ => self.part(child),
            }
        }
        ends.push(self.flow.here());
        self.flow.enter(&ends);
    }

    fn type_alias(&mut self, node: Node<'_>) {
        let left = node.child_by_field_id(fields().left);
        let right = node.child_by_field_id(fields().right);
        let Some(left) = left else { return self.each_child(node) };
        let extent = self.span(node);
        let inner = named_children(left);
        let inner = inner.first().copied().unwrap_or(left);
        let (name, parameters) = match kind_of(inner) {
            Kind::GenericType | Kind::Subscript => {
                let parts = named_children(inner);
                let (name, rest) = parts.split_first().map_or((inner, &[][..]), |(name, rest)| (*name, rest));
                (name, rest.to_vec())
            }
            Kind::Identifier => (inner, Vec::new()),
            _ => return self.type_call_assignment(node, inner, right),
        };
        let word = self.word(name);
        let span = self.span(name);
        let type_params = self.open_type_params(&parameters, word, extent);
        let value = right.map_or_else(Value::default, |right| self.annotation(right));
        let kind = self.vocabulary.type_alias;
        let around = type_params.as_ref().map_or(self.scope, |parameters| parameters.outer);
        let binding = self.bind(around, word, span, Taken { kind, value: value.id, annotation: 0, extent });
        self.own_type_params(&type_params, binding);
        self.close_type_params(type_params);
    }

    /// `type(x).y = z`, which the grammar takes for a type alias.
    fn type_call_assignment(&mut self, node: Node<'_>, target: Node<'_>, right: Option<Node<'_>>) {
        if let Some(right) = right {
            self.expr(right, Use::Followed);
        }
        if let Some(keyword) = node.child(0) {
            self.type_call_target(keyword, target);
        }
    }

    fn type_call_target(&mut self, keyword: Node<'_>, target: Node<'_>) -> Value {
        self.deeper(target, |this| match kind_of(target) {
            Kind::Attribute | Kind::Subscript | Kind::Call => {
                let fields = fields();
                let base = [fields.object, fields.value, fields.function]
                    .into_iter()
                    .find_map(|field| target.child_by_field_id(field));
                let base = base.map_or_else(Value::default, |base| this.type_call_target(keyword, base));
                if kind_of(target) == Kind::Attribute {
                    return this.attribute_of(base, target, this.vocabulary.store);
                }
                for part in named_children(target).into_iter().skip(1) {
                    this.part(part);
                }
                Value::default()
            }
            _ => {
                let callee = this.name_use(keyword, this.vocabulary.load);
                let call = this.called(target, callee);
                this.each_child(target);
                call
            }
        })
    }

    /// What an error node still says: statements and expressions inside it, and definitions that were begun.
    pub(crate) fn broken(&mut self, node: Node<'_>) {
        let mut cursor = node.walk();
        if !cursor.goto_first_child() {
            return;
        }
        self.errors_around += 1;
        let mut before = "";
        loop {
            let child = cursor.node();
            let kind = kind_of(child);
            let words = self.vocabulary;
            // Recovery takes keywords that it did not expect for names.
            let keyword = if kind == Kind::Identifier { keyword(self.text_of(child)) } else { "" };
            match (before, kind) {
                _ if !keyword.is_empty() => {}
                ("def", Kind::Identifier) | ("class", Kind::Identifier) => {
                    let word = self.word(child);
                    let span = self.span(child);
                    let kind = if before == "def" { words.function } else { words.class };
                    let extent = (span.0, self.span(node).1.min(span.1));
                    self.bind(self.scope, word, span, Taken { kind, value: 0, annotation: 0, extent });
                }
                (_, Kind::Parameters | Kind::LambdaParameters) => self.broken_parameters(child),
                (_, _) if child.is_named() && kind != Kind::Comment => match kind {
                    Kind::DottedName => self.dotted_use(child),
                    Kind::KeywordArgument => {
                        if let Some(value) = child.child_by_field_id(fields().value) {
                            self.expr(value, Use::Read);
                        }
                    }
                    _ => self.part(child),
                },
                _ => {}
            }
            before = if child.is_named() { keyword } else { child.kind() };
            if !cursor.goto_next_sibling() {
                break;
            }
        }
        self.errors_around -= 1;
    }

    /// Defaults and annotations of parameters whose function is lost.
    fn broken_parameters(&mut self, node: Node<'_>) {
        for parameter in named_children(node) {
            let parts = [parameter.child_by_field_id(fields().value), parameter.child_by_field_id(type_field())];
            for part in parts.into_iter().flatten() {
                self.expr(part, Use::Read);
            }
        }
    }

    /// A dotted name outside an import: a chain of attributes that was never finished.
    pub(crate) fn dotted_use(&mut self, node: Node<'_>) {
        if let Some(first) = named_children(node).first() {
            self.name_use(*first, self.vocabulary.load);
        }
    }
}

/// The text, if it is a keyword that starts statements.
fn keyword(text: &str) -> &'static str {
    const WORDS: [&str; 20] = [
        "def", "class", "return", "import", "from", "if", "elif", "else", "for", "while", "try", "except", "finally",
        "with", "raise", "del", "pass", "assert", "async", "lambda",
    ];
    WORDS.into_iter().find(|word| *word == text).unwrap_or_default()
}
