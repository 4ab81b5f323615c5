//! What the tables say about types that stand outside of annotations, in comments and in brackets.

mod support;

use support::{assert_rows, rows};

/// The names that a text uses.
fn names(text: &str) -> Vec<String> {
    rows(text, "names", &["expr"]).into_iter().map(|name| name.trim_matches('`').to_owned()).collect()
}

#[test]
fn arguments_that_are_types_may_be_quoted() {
    for (text, expected) in [
        ("T = TypeVar('T', bound='A')", &["TypeVar", "A"][..]),
        ("T = typing.TypeVar('T', 'A', List['B'], default='C')", &["typing", "A", "List", "B", "C"]),
        ("x = cast('List[A]', 'B')", &["cast", "List", "A"]),
        ("N = NewType('N', 'A')", &["NewType", "A"]),
        ("P = NamedTuple('P', [('x', 'A'), ('y', B)])", &["NamedTuple", "A", "B"]),
        ("D = TypedDict('D', {'x': 'A', 'y': List['B']})", &["TypedDict", "A", "List", "B"]),
        ("x = f('A', bound='B')", &["f"]),
        ("x = cast(typ='A', val='B')", &["cast", "A"]),
    ] {
        assert_eq!(names(text), expected, "{text}");
    }
}

#[test]
fn indexes_that_are_types_may_be_quoted_outside_annotations() {
    for (text, expected) in [
        ("X = Optional['A']", &["Optional", "A"][..]),
        ("X = Callable[['A'], Union['B', None]]", &["Callable", "A", "Union", "B"]),
        ("X = Dict[str, 'List[A]']", &["Dict", "str", "List", "A"]),
        ("X = Literal['a']", &["Literal"]),
        ("X = Annotated['A', 'text']", &["Annotated", "A"]),
        ("class C(Base['A'], metaclass=M['b']): pass", &["Base", "A", "M", "b"]),
        ("x = d['a']", &["d"]),
    ] {
        assert_eq!(names(text), expected, "{text}");
    }
}

#[test]
fn fields_are_entries_with_types() {
    assert_rows(
        "P = NamedTuple('P', [('x', 'A')])\nD = TypedDict('D', {'y': B})\n",
        "items",
        &["container", "position", "role", "key", "expr"],
        &["`[('x', 'A')]` 0 value x `A`", "`{'y': B}` 0 value y `B`"],
    );
}

#[test]
fn comments_give_types_to_functions() {
    assert_rows(
        "\
def f(a, *b, **c):  # type: (A, *B, **Dict[str, C]) -> D
    pass
def g(a,  # type: A
      b   # type: B
      ):
    # type: (...) -> C
    pass
class K:
    def h(self, a):
        # type: (A) -> None
        pass
    def i(self, a):  # type: ignore
        pass
    def j(self, a):  # a -> b
        x = 1  # type: (A) -> B
",
        "bindings",
        &["binding", "annotation_expr"],
        &[
            "f:1 -",
            "a:1 `A`",
            "b:1 `B`",
            "c:1 `Dict[str, C]`",
            "g:3 -",
            "a:3 `A`",
            "b:4 `B`",
            "h:9 -",
            "self:9 -",
            "a:9 `A`",
            "i:12 -",
            "self:12 -",
            "a:12 -",
            "j:14 -",
            "self:14 -",
            "a:14 -",
            "x:15 -",
            "K:8 -",
        ],
    );
    assert_rows(
        "def f(a):  # type: (A) -> List[D]  # why\n    pass\ndef g():\n    # type: () -> 'E'\n    pass\n",
        "returns",
        &["function", "expr", "kind"],
        &["f:1 `List[D]` annotation", "g:3 `E` annotation"],
    );
}

#[test]
fn type_parameters_say_whose_they_are() {
    assert_rows(
        "\
class A[T: B, *Ts, **P]:
    def f[U: (int, str)](self): pass
type L[V] = list[V]
def g[W](): pass
",
        "type_params",
        &["definition", "position", "name", "kind", "binding", "bound_expr"],
        &[
            "A:1 0 T type_var T:1 `B`",
            "A:1 1 Ts type_var_tuple Ts:1 -",
            "A:1 2 P param_spec P:1 -",
            "f:2 0 U type_var U:2 `(int, str)`",
            "L:3 0 V type_var V:3 -",
            "g:4 0 W type_var W:4 -",
        ],
    );
}

#[test]
fn imports_say_what_is_written_twice_and_what_binds() {
    let text = "import a.b as b, c.d as e, f\nfrom g import h as h, i as j\nfrom . import k\n";
    assert_rows(
        text,
        "imports",
        &["binding", "alias_expr"],
        &["b:1 `b`", "e:1 -", "f:1 -", "h:2 `h`", "j:2 -", "k:3 -"],
    );
    assert_rows(
        text,
        "module_refs",
        &["module", "last", "binds"],
        &[
            "a false false",
            "a.b true false",
            "c false false",
            "c.d true false",
            "f true true",
            "g true false",
            "pkg true false",
        ],
    );
}
