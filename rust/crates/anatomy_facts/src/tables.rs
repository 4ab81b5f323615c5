//! The contracts of all fast-evidence tables: one pass over a syntax tree fills them, the file owns every row.
//!
//! `file` is the interned workspace path. Ids are position independent. No table here holds a byte offset: places live
//! in the anchors of a file (`crate::facts::Anchor`), so moving code moves no row.

use crate::contract::{Column, ColumnType, Contract};

const fn column(name: &'static str, kind: ColumnType, role: &'static str, doc: &'static str) -> Column {
    Column { name, kind, role, doc }
}
const fn id(name: &'static str, role: &'static str, doc: &'static str) -> Column {
    column(name, ColumnType::Id, role, doc)
}
const fn symbol(name: &'static str, role: &'static str, doc: &'static str) -> Column {
    column(name, ColumnType::Symbol, role, doc)
}
const fn int(name: &'static str, doc: &'static str) -> Column {
    column(name, ColumnType::Int, "", doc)
}
const fn truth(name: &'static str, doc: &'static str) -> Column {
    column(name, ColumnType::Bool, "", doc)
}
const FILE: Column = symbol("file", "file", "path of the owner file, relative to its root");

/// All fast-evidence tables, in the order of `FileFacts::tables`.
pub const EVIDENCE: &[Contract] = &[
    FILES,
    SCOPES,
    BINDINGS,
    NAMES,
    REACHING,
    NARROWINGS,
    EXPRS,
    ARGS,
    PARAMS,
    IMPORTS,
    MODULE_REFS,
    CLASS_BASES,
    DECORATORS,
    RETURNS,
    EXPORTS,
    STRINGS,
    DOCSTRINGS,
    ITEMS,
    STORES,
    TYPE_PARAMS,
    SIGNATURES,
    CAPTURES,
    FIELDS,
    BROKEN,
];

/// One row a file: what its path says about it.
pub const FILES: Contract = Contract {
    name: "files",
    doc: "The files of the graph and the module that each one is.",
    key: "file",
    columns: &[
        FILE,
        symbol("module", "module", "dotted name that imports use"),
        symbol("package", "", "dotted name of the package against which relative imports resolve"),
        id("scope", "scope", "module scope"),
        truth("is_package", "an `__init__` file"),
        truth("is_stub", "a `.pyi` file"),
        symbol("partition", "", "user, library or stdlib"),
        int("search_rank", "order of its root on the search path; a stub counts after its source"),
    ],
};

/// Scopes.
pub const SCOPES: Contract = Contract {
    name: "scopes",
    doc: "Module, class, function, lambda, comprehension and type-parameter scopes.",
    key: "scope",
    columns: &[
        id("scope", "scope", ""),
        id("parent", "", "enclosing scope; 0 for a module"),
        symbol("kind", "", "module class function lambda comprehension type_params"),
        symbol("name", "", "name of the definition; empty for anonymous scopes"),
        id("definition", "binding", "binding of the definition that opens it; 0 for module, lambda, comprehension"),
        FILE,
    ],
};

/// Bindings.
pub const BINDINGS: Contract = Contract {
    name: "bindings",
    doc: "Every place that binds a name in a scope.",
    key: "binding",
    columns: &[
        id("binding", "binding", ""),
        id("scope", "scope", "scope in which the name is bound (after global and nonlocal)"),
        symbol("name", "symbol", ""),
        symbol(
            "kind",
            "",
            "class function param import import_from star assign augmented annotated for with except walrus match type_alias type_param delete self_attr",
        ),
        int(
            "occurrence",
            "ordinal among the bindings of this name in this scope: its own in source order, then those made by `global` and `nonlocal` elsewhere; `self_attr` counts apart",
        ),
        symbol(
            "branch",
            "",
            "guard: empty, type_checking, version, platform, try_import, except_import, conditional, or unreachable: in a branch that the Python and system of the workspace never take",
        ),
        id(
            "value_expr",
            "",
            "expression whose value it takes, of `x += 1` the operation (in outlines the name itself); 0 if none can be named",
        ),
        symbol(
            "unpack",
            "",
            "path inside that value: empty is the value itself, `0.1` an item, `1:` what a starred target takes from there on, `*` an element, `=key` what a mapping has under a key, `enter` of a with; `a*` and `aenter` of their async forms; joined by dots",
        ),
        id(
            "annotation_expr",
            "",
            "annotation, quoted ones and type comments included; the class that an `except` catches or a pattern before `as` asks for; 0 if none",
        ),
        id(
            "body_scope",
            "",
            "scope that a class or function opens, also a class that a call makes (`namedtuple`, `Enum`); 0 for others",
        ),
        id("variable", "variable", "identity of (scope, name): all bindings of one variable share it"),
        FILE,
    ],
};

