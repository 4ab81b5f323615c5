//! Branches that are decided before any code runs, and what else statements say of names.

mod support;

use std::sync::Arc;

use anatomy_facts::Symbol;
use anatomy_syntax::{ModuleContext, Target, extract, parse};
use arrow::array::AsArray;
use arrow::datatypes::UInt32Type;
use support::{assert_rows, table};

/// The branches of the bindings of a text, for a target.
fn branches(text: &str, target: Target) -> Vec<String> {
    let context = ModuleContext { target: Arc::new(target), ..ModuleContext::default() };
    let facts = extract("a.py", &context, text, &parse(text, None), vec![]);
    let bindings = table(&facts, "bindings");
    let column = |name: &str| {
        let at = bindings.schema().index_of(name).expect("the contract has it");
        bindings.column(at).as_primitive::<UInt32Type>().values().to_vec()
    };
    column("name")
        .into_iter()
        .zip(column("branch"))
        .map(|(name, branch)| format!("{}:{}", Symbol(name).text(), Symbol(branch).text()))
        .collect()
}

/// Whether the branch of a condition, and that of its `else`, can be taken.
fn taken(condition: &str, target: Target) -> (bool, bool) {
    let found = branches(&format!("if {condition}:\n    yes = 1\nelse:\n    no = 1\n"), target);
    (found[0] != "yes:unreachable", found[1] != "no:unreachable")
}

#[test]
fn versions_and_systems_decide() {
    const YES: (bool, bool) = (true, false);
    const NO: (bool, bool) = (false, true);
    const OPEN: (bool, bool) = (true, true);
    for (condition, expected) in [
        ("sys.version_info >= (3, 8)", YES),
        ("sys.version_info >= (3, 11)", YES),
        ("sys.version_info > (3, 11)", YES),
        ("sys.version_info <= (3, 11)", NO),
        ("sys.version_info == (3, 11)", NO),
        ("sys.version_info >= (3, 12)", NO),
        ("sys.version_info < (3,)", NO),
        ("sys.version_info >= (3, 11, 4)", YES),
        ("sys.version_info > (3, 11, 4)", OPEN),
        ("sys.version_info[:2] == (3, 11)", YES),
        ("sys.version_info[0] == 2", NO),
        ("sys.version_info.major >= 3", YES),
        ("version_info < (3, 0)", NO),
        ("sys.version_info >= minimum", OPEN),
        ("sys.platform == 'linux'", YES),
        ("sys.platform != \"linux\"", NO),
        ("sys.platform.startswith('win')", NO),
        ("sys.platform in ('win32', 'cygwin')", NO),
        ("sys.platform not in ('win32', 'cygwin')", YES),
        ("os.name == 'posix'", YES),
        ("sys.platform == name", OPEN),
        ("TYPE_CHECKING", YES),
        ("typing.TYPE_CHECKING", YES),
        ("not TYPE_CHECKING", NO),
        ("TYPE_CHECKING or x", YES),
        ("TYPE_CHECKING and x", OPEN),
        ("x and sys.version_info < (3, 8)", NO),
        ("x or sys.version_info < (3, 8)", OPEN),
        ("(sys.version_info >= (3, 8)) and True", YES),
        ("False", NO),
        ("0", NO),
        ("x", OPEN),
        ("a < b < c", OPEN),
        ("sys.version_info", OPEN),
    ] {
        assert_eq!(taken(condition, Target::default()), expected, "{condition}");
    }
    let windows = Target::named("3.8.10", "win32").expect("it is a version");
    assert_eq!(taken("sys.platform == 'linux'", windows.clone()), NO);
    assert_eq!(taken("os.name == 'nt'", windows.clone()), YES);
    assert_eq!(taken("sys.version_info >= (3, 9)", windows), NO);
    assert_eq!(Target::named("three", "linux"), None);
    assert_eq!(Target::named("3", "linux"), None);
}

