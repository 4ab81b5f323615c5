//! Functions and lambdas: parameters, what they return, and the scopes that they open.

use anatomy_facts::{Id, Symbol};
use tree_sitter::Node;

use super::{
    Extractor, Span, Use, Value,
    annotations::types_in_comment,
    bindings::Taken,
    exprs::{last_word, tag},
    kinds::{Kind, fields, has_token, kind_of, named_children, type_field},
    rows::{Owner, ParamRow, ReturnRow, TypeParamRow},
    scopes::{NOTHING, ScopeKind},
    words::{Word, mix, text_hash},
};

/// A decorator that was read: its expression and its last word.
pub(crate) struct Decoration<'t> {
    pub(crate) expr: Id,
    pub(crate) name: &'t str,
}

/// Type parameters whose scope is open: the scope around them, and their rows.
pub(crate) struct TypeParams {
    pub(crate) outer: u32,
    first: usize,
    count: usize,
}

/// A parameter whose default and annotation were read.
struct Parameter {
    word: Word,
    span: Span,
    extent: Span,
    kind: Symbol,
    default: Id,
    optional: bool,
    annotation: Id,
}

impl<'t> Extractor<'t> {
    pub(crate) fn decorated(&mut self, node: Node<'_>) {
        let mut decorations = Vec::new();
        for child in named_children(node) {
            match kind_of(child) {
                Kind::Decorator => {
                    for expression in named_children(child) {
                        let value = self.expr(expression, Use::Followed);
                        let text = self.text_of(expression);
                        let name = last_word(text.split('(').next().unwrap_or(text));
                        decorations.push(Decoration { expr: value.id, name });
                    }
                }
                Kind::Function => self.function(child, node, &decorations),
                Kind::Class => self.class(child, node, &decorations),
                _ => self.part(child),
            }
        }
    }