/// Loads and deletes of plain names.
pub const NAMES: Contract = Contract {
    name: "names",
    doc: "Uses of plain names, with the scope whose binding each one means by the rules of Python. Words of `global` and `nonlocal` count as uses.",
    key: "expr",
    columns: &[
        id("expr", "expr", "the name expression"),
        id("scope", "", "scope in which it stands"),
        id(
            "target_scope",
            "scope",
            "scope whose binding it means; 0: bound nowhere in the file (star import or builtin)",
        ),
        symbol("name", "symbol", ""),
        symbol("context", "", "load, delete or augmented"),
        int(
            "reaching",
            "1 + occurrence of the binding that reaches it: of several (rows of `reaching`) the last that precedes it; 0 if none is known to, as for a name that is bound once and used in a nested function",
        ),
        symbol("branch", "", "guard under which the use stands, as in bindings"),
        FILE,
    ],
};

/// Bindings that may reach a use.
pub const REACHING: Contract = Contract {
    name: "reaching",
    doc: "For each use of a plain name that several bindings may reach on the ways that control can take: one row for each. A use in a nested function sees what is bound when that is made and later, one in a function of the module what is left when the module has run; what other functions bind by `global` and `nonlocal` counts too. Of more than 32 the last that precede; a function too large to follow has no rows.",
    key: "",
    columns: &[id("expr", "expr", "the use"), id("binding", "binding", "a binding that may reach it"), FILE],
};

/// What tests prove.
pub const NARROWINGS: Contract = Contract {
    name: "narrowings",
    doc: "What tests have proved of a name or chain of attributes (`self.x`) on every way to a use of it, since it was last bound. Several rows of one use with a class are alternatives, but those of `not_isinstance` hold all.",
    key: "",
    columns: &[
        id("expr", "expr", "the use"),
        symbol(
            "kind",
            "",
            "isinstance, is_class (`type(x) is C`), match_class, issubclass, not_isinstance, is_none, not_none, truthy, or guard: a call said yes of it, `class_expr` is what is called",
        ),
        id("class_expr", "", "expression that names the class; 0 where there is none"),
        FILE,
    ],
};

/// Expressions that some rule can follow.
pub const EXPRS: Contract = Contract {
    name: "exprs",
    doc: "Expressions that a rule can follow. Attribute, call, subscript and await hang on a base expression.",
    key: "expr",
    columns: &[
        id("expr", "expr", ""),
        symbol(
            "kind",
            "",
            "name attribute call subscript await literal tuple list dict conditional bool_op union binary unary augmented yield_from lambda starred",
        ),
        id(
            "base",
            "",
            "object of an attribute or subscript, callee of a call, operand of await, yield from, star or unary, target of an augmented assignment, left side of bool_op, union and binary, value of a conditional; 0 if none",
        ),
        symbol(
            "name",
            "symbol",
            "attribute name; of a call the number of its arguments, `*` where one is unpacked; builtin type name of a literal, comparison or comprehension (str, bool, list, NoneType, Generator, AsyncGenerator ...); method that an operator asks for (`__add__`), in place too (`__iadd__`)",
        ),
        symbol("context", "", "load, store or delete"),
        id("scope", "scope", "scope in which it stands"),
        id(
            "second",
            "",
            "first argument of `super`, first index of a subscript, first element of a display or comprehension, else branch of a conditional, right side of bool_op, union and binary, body of a lambda; 0 if none",
        ),
        FILE,
    ],
};

/// Arguments of calls.
pub const ARGS: Contract = Contract {
    name: "args",
    doc: "Arguments of calls.",
    key: "arg",
    columns: &[
        id("arg", "arg", "identity of the argument; the anchor of a keyword argument is its name"),
        id("call_expr", "", "the call expression"),
        int("position", "ordinal in the call"),
        symbol("name", "symbol", "keyword; empty for positional"),
        id("value_expr", "", "0 if no rule can follow it"),
        symbol("star", "", "empty, `*` or `**`"),
        FILE,
    ],
};

/// Parameters of functions and lambdas.
pub const PARAMS: Contract = Contract {
    name: "params",
    doc: "Parameters; annotation and name are in `bindings`.",
    key: "binding",
    columns: &[
        id("binding", "binding", "binding of the parameter"),
        id("function", "function", "binding of the function; of a lambda its expression, 0 if no rule can follow that"),
        symbol("name", "symbol", ""),
        int("position", ""),
        symbol("kind", "", "positional_only positional keyword_only var_positional var_keyword"),
        id("default_expr", "", "0 if none"),
        FILE,
    ],
};

