//! What an expression before a dot or a bracket may be.
//!
//! The views know most of it; where the half-typed line keeps the extractor from seeing the expression, its parts are
//! followed one by one: a name through the scopes, an attribute through the class, a call through the result.

use anatomy_facts::{AnchorKind, Id, Symbol};
use anatomy_syntax::cursor::{Primary, Root, StepKind};
use arrow::array::{ArrayRef, UInt32Array, UInt64Array};
use std::sync::Arc;

use super::super::Answers;
use super::Asked;

/// A thing that an expression may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Value {
    pub(super) kind: Kind,
    /// The class, function or module scope.
    pub(super) target: Id,
}

/// What kind of thing it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Instance,
    Class,
    Function,
    Module,
    Super,
}

impl Kind {
    /// The word that the views have for it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Kind::Instance => "instance",
            Kind::Class => "class",
            Kind::Function => "function",
            Kind::Module => "module",
            Kind::Super => "super",
        }
    }
}

impl Value {
    fn of(kind: &str, target: Id) -> Option<Value> {
        let kind = match kind {
            "instance" => Kind::Instance,
            "class" => Kind::Class,
            "function" => Kind::Function,
            "module" => Kind::Module,
            "super" => Kind::Super,
            _ => return None,
        };
        Some(Value { kind, target })
    }
}

impl Answers {
    /// Values of columns of the rows of a relation where each of the given columns has the given value.
    pub(super) fn rows_where(&self, relation: &str, keys: &[(&str, u64)], columns: &[&str]) -> Vec<Vec<u64>> {
        let Some(number) = self.engine.relation_number(relation) else { return vec![] };
        let relation = self.snapshot.relation(number);
        let schema = relation.schema();
        let mut by = Vec::new();
        let mut values: Vec<ArrayRef> = Vec::new();
        for (name, value) in keys {
            let Ok(column) = schema.index_of(name) else { return vec![] };
            by.push(column);
            values.push(match schema.field(column).data_type() {
                arrow::datatypes::DataType::UInt32 => Arc::new(UInt32Array::from(vec![*value as u32])),
                _ => Arc::new(UInt64Array::from(vec![*value])),
            });
        }
        let (_, found) = relation.look_up(&by, &values);
        let columns: Vec<usize> = columns.iter().filter_map(|name| schema.index_of(name).ok()).collect();
        found.iter().map(|row| columns.iter().map(|column| relation.number(*column, *row)).collect()).collect()
    }

    /// What the views say that an expression or binding may be.
    pub(super) fn known_values(&self, node: Id) -> Vec<Value> {
        let slot = u64::from(Symbol::of("value").0);
        let rows = self.rows("value", "node", node, &["slot", "kind", "target"]);
        let values = rows.iter().filter(|row| row[0] == slot);
        let mut values: Vec<Value> = values.filter_map(|row| Value::of(Symbol(row[1] as u32).text(), row[2])).collect();
        values.sort_by_key(|value| value.target);
        values.dedup();
        values
    }

    /// What a binding stands for: itself if it is a definition, what it imports, or the value that it takes.
    pub(super) fn values_of_binding(&self, binding: Id) -> Vec<Value> {
        let row = self.rows("bindings", "binding", binding, &["kind", "annotation_expr", "value_expr"]);
        let Some(row) = row.first() else { return vec![] };
        match Symbol(row[0] as u32).text() {
            "class" => vec![Value { kind: Kind::Class, target: binding }],
            "function" => vec![Value { kind: Kind::Function, target: binding }],
            "import" | "import_from" => {
                let rows = self.rows("import_target", "binding", binding, &["target", "kind"]);
                let mut values: Vec<Value> =
                    rows.iter().flat_map(|row| self.values_of_target(row[0], Symbol(row[1] as u32))).collect();
                values.dedup();
                values
            }
            _ => {
                let values = self.known_values(binding);
                if !values.is_empty() {
                    return values;
                }
                let annotated = self.said_by(row[1]);
                if annotated.is_empty() && row[2] != 0 { self.known_values(row[2]) } else { annotated }
            }
        }
    }

    /// What a target of a reference stands for.
    pub(super) fn values_of_target(&self, target: Id, kind: Symbol) -> Vec<Value> {
        match kind.text() {
            "module" => vec![Value { kind: Kind::Module, target }],
            _ => self.values_of_binding(target),
        }
    }

    /// What an annotation says that a value is.
    fn said_by(&self, annotation: Id) -> Vec<Value> {
        if annotation == 0 {
            return vec![];
        }
        let rows = self.rows("type_value", "node", annotation, &["kind", "target"]);
        rows.iter().filter_map(|row| Value::of(Symbol(row[0] as u32).text(), row[1])).collect()
    }

