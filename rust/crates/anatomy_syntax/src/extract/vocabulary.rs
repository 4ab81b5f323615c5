//! The closed words of the tables (kinds, contexts, guards), interned once per process.

use std::sync::LazyLock;

use anatomy_facts::Symbol;

macro_rules! vocabulary {
    ($($field:ident = $text:literal,)*) => {
        /// Every word that a kind or context column can hold.
        pub(crate) struct Vocabulary { $(pub(crate) $field: Symbol,)* ordinals: [Symbol; 16] }

        pub(crate) static VOCABULARY: LazyLock<Vocabulary> =
            LazyLock::new(|| Vocabulary {
                $($field: Symbol::of($text),)*
                ordinals: std::array::from_fn(|at| Symbol::of(&at.to_string())),
            });
    };
}

vocabulary! {
    // contexts
    load = "load", store = "store", delete = "delete", augmented = "augmented",
    // kinds of expressions
    name = "name", attribute = "attribute", call = "call", subscript = "subscript", awaited = "await",
    literal = "literal", tuple = "tuple", list = "list", dict = "dict", conditional_expr = "conditional",
    bool_op = "bool_op", union = "union", lambda = "lambda", starred = "starred", binary = "binary", unary = "unary",
    delegated = "yield_from",
    // names of operators
    add_method = "__add__", sub = "__sub__", mul = "__mul__", matmul = "__matmul__", truediv = "__truediv__",
    floordiv = "__floordiv__", modulo = "__mod__", pow = "__pow__", or_method = "__or__", and_method = "__and__",
    lt = "__lt__", le = "__le__", gt = "__gt__", ge = "__ge__", eq = "__eq__", ne = "__ne__", contains = "__contains__",
    xor = "__xor__", lshift = "__lshift__", rshift = "__rshift__", neg = "__neg__", pos = "__pos__",
    invert = "__invert__",
    iadd = "__iadd__", isub = "__isub__", imul = "__imul__", imatmul = "__imatmul__", itruediv = "__itruediv__",
    ifloordiv = "__ifloordiv__", imod = "__imod__", ipow = "__ipow__", ior = "__ior__", iand = "__iand__",
    ixor = "__ixor__", ilshift = "__ilshift__", irshift = "__irshift__",
    // roles of items
    item = "item", key = "key", value = "value", index = "index", slice = "slice", shown = "shown", compared = "compared",
    // conversions of a formatted string
    a_conversion = "a", r_conversion = "r", s_conversion = "s",
    // names of literals
    str_type = "str", bytes_type = "bytes", int_type = "int", float_type = "float", complex_type = "complex",
    bool_type = "bool", none_type = "NoneType", set_type = "set", generator_type = "Generator",
    async_generator_type = "AsyncGenerator",
    // kinds of bindings
    class = "class", function = "function", param = "param", import = "import", import_from = "import_from",
    star = "star", assign = "assign", annotated = "annotated", for_target = "for", with = "with", except = "except",
    walrus = "walrus", match_capture = "match", type_alias = "type_alias", type_param = "type_param",
    self_attr = "self_attr",
    // kinds of scopes
    module = "module", comprehension = "comprehension", type_params = "type_params",
    // guards
    type_checking = "type_checking", version = "version", platform = "platform", try_import = "try_import",
    except_import = "except_import", conditional = "conditional", unreachable = "unreachable",
    // kinds of parameters
    positional_only = "positional_only", positional = "positional", keyword_only = "keyword_only",
    var_positional = "var_positional", var_keyword = "var_keyword",
    // kinds of type parameters
    type_var = "type_var", type_var_tuple = "type_var_tuple", param_spec = "param_spec",
    // returns
    returned = "return", yielded = "yield", yield_from = "yield_from", annotation = "annotation",
    async_flavor = "async", generator_flavor = "generator",
    // exports
    define = "define", add = "add", remove = "remove", unknown = "unknown",
    // what a test proves
    isinstance = "isinstance", not_isinstance = "not_isinstance", is_class = "is_class", issubclass = "issubclass",
    match_class = "match_class", is_none = "is_none", not_none = "not_none", truthy = "truthy", guard = "guard",
    // stars
    one_star = "*", two_stars = "**",
}

impl Vocabulary {
    /// A small number as text.
    pub(crate) fn ordinal(&self, number: u32) -> Symbol {
        self.ordinals.get(number as usize).copied().unwrap_or_else(|| Symbol::of(&number.to_string()))
    }
}