/// Import bindings.
pub const IMPORTS: Contract = Contract {
    name: "imports",
    doc: "What each import binding imports; relative levels are resolved against the package of the file.",
    key: "binding",
    columns: &[
        id("binding", "binding", "binding made by it; for a star a binding of kind `star`"),
        symbol("module", "module", "absolute dotted module; for `import a.b` without alias: `a`"),
        symbol("name", "symbol", "imported name; empty for `import m`; `*` for a star"),
        int("level", "leading dots"),
        id("scope", "scope", "scope of the statement"),
        id("expr", "expr", "reference made by the imported name's token; equals `module_refs.expr` for `import m`"),
        id("alias_expr", "", "reference made by an alias that repeats the name: `import a.b as b`; 0 for others"),
        FILE,
    ],
};

/// Module names inside import statements.
pub const MODULE_REFS: Contract = Contract {
    name: "module_refs",
    doc: "Every dotted segment of an import statement that names a module; leading dots name the package that they mean.",
    key: "expr",
    columns: &[
        id("expr", "expr", "reference of the segment"),
        symbol("module", "module", "absolute dotted name up to and including the segment"),
        truth("last", "the last segment: the module itself, not a package on the way to it"),
        truth("binds", "the segment is the name that the statement binds: `a` of `import a.b`"),
        symbol("branch", "", "guard under which the import stands, as in bindings"),
        FILE,
    ],
};

/// Bases of classes.
pub const CLASS_BASES: Contract = Contract {
    name: "class_bases",
    doc: "Base expressions of classes, metaclass keyword included.",
    key: "",
    columns: &[
        id("class", "class", "binding of the class"),
        int("position", ""),
        id("expr", "expr", ""),
        symbol("keyword", "", "empty for a base, else `metaclass` and the like"),
        FILE,
    ],
};

/// Decorators.
pub const DECORATORS: Contract = Contract {
    name: "decorators",
    doc: "Decorators of classes and functions, outermost first.",
    key: "",
    columns: &[
        id("definition", "binding", "binding of the decorated definition"),
        int("position", ""),
        id("expr", "expr", "decorator expression; for `@f(x)` the call"),
        symbol("name", "", "last word of the decorator as written: `property`, `setter`, `wraps`"),
        FILE,
    ],
};

/// What functions return and yield.
pub const RETURNS: Contract = Contract {
    name: "returns",
    doc: "Return and yield expressions of functions and lambdas.",
    key: "",
    columns: &[
        id("function", "function", "binding of the function"),
        id("expr", "expr", ""),
        symbol("kind", "", "return, yield, yield_from or annotation"),
        symbol("flavor", "", "empty, async or generator: how the call wraps it"),
        FILE,
    ],
};

/// What `__all__` says.
pub const EXPORTS: Contract = Contract {
    name: "exports",
    doc: "Names that a module lists in `__all__`, and attributes that a class lists in `__slots__` or `__match_args__`, where it can be read without running code.",
    key: "expr",
    columns: &[
        id(
            "expr",
            "expr",
            "reference of the string item; for `module` the expression of that module; 0 where `__all__` cannot be read or lists nothing",
        ),
        id("scope", "scope", "module scope, for `attribute` that of the class"),
        symbol(
            "name",
            "symbol",
            "for `module` the text of that module's expression; empty where `__all__` cannot be read or lists nothing",
        ),
        symbol(
            "operation",
            "",
            "define, add, remove, module (another module's list), attribute (of a class) or unknown",
        ),
        FILE,
    ],
};

/// String literals that a pack may read.
pub const STRINGS: Contract = Contract {
    name: "strings",
    doc: "String literals of at most 256 bytes that stand in a call argument, in a short list of words there, look like a dotted path, or are what a module or class assigns to a name; and names that docstrings mention in Sphinx roles and doctests.",
    key: "expr",
    columns: &[
        id("expr", "expr", ""),
        symbol("value", "", "the text of the literal"),
        id("call_expr", "", "call in whose arguments it stands; 0 if none"),
        symbol(
            "argument",
            "",
            "keyword, or ordinal as text; of an item of a list `0.1`; of a mention in a docstring the role (`:func:`) or `>>>`",
        ),
        FILE,
    ],
};