    /// What a call of a function yields.
    fn results_of(&self, function: Id) -> Vec<Value> {
        let annotation = Symbol::of("annotation").0;
        let rows = self.rows("returns", "function", function, &["expr", "kind"]);
        let said: Vec<Value> =
            rows.iter().filter(|row| row[1] as u32 == annotation).flat_map(|row| self.said_by(row[0])).collect();
        if !said.is_empty() {
            return said;
        }
        let returned = Symbol::of("return").0;
        rows.iter().filter(|row| row[1] as u32 == returned).flat_map(|row| self.known_values(row[0])).collect()
    }

    /// What calling something yields.
    fn called(&self, callee: Value) -> Vec<Value> {
        match callee.kind {
            Kind::Class => vec![Value { kind: Kind::Instance, target: callee.target }],
            Kind::Function => self.results_of(callee.target),
            Kind::Instance => {
                let call = self.reached(callee, Symbol::of("__call__"));
                call.into_iter().filter(|value| value.kind == Kind::Function).flat_map(|f| self.called(f)).collect()
            }
            Kind::Module | Kind::Super => vec![],
        }
    }

    /// Ancestors of a class in the order in which they are asked, itself first.
    pub(super) fn resolution_order(&self, class: Id) -> Vec<Id> {
        let mut rows = self.rows("mro", "class", class, &["path", "ancestor"]);
        rows.sort_unstable();
        let mut order: Vec<Id> = rows.into_iter().map(|row| row[1]).collect();
        if order.is_empty() {
            order.push(class);
        }
        let object = self.builtin("object");
        if let Some(object) = object.filter(|object| !order.contains(object)) {
            order.push(object);
        }
        let mut seen = std::collections::HashSet::new();
        order.retain(|class| seen.insert(*class));
        order
    }

    /// A name of the module `builtins`.
    pub(super) fn builtin(&self, name: &str) -> Option<Id> {
        self.module_name(Symbol::of("builtins"), Symbol::of(name)).map(|(target, _)| target)
    }

    /// What a name of a module is when the module has run: its target and kind.
    pub(super) fn module_name(&self, module: Symbol, name: Symbol) -> Option<(Id, Symbol)> {
        let keys = [("module", u64::from(module.0)), ("name", u64::from(name.0))];
        let rows = self.rows_where("module_choice", &keys, &["target", "kind"]);
        rows.first().map(|row| (row[0], Symbol(row[1] as u32)))
    }

    /// The dotted name of a module, by its scope.
    pub(super) fn module_at(&self, scope: Id) -> Option<Symbol> {
        self.rows("files", "scope", scope, &["module"]).first().map(|row| Symbol(row[0] as u32))
    }

    /// What an attribute of something may be.
    fn reached(&self, owner: Value, name: Symbol) -> Vec<Value> {
        if owner.kind == Kind::Module {
            let Some(module) = self.module_at(owner.target) else { return vec![] };
            let found = self.module_name(module, name);
            return found.map_or_else(Vec::new, |(target, kind)| self.values_of_target(target, kind));
        }
        let skip = usize::from(owner.kind == Kind::Super);
        for class in self.resolution_order(owner.target).into_iter().skip(skip) {
            let keys = [("class", class), ("name", u64::from(name.0))];
            let members = self.rows_where("class_member", &keys, &["target"]);
            let mut values: Vec<Value> = Vec::new();
            for member in &members {
                let bound = self.values_of_binding(member[0]);
                let is_function = bound.first().is_some_and(|value| value.kind == Kind::Function);
                if owner.kind != Kind::Class && is_function && self.is_property(member[0]) {
                    values.extend(self.results_of(member[0]));
                    continue;
                }
                values.extend(bound);
            }
            if !members.is_empty() {
                values.dedup();
                return values;
            }
        }
        vec![]
    }

    /// The name of the class of a value of a binding, for people.
    pub(super) fn value_name(&self, binding: Id) -> Option<&'static str> {
        let values = self.values_of_binding(binding);
        let value = values.iter().find(|value| matches!(value.kind, Kind::Instance | Kind::Class))?;
        Some(self.name_of_binding(value.target))
    }
}