    pub(crate) fn function(&mut self, node: Node<'_>, whole: Node<'_>, decorations: &[Decoration<'t>]) {
        let Some(name) = node.child_by_field_id(fields().name) else {
            return self.broken(node);
        };
        let words = self.vocabulary;
        let word = self.word(name);
        let (span, extent) = (self.span(name), self.span(whole));
        let enclosing = self.scope;
        let branch = self.branch;
        let parameters_node = node.child_by_field_id(fields().parameters);
        let defaults = parameters_node.map_or_else(Vec::new, |list| self.defaults(list));
        let type_params: Vec<Node<'_>> = node.child_by_field_id(fields().type_parameters).into_iter().collect();
        let outer = self.open_type_params(&type_params, word, self.span(node));
        let mut parameters = parameters_node.map_or_else(Vec::new, |list| self.parameters(list, &defaults));
        let returned = match node.child_by_field_id(fields().return_type) {
            Some(annotation) => Some(self.annotation(annotation)),
            None => self.function_comment(node, &mut parameters),
        };
        let taken = Taken { kind: words.function, value: 0, annotation: 0, extent };
        let binding = self.bind(enclosing, word, span, taken);
        self.own_type_params(&outer, binding);
        self.decorations(binding, decorations);

        let is_async = self.text_of(node).starts_with("async");
        let around = self.open_scope(ScopeKind::Function, word, 0, self.span(node));
        self.branch = Symbol::NONE;
        let scope = self.scope;
        self.bindings[binding as usize].body = scope;
        let in_class = self.scopes[enclosing as usize].kind == ScopeKind::Class;
        let is_static = decorations.iter().any(|decoration| decoration.name == "staticmethod");
        {
            let opened = &mut self.scopes[scope as usize];
            opened.definition = binding;
            opened.is_async = is_async;
            let first = parameters.first().filter(|first| {
                in_class && !is_static && (first.kind == words.positional || first.kind == words.positional_only)
            });
            opened.receiver = first.map_or(Symbol::NONE, |first| first.word.symbol);
        }
        self.bind_parameters(parameters, binding);
        if let Some(returned) = returned
            && returned.id != 0
        {
            self.pending.returns.push(ReturnRow { scope, expr: returned.id, kind: words.annotation });
        }
        if let Some(body) = node.child_by_field_id(fields().body) {
            self.docstring(Owner::Binding(binding), body);
            if !self.is_of_no_consequence(body, returned.is_some()) {
                self.statements(body);
            }
        }
        // What error recovery left between the parts.
        for child in named_children(node) {
            if kind_of(child) == Kind::Error {
                self.broken(child);
            }
        }
        self.close_scope(around);
        self.branch = branch;
        self.close_type_params(outer);
    }

    /// The result in a comment `# type: (int, str) -> X` at the head of a body, whose other types go to the parameters.
    fn function_comment(&mut self, node: Node<'_>, parameters: &mut [Parameter]) -> Option<Value> {
        let from = self.span(node.child_by_field_id(fields().parameters)?).1;
        let to = self.span(node.child_by_field_id(fields().body)?).0;
        let between = self.text.get(from as usize..to as usize)?;
        let line = from as usize + between.find('#')?;
        let written = self.text[line..].split(['\n', '\r']).next()?;
        let comment = written[1..].trim_start().strip_prefix("type:")?;
        let (taken, result) = comment.split_once("->")?;
        let start = (line + written.len() - comment.len()) as u32;
        let mut types = types_in_comment(taken, start);
        // The receiver may be left out, and so may all parameters.
        let skipped = parameters.len().saturating_sub(types.len()).min(1);
        if types.iter().any(|(from, to)| &self.text[*from as usize..*to as usize] == "...") {
            types.clear();
        }
        for (parameter, span) in parameters.iter_mut().skip(skipped).zip(types) {
            if parameter.annotation == 0 {
                parameter.annotation = self.commented(span).id;
            }
        }
        let begin = start + (taken.len() + 2) as u32;
        let end = begin + result.split('#').next().unwrap_or(result).len() as u32;
        Some(self.commented((begin, end)))
    }

    pub(crate) fn decorations(&mut self, binding: u32, decorations: &[Decoration<'t>]) {
        for (at, decoration) in decorations.iter().enumerate() {
            let name = self.words.of(decoration.name).symbol;
            self.pending.decorators.push((binding, at as u32, decoration.expr, name));
        }
    }

    pub(crate) fn lambda(&mut self, node: Node<'_>, used: Use) -> Value {
        let parameters_node = node.child_by_field_id(fields().parameters);
        let defaults = parameters_node.map_or_else(Vec::new, |list| self.defaults(list));
        let parameters = parameters_node.map_or_else(Vec::new, |list| self.parameters(list, &defaults));
        let path = std::mem::take(&mut self.path);
        let anonymous = self.words.of("");
        let outer = self.open_scope(ScopeKind::Lambda, anonymous, self.taker, self.span(node));
        let before = self.flow.here();
        self.flow.enter(&[before]);
        let first = self.pending.params.len();
        self.bind_parameters(parameters, NOTHING);
        let own = first..self.pending.params.len();
        let body = node.child_by_field_id(fields().body);
        let value = body.map_or_else(Value::default, |body| self.expr(body, used));
        self.close_scope(outer);
        self.flow.enter(&[before]);
        self.path = path;
        let lambda = self.lambda_row(node, value, used);
        for row in &mut self.pending.params[own] {
            row.lambda = lambda.id;
        }
        lambda
    }

    /// Defaults, in order of the parameters: they are evaluated where the function is defined, outside its type
    /// parameters.
    fn defaults(&mut self, list: Node<'_>) -> Vec<Id> {
        named_children(list)
            .into_iter()
            .map(|parameter| match kind_of(parameter) {
                Kind::DefaultParameter | Kind::TypedDefaultParameter => {
                    let taker = parameter.child_by_field_id(fields().name).map_or(0, |name| self.taker_of(name));
                    let value = parameter.child_by_field_id(fields().value);
                    value.map_or(0, |value| self.taken_by(taker, |this| this.expr(value, Use::Followed).id))
                }
                _ => 0,
            })
            .collect()
    }

    fn parameters(&mut self, list: Node<'_>, defaults: &[Id]) -> Vec<Parameter> {
        let words = self.vocabulary;
        let mut found: Vec<Parameter> = Vec::new();
        let mut kind = words.positional;
        for (at, node) in named_children(list).into_iter().enumerate() {
            let default = defaults.get(at).copied().unwrap_or(0);
            let (name, annotation) = match kind_of(node) {
                Kind::Identifier | Kind::ListSplatPattern | Kind::DictionarySplatPattern | Kind::TuplePattern => {
                    (Some(node), None)
                }
                Kind::TypedParameter => (named_children(node).first().copied(), node.child_by_field_id(type_field())),
                Kind::DefaultParameter | Kind::TypedDefaultParameter => {
                    (node.child_by_field_id(fields().name), node.child_by_field_id(type_field()))
                }
                Kind::PositionalSeparator => {
                    for parameter in &mut found {
                        parameter.kind = words.positional_only;
                    }
                    continue;
                }
                Kind::KeywordSeparator => {
                    kind = words.keyword_only;
                    continue;
                }
                _ => {
                    self.part(node);
                    continue;
                }
            };
            let optional = matches!(kind_of(node), Kind::DefaultParameter | Kind::TypedDefaultParameter);
            let extent = self.span(node);
            let annotation = match annotation {
                Some(annotation) => self.annotation(annotation).id,
                None => self.parameter_comment(extent).id,
            };
            let Some(name) = name else { continue };
            let (names, kind_here) = match kind_of(name) {
                Kind::ListSplatPattern => {
                    kind = words.keyword_only;
                    (named_children(name), words.var_positional)
                }
                Kind::DictionarySplatPattern => (named_children(name), words.var_keyword),
                Kind::TuplePattern => (named_children(name), kind),
                _ => (vec![name], kind),
            };
            for name in names {
                if kind_of(name) == Kind::Identifier && !name.is_missing() {
                    let word = self.word(name);
                    let span = self.span(name);
                    found.push(Parameter { word, span, extent, kind: kind_here, default, optional, annotation });
                }
            }
        }
        found
    }

    fn bind_parameters(&mut self, parameters: Vec<Parameter>, function: u32) {
        let kind = self.vocabulary.param;
        if function != NOTHING {
            let words = self.vocabulary;
            let collects = |parameter: &&Parameter| [words.var_positional, words.var_keyword].contains(&parameter.kind);
            let plain = parameters.iter().filter(|parameter| !collects(parameter));
            let least = plain.clone().filter(|parameter| !parameter.optional).count() as u32;
            let most =
                if parameters.iter().any(|parameter| collects(&parameter)) { u32::MAX } else { plain.count() as u32 };
            self.pending.signatures.push((function, least, most));
        }
        for (at, parameter) in parameters.into_iter().enumerate() {
            let taken = Taken { kind, value: 0, annotation: parameter.annotation, extent: parameter.extent };
            let binding = self.bind(self.scope, parameter.word, parameter.span, taken);
            self.pending.params.push(ParamRow {
                binding,
                function,
                lambda: 0,
                name: parameter.word.symbol,
                position: at as u32,
                kind: parameter.kind,
                default: parameter.default,
            });
        }
    }

    /// Opens the scope of type parameters and binds them, if there are any.
    pub(crate) fn open_type_params(&mut self, lists: &[Node<'_>], owner: Word, span: Span) -> Option<TypeParams> {
        if lists.is_empty() {
            return None;
        }
        let outer = self.open_scope(ScopeKind::TypeParams, owner, 0, span);
        let first = self.pending.type_params.len();
        for list in lists {
            let parameters = if kind_of(*list) == Kind::TypeParameter { named_children(*list) } else { vec![*list] };
            for parameter in parameters {
                self.type_parameter(parameter, first);
            }
        }
        Some(TypeParams { outer, first, count: self.pending.type_params.len() - first })
    }

    /// Says whose the type parameters are.
    pub(crate) fn own_type_params(&mut self, parameters: &Option<TypeParams>, definition: u32) {
        let Some(TypeParams { first, count, .. }) = parameters else { return };
        for row in &mut self.pending.type_params[*first..first + count] {
            row.definition = definition;
        }
    }

    /// Goes back to the scope around type parameters, if there were any.
    pub(crate) fn close_type_params(&mut self, parameters: Option<TypeParams>) {
        if let Some(parameters) = parameters {
            self.close_scope(parameters.outer);
        }
    }

    /// `T`, `T: bound`, `*Ts`, `**P`, each with a default perhaps.
    fn type_parameter(&mut self, node: Node<'_>, first: usize) {
        let inner = named_children(node);
        match (kind_of(node), inner.as_slice()) {
            (Kind::Identifier, _) => {
                let word = self.word(node);
                let span = self.span(node);
                let kind = self.vocabulary.type_param;
                let binding = self.bind(self.scope, word, span, Taken { kind, value: 0, annotation: 0, extent: span });
                self.pending.type_params.push(TypeParamRow {
                    definition: NOTHING,
                    position: (self.pending.type_params.len() - first) as u32,
                    name: word.symbol,
                    kind: self.vocabulary.type_var,
                    binding,
                    bound: 0,
                });
            }
            (Kind::ConstrainedType, [name, bounds @ ..]) => {
                self.type_parameter(*name, first);
                for bound in bounds {
                    let bound = self.annotation(*bound);
                    if let Some(row) = self.pending.type_params[first..].last_mut() {
                        row.bound = bound.id;
                    }
                }
            }
            (
                Kind::Type | Kind::SplatType | Kind::ListSplat | Kind::DictionarySplat | Kind::ListSplatPattern,
                [name, ..],
            ) => {
                self.type_parameter(*name, first);
                let text = self.text_of(node);
                let words = self.vocabulary;
                let kind = match text.as_bytes() {
                    [b'*', b'*', ..] => words.param_spec,
                    [b'*', ..] => words.type_var_tuple,
                    _ => return,
                };
                if let Some(row) = self.pending.type_params[first..].last_mut() {
                    row.kind = kind;
                }
            }
            _ => {
                self.annotation(node);
            }
        }
    }

    pub(crate) fn returned(&mut self, node: Node<'_>) {
        for child in named_children(node) {
            let value = self.taken_by(text_hash("return"), |this| this.expr(child, Use::Followed));
            self.returns(value, self.vocabulary.returned);
        }
        self.flow.return_here();
    }

    /// `yield x` has no value that is known here; that of `yield from x` is what `x` returns.
    pub(crate) fn yielded(&mut self, node: Node<'_>, used: Use) -> Value {
        let words = self.vocabulary;
        let scope = self.walrus_scope();
        self.scopes[scope as usize].is_generator = true;
        let delegates = has_token(node, "from");
        let kind = if delegates { words.yield_from } else { words.yielded };
        let mut value = Value::default();
        for child in named_children(node) {
            value = self.expr(child, Use::Followed);
            self.returns(value, kind);
        }
        if !delegates || used == Use::Read || value.id == 0 {
            return Value::default();
        }
        let row = self.row(words.delegated, value.id, Symbol::NONE, 0);
        self.followed(node, mix(tag::DELEGATED, value.shape), row)
    }

    fn returns(&mut self, value: Value, kind: Symbol) {
        let scope = self.walrus_scope();
        if value.id != 0 && self.scopes[scope as usize].kind == ScopeKind::Function {
            self.pending.returns.push(ReturnRow { scope, expr: value.id, kind });
        }
    }
}