/// Docstrings.
pub const DOCSTRINGS: Contract = Contract {
    name: "docstrings",
    doc: "Docstrings of modules, classes, functions and attributes (a text below an assignment), cleaned of indentation.",
    key: "",
    columns: &[
        id("owner", "", "binding of the definition or attribute; for a module its scope"),
        column("text", ColumnType::Text, "", ""),
        FILE,
    ],
};

/// Parts of displays, subscripts and comprehensions.
pub const ITEMS: Contract = Contract {
    name: "items",
    doc: "Parts of what is written out: items of tuples (up to 16), of lists and sets (up to 4 that differ), entries of dicts (up to 64 with literal keys, 4 others), elements of comprehensions, indexes of subscripts, what a formatted string shows (up to 16), operands that a comparison asks. Types are read like values: `Callable[[A, B], R]` has two indexes, the first of them a list of two items.",
    key: "",
    columns: &[
        id("container", "", "expression of the display, comprehension or subscript; of an operand itself"),
        int("position", "ordinal in the container; of an entry for its key and its value"),
        symbol(
            "role",
            "",
            "item, key or value (of a dict), index or slice (of a subscript), shown (of a formatted string), compared (an operand that is asked)",
        ),
        symbol(
            "key",
            "",
            "text of a literal string or integer key or index (`name`, `0`, `-1`), of an item its ordinal where all items have rows, of what is shown its conversion (`r` of `!r`), of an operand the method (`__lt__`); else empty",
        ),
        id("expr", "", "the part; for a starred one its operand; 0 if no rule can follow it"),
        symbol("star", "", "empty, `*` or `**`"),
        FILE,
    ],
};

/// Assignments to parts of something.
pub const STORES: Contract = Contract {
    name: "stores",
    doc: "Assignments to attributes and items: `Class.attr = f`, `module.name = x`, `d[\"k\"] = f`. Attributes of `self` are bindings of their class instead, but for `del`.",
    key: "target",
    columns: &[
        id("target", "expr", "the attribute or subscript that is stored to"),
        id("value_expr", "", "expression whose value it takes, for `augmented` what is added; 0 if none can be named"),
        symbol("unpack", "", "path inside that value, as in bindings"),
        symbol("kind", "", "assign annotated augmented for with delete"),
        FILE,
    ],
};

/// Type parameters.
pub const TYPE_PARAMS: Contract = Contract {
    name: "type_params",
    doc: "Type parameters in brackets of classes, functions and type aliases.",
    key: "binding",
    columns: &[
        id("definition", "", "binding of the class, function or type alias"),
        int("position", ""),
        symbol("name", "symbol", ""),
        symbol("kind", "", "type_var, type_var_tuple (`*Ts`) or param_spec (`**P`)"),
        id("binding", "binding", "binding of the parameter"),
        id("bound_expr", "", "bound, or the tuple of constraints; 0 if none"),
        FILE,
    ],
};

/// How many arguments functions take.
pub const SIGNATURES: Contract = Contract {
    name: "signatures",
    doc: "How many arguments a function takes, an implicit first one (`self`) counted.",
    key: "function",
    columns: &[
        id("function", "function", "binding of the function"),
        int("least", "parameters without a default"),
        int("most", "parameters that are no collectors; 4294967295 where `*` or `**` collects the rest"),
        FILE,
    ],
};

/// Names that class patterns capture.
pub const CAPTURES: Contract = Contract {
    name: "captures",
    doc: "Names that a pattern captures inside a class pattern: `x` of `case Point(x, y=[first, *_])` by position, `first` by attribute.",
    key: "binding",
    columns: &[
        id("binding", "binding", "binding of the captured name"),
        id("class_expr", "", "expression that names the class"),
        symbol("attribute", "symbol", "keyword of the pattern; empty for one by position"),
        int("position", "ordinal among the patterns of the class, which `__match_args__` names; 0 for a keyword"),
        symbol("unpack", "", "path inside that attribute, as in bindings"),
        FILE,
    ],
};

/// Attributes that classes take by position.
pub const FIELDS: Contract = Contract {
    name: "fields",
    doc: "Attributes that a class takes or gives by position: what `__match_args__` lists, else the annotated names in the body of a named tuple or of a class with decorators.",
    key: "",
    columns: &[
        id("scope", "scope", "scope of the class"),
        int("position", "ordinal among them"),
        symbol("name", "symbol", ""),
        FILE,
    ],
};

/// Words inside what does not parse.
pub const BROKEN: Contract = Contract {
    name: "broken",
    doc: "Names and attributes that stand in text that does not parse: what surrounds them, and with it what they mean, may be lost.",
    key: "expr",
    columns: &[id("expr", "expr", "the name or attribute"), FILE],
};