impl Asked<'_> {
    /// What a primary may be, all of its steps taken.
    pub(super) fn values(&self, primary: &Primary) -> Vec<Value> {
        self.values_up_to(primary, primary.steps.len())
    }

    /// What a primary may be after some of its steps.
    pub(super) fn values_up_to(&self, primary: &Primary, steps: usize) -> Vec<Value> {
        if let Some(node) = self.node(primary, steps) {
            let values = self.answers.known_values(node);
            if !values.is_empty() {
                return values;
            }
        }
        let Some(last) = steps.checked_sub(1).map(|at| primary.steps[at]) else { return self.root(primary) };
        let is_super = steps == 1 && last.kind == StepKind::Call && primary.root == Root::Name;
        if is_super && self.slice((primary.start, primary.root_end)) == "super" {
            let class = self.class_around();
            return class.map_or_else(Vec::new, |target| vec![Value { kind: Kind::Super, target }]);
        }
        let owners = self.values_up_to(primary, steps - 1);
        let mut values: Vec<Value> = match last.kind {
            StepKind::Attribute => {
                let name = Symbol::of(self.slice(last.word));
                owners.into_iter().flat_map(|owner| self.answers.reached(owner, name)).collect()
            }
            StepKind::Call => owners.into_iter().flat_map(|callee| self.answers.called(callee)).collect(),
            StepKind::Subscript => owners.into_iter().filter(|owner| owner.kind == Kind::Class).collect(),
        };
        values.dedup();
        values
    }

    pub(super) fn slice(&self, span: (u32, u32)) -> &str {
        self.text.get(span.0 as usize..span.1 as usize).unwrap_or_default()
    }

    /// The expression that the last reading of the file has there.
    fn node(&self, primary: &Primary, steps: usize) -> Option<Id> {
        let anchors = self.view.anchors();
        let Some(last) = steps.checked_sub(1).map(|at| primary.steps[at]) else {
            let word = (primary.start, primary.root_end);
            return match primary.root {
                Root::Name => self.anchored(word, AnchorKind::Reference),
                Root::Literal(_) => self.anchored(word, AnchorKind::Expression),
                Root::Brackets => {
                    let inner = self.slice((word.0 + 1, word.1.saturating_sub(1).max(word.0 + 1)));
                    let start = word.0 + 1 + (inner.len() - inner.trim_start().len()) as u32;
                    let span = (start, start + inner.trim().len() as u32);
                    let extent = |anchor: &&anatomy_facts::Anchor| {
                        (anchor.extent_start, anchor.extent_end) == span
                            && matches!(anchor.kind, AnchorKind::Reference | AnchorKind::Expression)
                    };
                    anchors.iter().find(extent).map(|anchor| anchor.id)
                }
            };
        };
        if last.kind != StepKind::Attribute {
            return self.anchored(last.word, AnchorKind::Expression);
        }
        let from = anchors.partition_point(|anchor| anchor.start < last.word.0);
        let same = anchors[from..].iter().take_while(|anchor| anchor.start == last.word.0);
        let whole = |anchor: &&anatomy_facts::Anchor| {
            anchor.end == last.word.1 && anchor.extent_start == primary.start && anchor.kind == AnchorKind::Reference
        };
        same.into_iter().find(whole).map(|anchor| anchor.id)
    }

    /// What a primary begins with.
    fn root(&self, primary: &Primary) -> Vec<Value> {
        match primary.root {
            Root::Name => self.named(Symbol::of(self.slice((primary.start, primary.root_end)))),
            Root::Literal(class) => {
                let class = self.answers.builtin(class);
                class.map_or_else(Vec::new, |target| vec![Value { kind: Kind::Instance, target }])
            }
            Root::Brackets => vec![],
        }
    }

    /// What a plain name may be at the cursor.
    fn named(&self, name: Symbol) -> Vec<Value> {
        for seen in &self.scopes {
            let rows = self.answers.rows("bindings", "scope", seen.scope, &["name", "binding", "kind"]);
            let same = rows.iter().filter(|row| row[0] as u32 == name.0);
            let mut bound: Vec<(bool, u32, Id)> = Vec::new();
            for row in same.filter(|row| Symbol(row[2] as u32).text() != "delete") {
                let start = self.view.anchor(row[1]).map_or(0, |anchor| anchor.start);
                bound.push((start < self.cursor.word.0, start, row[1]));
            }
            bound.sort_unstable_by(|left, right| right.cmp(left));
            if bound.is_empty() {
                continue;
            }
            let mut found = bound.into_iter().map(|(_, _, binding)| self.answers.values_of_binding(binding));
            return found.find(|values| !values.is_empty()).unwrap_or_default();
        }
        // The head of a method may be lost to the broken line; its first parameter goes by its customary name.
        let customary = match name.text() {
            "self" => Some(Kind::Instance),
            "cls" => Some(Kind::Class),
            _ => None,
        };
        if let (Some(kind), Some(target)) = (customary, self.class_around()) {
            return vec![Value { kind, target }];
        }
        let outside = self.answers.module_name(self.module, name);
        let outside = outside.or_else(|| self.answers.module_name(Symbol::of("builtins"), name));
        outside.map_or_else(Vec::new, |(target, kind)| self.answers.values_of_target(target, kind))
    }
}
