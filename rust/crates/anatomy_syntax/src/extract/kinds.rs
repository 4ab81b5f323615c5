//! Node kinds of the grammar as a closed set, so that the walk matches on numbers.

use std::sync::LazyLock;

use tree_sitter::{Language, Node};

macro_rules! kinds {
    ($($variant:ident = $name:literal,)*) => {
        /// What a node of the tree is; `Other` for tokens and kinds that no rule of the walk names.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(crate) enum Kind { $($variant,)* Other }

        fn kind_named(name: &str) -> Kind {
            match name { $($name => Kind::$variant,)* _ => Kind::Other }
        }
    };
}

kinds! {
    Error = "ERROR",
    Module = "module",
    Block = "block",
    Comment = "comment",
    LineContinuation = "line_continuation",
    Identifier = "identifier",
    DottedName = "dotted_name",
    Attribute = "attribute",
    Call = "call",
    Subscript = "subscript",
    Await = "await",
    Slice = "slice",
    ArgumentList = "argument_list",
    KeywordArgument = "keyword_argument",
    ListSplat = "list_splat",
    DictionarySplat = "dictionary_splat",
    ListSplatPattern = "list_splat_pattern",
    DictionarySplatPattern = "dictionary_splat_pattern",
    Parenthesized = "parenthesized_expression",
    BinaryOperator = "binary_operator",
    BooleanOperator = "boolean_operator",
    NotOperator = "not_operator",
    UnaryOperator = "unary_operator",
    Comparison = "comparison_operator",
    Conditional = "conditional_expression",
    NamedExpression = "named_expression",
    AsPattern = "as_pattern",
    AsPatternTarget = "as_pattern_target",
    Lambda = "lambda",
    LambdaParameters = "lambda_parameters",
    List = "list",
    Tuple = "tuple",
    Set = "set",
    Dictionary = "dictionary",
    Pair = "pair",
    ExpressionList = "expression_list",
    PatternList = "pattern_list",
    TuplePattern = "tuple_pattern",
    ListPattern = "list_pattern",
    DictPattern = "dict_pattern",
    ListComprehension = "list_comprehension",
    SetComprehension = "set_comprehension",
    DictionaryComprehension = "dictionary_comprehension",
    Generator = "generator_expression",
    ForInClause = "for_in_clause",
    IfClause = "if_clause",
    Yield = "yield",
    Str = "string",
    ConcatenatedString = "concatenated_string",
    StringContent = "string_content",
    Interpolation = "interpolation",
    FormatSpecifier = "format_specifier",
    EscapeSequence = "escape_sequence",
    Integer = "integer",
    Float = "float",
    True = "true",
    False = "false",
    None = "none",
    Type = "type",
    GenericType = "generic_type",
    UnionType = "union_type",
    MemberType = "member_type",
    SplatType = "splat_type",
    ConstrainedType = "constrained_type",
    TypeParameter = "type_parameter",
    ExpressionStatement = "expression_statement",
    Assignment = "assignment",
    AugmentedAssignment = "augmented_assignment",
    Return = "return_statement",
    Raise = "raise_statement",
    Assert = "assert_statement",
    Break = "break_statement",
    Continue = "continue_statement",
    Delete = "delete_statement",
    Global = "global_statement",
    Nonlocal = "nonlocal_statement",
    Import = "import_statement",
    ImportFrom = "import_from_statement",
    FutureImport = "future_import_statement",
    AliasedImport = "aliased_import",
    RelativeImport = "relative_import",
    ImportPrefix = "import_prefix",
    WildcardImport = "wildcard_import",
    Function = "function_definition",
    Class = "class_definition",
    Decorated = "decorated_definition",
    Decorator = "decorator",
    Parameters = "parameters",
    DefaultParameter = "default_parameter",
    TypedParameter = "typed_parameter",
    TypedDefaultParameter = "typed_default_parameter",
    KeywordSeparator = "keyword_separator",
    PositionalSeparator = "positional_separator",
    If = "if_statement",
    Elif = "elif_clause",
    Else = "else_clause",
    Try = "try_statement",
    Except = "except_clause",
    Finally = "finally_clause",
    For = "for_statement",
    While = "while_statement",
    With = "with_statement",
    WithClause = "with_clause",
    WithItem = "with_item",
    Match = "match_statement",
    Case = "case_clause",
    CasePattern = "case_pattern",
    ClassPattern = "class_pattern",
    KeywordPattern = "keyword_pattern",
    UnionPattern = "union_pattern",
    TypeAlias = "type_alias_statement",
}

macro_rules! fields {
    ($($field:ident,)*) => {
        /// Field numbers of the grammar.
        pub(crate) struct Fields { $(pub(crate) $field: u16,)* }

        impl Fields {
            fn of(language: &Language) -> Self {
                Fields { $($field: language.field_id_for_name(stringify!($field)).map_or(0, |id| id.get()),)* }
            }
        }
    };
}

fields! {
    alias, argument, arguments, attribute, body, condition, function, key, left, module_name, name, object, operator,
    parameters, return_type, right, subject, subscript, superclasses, type_parameters, value,
}

struct Grammar {
    kinds: Vec<Kind>,
    fields: Fields,
    type_field: u16,
}

static GRAMMAR: LazyLock<Grammar> = LazyLock::new(|| {
    let language: Language = tree_sitter_python::LANGUAGE.into();
    let kinds = (0..language.node_kind_count() as u16)
        .map(|id| match language.node_kind_for_id(id) {
            Some(name) if language.node_kind_is_named(id) => kind_named(name),
            _ => Kind::Other,
        })
        .collect();
    Grammar {
        kinds,
        fields: Fields::of(&language),
        type_field: language.field_id_for_name("type").map_or(0, |id| id.get()),
    }
});

/// What a node is.
pub(crate) fn kind_of(node: Node<'_>) -> Kind {
    // The number of an error node is beyond the table of the grammar.
    GRAMMAR.kinds.get(usize::from(node.kind_id())).copied().unwrap_or(Kind::Error)
}

/// The field numbers.
pub(crate) fn fields() -> &'static Fields {
    &GRAMMAR.fields
}

/// The number of the field `type`, whose name is a keyword of Rust.
pub(crate) fn type_field() -> u16 {
    GRAMMAR.type_field
}

/// Children that are not mere tokens, without comments.
pub(crate) fn named_children(node: Node<'_>) -> Vec<Node<'_>> {
    let mut found = Vec::with_capacity(node.named_child_count());
    let mut cursor = node.walk();
    if cursor.goto_first_child() {
        loop {
            let child = cursor.node();
            if child.is_named() && !matches!(kind_of(child), Kind::Comment | Kind::LineContinuation) {
                found.push(child);
            }
            if !cursor.goto_next_sibling() {
                break;
            }
        }
    }
    found
}

/// Children under one field.
pub(crate) fn children_in_field(node: Node<'_>, field: u16) -> Vec<Node<'_>> {
    let mut found = Vec::new();
    let mut cursor = node.walk();
    if cursor.goto_first_child() {
        loop {
            if cursor.field_id().is_some_and(|id| id.get() == field) && cursor.node().is_named() {
                found.push(cursor.node());
            }
            if !cursor.goto_next_sibling() {
                break;
            }
        }
    }
    found
}

/// True if a token of that text is a direct child.
pub(crate) fn has_token(node: Node<'_>, token: &str) -> bool {
    let mut cursor = node.walk();
    if cursor.goto_first_child() {
        loop {
            let child = cursor.node();
            if !child.is_named() && child.kind() == token {
                return true;
            }
            if !cursor.goto_next_sibling() {
                break;
            }
        }
    }
    false
}