#[test]
fn what_is_never_reached_says_so() {
    let text = "\
if sys.version_info >= (3, 12):
    a = 1
elif sys.version_info >= (3, 8):
    b = 1
elif TYPE_CHECKING:
    c = 1
else:
    d = 1
    if x:
        e = 1
    else:
        def f(g): h = 1
if y:
    i = 1
elif False:
    j = 1
else:
    k = 1
";
    assert_eq!(
        branches(text, Target::default()),
        [
            "a:unreachable",
            "b:version",
            "c:unreachable",
            "d:unreachable",
            "e:unreachable",
            "f:unreachable",
            "g:",
            "h:",
            "i:conditional",
            "j:unreachable",
            "k:conditional",
        ]
    );
}

#[test]
fn a_long_condition_is_no_danger() {
    let text = format!("if {}x:\n    a = 1\n", "x and ".repeat(20_000));
    assert_eq!(branches(&text, Target::default()), ["a:conditional"]);
}

#[test]
fn attributes_have_docstrings_too() {
    assert_rows(
        "\
a = 1
'''The a.'''
b: int
'''The b.'''
f(c)
'''No docstring.'''
class C:
    d = lambda e=1: e
    '''The d.'''
    def g(self):
        self.h = i = 2
        '''The i.'''
",
        "docstrings",
        &["owner", "text"],
        &["a:1 The a.", "b:3 The b.", "d:8 The d.", "i:11 The i."],
    );
}

#[test]
fn lists_of_exports_are_read_in_more_forms() {
    assert_rows(
        "__all__ = 'a b'.split()\n__all__ = __all__ + ['c']\n__all__ += r'''\n  d\n'''.split()\n__all__ = x.split()\n",
        "exports",
        &["expr", "name", "operation"],
        &["`a` a define", "`b` b define", "`'c'` c add", "`d` d add", "- '' unknown"],
    );
}

#[test]
fn patterns_say_of_which_class_a_name_takes_what() {
    let text = "\
match s:
    case a.Point(x, B(z), y=[first, *rest] as whole): pass
    case [p, (q, {'k': r}), *t, u]: pass
    case (v): pass
";
    assert_rows(
        text,
        "captures",
        &["binding", "class_expr", "attribute", "position", "unpack"],
        &["x:2 `a.Point` '' 0 ''", "z:2 `B` '' 0 ''", "first:2 `a.Point` y 0 0", "whole:2 `a.Point` y 0 ''"],
    );
    assert_rows(
        text,
        "bindings",
        &["binding", "value_expr", "unpack"],
        &[
            "x:2 - ''",
            "z:2 - ''",
            "first:2 - 0",
            "rest:2 - 1",
            "whole:2 - ''",
            "p:3 `s` 0",
            "q:3 `s` 1.0",
            "r:3 `s` 1.1.=k",
            "t:3 - 2",
            "u:3 - 3",
            "v:4 `s` ''",
        ],
    );
}

#[test]
fn identifiers_that_look_alike_are_one() {
    assert_rows(
        "\u{fb01} = \u{1d4d0} = 1\ndef \u{e9}(): return fi, A\ne\u{301}()\n",
        "names",
        &["name", "target_scope"],
        &["fi <module>", "A <module>", "\u{e9} <module>"],
    );
}

#[test]
fn classes_say_what_they_take_by_position() {
    let text = "\
class Pair(typing.NamedTuple):
    left: int
    right: str = ''
    other = 1
@dataclass
class Order:
    count: ClassVar[int] = 0
    total: int
    class Inner:
        none: int
class Listed:
    __match_args__ = ('a', 'b')
    c: int
class Plain:
    d: int
";
    assert_rows(text, "fields", &["position", "name"], &["0 left", "1 right", "0 total", "0 a", "1 b"]);
}

#[test]
fn comparisons_say_which_operand_they_ask() {
    let text = "a < b.c\nb.c == 1\n1 in a\na not in b\na is b\na < b < c\n";
    assert_rows(
        text,
        "items",
        &["role", "key", "expr"],
        &["compared __lt__ `a`", "compared __eq__ `b.c`", "compared __contains__ `a`", "compared __contains__ `b`"],
    );
}
