//! What the tables say about small texts. Ids are shown as what stands at their place; `-` is none.

mod support;

use anatomy_facts::{ErrorCode, facts::ParseError};
use anatomy_syntax::{ModuleContext, extract, extract_file, parse};
use support::{assert_rows, facts_of, rows, table};

#[test]
fn names_mean_the_scope_that_python_says() {
    let text = "\
x = y = 1
class A:
    y = x
    def f(self):
        return x, y
def g():
    z = 1
    def h():
        nonlocal z
        global x
        z = x = 2
        return [z for x in y if (w := x)]
    return h, w
";
    assert_rows(
        text,
        "names",
        &["expr", "scope", "target_scope", "reaching"],
        &[
            "`x` <class A> <module> 1",
            "`x` <function f> <module> 2",
            "`y` <function f> <module> 0",
            "`z` <function h> <function g> 2",
            "`x` <function h> <module> 2",
            "`y` <function h> <module> 0",
            "`x` <comprehension> <comprehension> 1",
            "`z` <comprehension> <function g> 2",
            "`h` <function g> <function g> 1",
            "`w` <function g> - 0",
        ],
    );
    assert_rows(
        text,
        "bindings",
        &["binding", "scope", "kind", "occurrence"],
        &[
            "x:1 <module> assign 0",
            "y:1 <module> assign 0",
            "y:3 <class A> assign 0",
            "f:4 <class A> function 0",
            "self:4 <function f> param 0",
            "A:2 <module> class 0",
            "g:6 <module> function 0",
            "z:7 <function g> assign 0",
            "h:8 <function g> function 0",
            "z:11 <function g> assign 1",
            "x:11 <module> assign 1",
            "x:12 <comprehension> for 0",
            "w:12 <function h> walrus 0",
        ],
    );
}

#[test]
fn imports_name_modules_absolutely_and_every_segment_is_a_reference() {
    let text = "import a.b.c\nimport a.b as m\nfrom . import s\nfrom .t import u as v\nfrom x.y import *\n";
    assert_rows(
        text,
        "imports",
        &["binding", "module", "name", "level", "expr"],
        &["a:1 a '' 0 `a`", "m:2 a.b '' 0 `b`", "s:3 pkg s 1 `s`", "v:4 pkg.t u 1 `u as v`", "*:5 x.y * 0 `*`"],
    );
    assert_rows(
        text,
        "module_refs",
        &["expr", "module"],
        &["`a` a", "`b` a.b", "`c` a.b.c", "`a` a", "`b` a.b", "`.` pkg", "`t` pkg.t", "`x` x", "`y` x.y"],
    );
}

#[test]
fn an_import_says_under_which_guard_it_stands() {
    let text = "import a\ntry:\n    from b.c import d\nexcept ImportError:\n    import e\n";
    assert_rows(
        text,
        "module_refs",
        &["module", "branch"],
        &["a ''", "b try_import", "b.c try_import", "e except_import"],
    );
}

#[test]
fn words_in_what_does_not_parse_are_named() {
    assert_rows("order.pay()\norder.total)\n", "broken", &["expr"], &["`order`", "`order.total`"]);
    assert_rows("order.pay()\n", "broken", &["expr"], &[]);
}

#[test]
fn chains_hang_on_their_base() {
    let text = "a.b(c)[0].d = await e.f()\ng(x if y else z or w)\n'lit'.join(h)\n";
    assert_rows(
        text,
        "exprs",
        &["expr", "kind", "base", "name", "context", "second"],
        &[
            "`e` name - e load -",
            "`e.f` attribute `e` f load -",
            "`e.f()` call `e.f` 0 load -",
            "`await e.f()` await `e.f()` '' load -",
            "`a` name - a load -",
            "`a.b` attribute `a` b load -",
            "`c` name - c load -",
            "`a.b(c)` call `a.b` 1 load -",
            "`a.b(c)[0]` subscript `a.b(c)` '' load -",
            "`a.b(c)[0].d` attribute `a.b(c)[0]` d store -",
            "`g` name - g load -",
            "`y` name - y load -",
            "`x` name - x load -",
            "`z` name - z load -",
            "`w` name - w load -",
            "`z or w` bool_op `z` '' load `w`",
            "`x if y else z or w` conditional `x` '' load `z or w`",
            "`g(x if y else z or w)` call `g` 1 load -",
            "`'lit'` literal - str load -",
            "`'lit'.join` attribute `'lit'` join load -",
            "`h` name - h load -",
            "`'lit'.join(h)` call `'lit'.join` 1 load -",
        ],
    );
}

#[test]
fn targets_take_parts_of_values() {
    let text = "\
a, (b, *c) = f()
d, e = g, h
for i, j in k: pass
with l() as (m, n), o as p: pass
q = r = s
t: T = u
try: pass
except E as v: pass
w += 1
del w
";
    assert_rows(
        text,
        "bindings",
        &["binding", "kind", "value_expr", "unpack", "annotation_expr"],
        &[
            "a:1 assign `f()` 0 -",
            "b:1 assign `f()` 1.0 -",
            "c:1 assign `f()` 1.1: -",
            "d:2 assign `g` '' -",
            "e:2 assign `h` '' -",
            "i:3 for `k` *.0 -",
            "j:3 for `k` *.1 -",
            "m:4 with `l()` enter.0 -",
            "n:4 with `l()` enter.1 -",
            "p:4 with `o` enter -",
            "q:5 assign `s` '' -",
            "r:5 assign `s` '' -",
            "t:6 annotated `u` '' `T`",
            "v:8 except - '' `E`",
            "w:9 augmented `w += 1` '' -",
            "w:10 delete - '' -",
        ],
    );
}

#[test]
fn methods_store_attributes_of_their_class() {
    let text = "\
class A:
    x: int = 0
    def f(self):
        self.x = 1
        def inner():
            self.y, other.z = 2, 3
    @classmethod
    def g(cls): cls.k: int = 4
    @staticmethod
    def h(a): a.b = 5
";
    assert_rows(
        text,
        "bindings",
        &["binding", "scope", "kind", "occurrence"],
        &[
            "x:2 <class A> annotated 0",
            "f:3 <class A> function 0",
            "self:3 <function f> param 0",
            "x:4 <class A> self_attr 0",
            "inner:5 <function f> function 0",
            "y:6 <class A> self_attr 0",
            "g:8 <class A> function 0",
            "cls:8 <function g> param 0",
            "k:8 <class A> self_attr 0",
            "h:10 <class A> function 0",
            "a:10 <function h> param 0",
            "A:1 <module> class 0",
        ],
    );
    let facts = facts_of(text);
    let bindings = table(&facts, "bindings");
    let ids: &[u64] = arrow::array::AsArray::as_primitive::<arrow::datatypes::UInt64Type>(
        bindings.column_by_name("variable").expect("the contract has it"),
    )
    .values();
    assert_eq!(ids[0], ids[3], "`x` of the class and `self.x` are one variable");
}

#[test]
fn match_patterns_capture_and_load() {
    let text = "\
match s:
    case [a, *b] | {'k': a, **b}: pass
    case m.V | None: pass
    case C(x, y=z) as whole: pass
    case _: pass
";
    assert_rows(
        text,
        "bindings",
        &["binding", "kind", "value_expr"],
        &[
            "a:2 match `s`",
            "b:2 match -",
            "a:2 match `s`",
            "b:2 match -",
            "x:4 match -",
            "z:4 match -",
            "whole:4 match `s`",
        ],
    );
    assert_rows(text, "names", &["expr"], &["`s`", "`m`", "`C`"]);
}

#[test]
fn types_are_read_where_they_are_quoted_too() {
    let text = "\
def f(a: 'List[m.T]', b: Literal['x'] = 1) -> \"int | None\":
    c = []  # type: Dict[str, 'T']
    d = x  # type: ignore
";
    let names = rows(text, "names", &["expr", "scope"]);
    assert_eq!(
        names,
        [
            "`List` <module>",
            "`m` <module>",
            "`Literal` <module>",
            "`int` <module>",
            "`Dict` <function f>",
            "`str` <function f>",
            "`T` <function f>",
            "`x` <function f>",
        ]
    );
    assert_rows(
        text,
        "bindings",
        &["binding", "annotation_expr"],
        &["f:1 -", "a:1 `List[m.T]`", "b:1 `Literal['x']`", "c:2 `Dict[str, 'T']`", "d:3 -"],
    );
    assert_rows(text, "returns", &["function", "expr", "kind"], &["f:1 `int | None` annotation"]);
}

#[test]
fn functions_say_what_they_take_and_give() {
    let text = "\
@a.b.cached(1)
@property
def f(p, /, q=1, *r, s: int, **t):
    yield p
    return q
async def g(*, u): return u
h = lambda v=w: v
";
    assert_rows(
        text,
        "params",
        &["binding", "function", "position", "kind", "default_expr"],
        &[
            "p:3 f:3 0 positional_only -",
            "q:3 f:3 1 positional `1`",
            "r:3 f:3 2 var_positional -",
            "s:3 f:3 3 keyword_only -",
            "t:3 f:3 4 var_keyword -",
            "u:6 g:6 0 keyword_only -",
            "v:7 `lambda v=w: v` 0 positional `w`",
        ],
    );
    assert_rows(
        text,
        "decorators",
        &["definition", "position", "expr", "name"],
        &["f:3 0 `a.b.cached(1)` cached", "f:3 1 `property` property"],
    );
    assert_rows(
        text,
        "returns",
        &["function", "expr", "kind", "flavor"],
        &["f:3 `p` yield generator", "f:3 `q` return generator", "g:6 `u` return async"],
    );
    assert_rows(
        text,
        "scopes",
        &["scope", "parent", "definition"],
        &["<module> - -", "<function f> <module> f:3", "<function g> <module> g:6", "<lambda> <module> -"],
    );
}

#[test]
fn type_parameters_have_a_scope_of_their_own() {
    let text = "\
class A[T: B](Base[T]):
    X = 1
    def f[U](self, u: U, v: T = X) -> X: return U
type L[V] = list[V]
";
    assert_rows(
        text,
        "names",
        &["expr", "scope", "target_scope"],
        &[
            "`B` <type_params A> -",
            "`Base` <type_params A> -",
            "`T` <type_params A> <type_params A>",
            "`X` <class A> <class A>",
            "`U` <type_params f> <type_params f>",
            "`T` <type_params f> <type_params A>",
            "`X` <type_params f> <class A>",
            "`U` <function f> <type_params f>",
            "`list` <type_params L> -",
            "`V` <type_params L> <type_params L>",
        ],
    );
}

#[test]
fn classes_calls_strings_and_docstrings() {
    let text = "\
'''Module.

    Indented.
'''
class A(B, m.C, metaclass=M):
    \"\"\"Class
    text.\"\"\"
patch('a.b.C', key=\"v\", *args, **kw)
path = 'shop.tools'
plain = 'no path'
";
    assert_rows(
        text,
        "class_bases",
        &["class", "position", "expr", "keyword"],
        &["A:5 0 `B` ''", "A:5 1 `m.C` ''", "A:5 2 `M` metaclass"],
    );
    assert_rows(text, "docstrings", &["owner", "text"], &["<module> Module.⏎⏎Indented.", "A:5 Class⏎text."]);
    assert_rows(
        text,
        "args",
        &["arg", "position", "name", "value_expr", "star"],
        &["? 0 '' `'a.b.C'` ''", "`key=\"v\"` 1 key `\"v\"` ''", "? 2 '' `args` *", "? 3 '' `kw` **"],
    );
    assert_rows(
        text,
        "strings",
        &["expr", "value", "call_expr", "argument"],
        &[
            "`'a.b.C'` a.b.C `patch('a.b.C', key=\"v\", *args, **kw)` 0",
            "`\"v\"` v `patch('a.b.C', key=\"v\", *args, **kw)` key",
            "`'shop.tools'` shop.tools - ''",
            "`'no path'` no path - ''",
        ],
    );
}

#[test]
fn short_lists_of_words_and_mentions_in_docstrings_are_texts() {
    let text = "\
mark(['price', 'off'], ['a b'], names=('x',))
class A:
    'See :func:`pay`.'
    table = 'orders'
def pay():
    total = 'local'
";
    assert_rows(
        text,
        "strings",
        &["expr", "value", "argument"],
        &["`'price'` price 0.0", "`'off'` off 0.1", "`'x'` x names.0", "`'orders'` orders ''", "``pay`` pay :func:"],
    );
}

#[test]
fn exports_are_read_where_no_code_must_run() {
    let text = "\
__all__ = ['a', \"b\"] + m.__all__
__all__ += ['c', *n.__all__]
__all__.extend(['d'])
__all__.append('e')
__all__.remove('a')
__all__ += [f()]
";
    assert_rows(
        text,
        "exports",
        &["expr", "name", "operation"],
        &[
            "`'a'` a define",
            "`\"b\"` b define",
            "`m` m module",
            "`'c'` c add",
            "`n` n module",
            "`'d'` d add",
            "`'e'` e add",
            "`'a'` a remove",
            "- '' unknown",
        ],
    );
}

#[test]
fn attributes_that_a_class_lists_are_read() {
    let text = "\
__slots__ = ('no',)
class A:
    __slots__ = ('a', \"b\") + tuple(more)
    __match_args__ = ['c', d]
    class B:
        __slots__ = {'e': 'f'}
    def m(self):
        __slots__ = 'g'
class C:
    __slots__ = 'h'
";
    assert_rows(
        text,
        "exports",
        &["expr", "scope", "name", "operation"],
        &[
            "`'a'` <class A> a attribute",
            "`\"b\"` <class A> b attribute",
            "`'c'` <class A> c attribute",
            "`'e'` <class B> e attribute",
            "`'h'` <class C> h attribute",
        ],
    );
}

#[test]
fn guards_say_under_which_condition_a_name_is_bound() {
    let text = "\
if TYPE_CHECKING:
    import a
elif sys.version_info >= (3, 12):
    import b
else:
    import c
try:
    import d
except ImportError:
    d = None
if x:
    def f():
        e = 1
";
    assert_rows(
        text,
        "bindings",
        &["binding", "branch"],
        &[
            "a:2 type_checking",
            "b:4 unreachable",
            "c:6 unreachable",
            "d:8 try_import",
            "d:10 except_import",
            "f:12 conditional",
            "e:13 ''",
        ],
    );
}

#[test]
fn broken_code_says_what_it_still_says() {
    let text = "\
import os
class A:
    def f(self, x):
        self.foo.
        return helper(x
    def g(self): return 1
def half
class Half(
y = os.path.
";
    let bound = rows(text, "bindings", &["binding", "kind"]);
    for expected in ["os:1 import", "A:2 class", "f:3 function", "x:3 param", "half:7 function", "Half:8 class"] {
        assert!(bound.iter().any(|row| row == expected), "{expected} is not in {bound:#?}");
    }
    let chains = rows(text, "exprs", &["expr", "kind"]);
    for expected in ["`self.foo` attribute", "`helper` name", "`os.path` attribute"] {
        assert!(chains.iter().any(|row| row == expected), "{expected} is not in {chains:#?}");
    }
}

#[test]
fn deep_nesting_is_cut_with_one_warning() {
    let cases = [
        format!("{}1{}\n", "(".repeat(100_000), ")".repeat(100_000)),
        "[".repeat(100_000),
        format!("x = {}y\n", "not ".repeat(50_000)),
        format!("x = {}1\n", "lambda: ".repeat(5_000)),
        format!("x = a{}\n", ".b()".repeat(5_000)),
        format!("x = {}1{}\n", "f(".repeat(3_000), ")".repeat(3_000)),
    ];
    for text in cases {
        let began = std::time::Instant::now();
        let facts = std::thread::Builder::new()
            .stack_size(2 * 1024 * 1024)
            .spawn({
                let text = text.clone();
                move || extract_file("a.py", &ModuleContext::default(), text.as_bytes(), usize::MAX).0
            })
            .expect("a thread starts")
            .join()
            .expect("no stack is large enough for less care");
        let cut = facts.errors.iter().filter(|error| error.code == ErrorCode::SourceTooDeep).count();
        assert!(cut <= 1, "{} warnings", cut);
        assert!(began.elapsed().as_secs() < 5, "{:?} for {} bytes", began.elapsed(), text.len());
    }
}

#[test]
fn long_operator_chains_are_not_deep() {
    let text = format!("x = {}1\n", "a + ".repeat(20_000));
    let facts = facts_of(&text);
    assert!(facts.errors.is_empty(), "{:?}", facts.errors);
    assert_eq!(table(&facts, "names").num_rows(), 20_000);
}

#[test]
fn a_line_in_brackets_may_be_indented_less() {
    let text = "def f():\n    (bar.\nbaz)\n    return bar\n";
    assert_rows(
        text,
        "exprs",
        &["expr", "scope"],
        &["`bar` <function f>", "`bar.⏎baz` <function f>", "`bar` <function f>"],
    );
}

#[test]
fn errors_of_the_file_stay_with_its_facts() {
    let text = "x = (\n";
    let error = ParseError {
        start: 4,
        end: 5,
        code: ErrorCode::SyntaxUnclosed,
        severity: anatomy_facts::Severity::Error,
        node_kind: "",
        message: "kept".to_owned(),
        related: None,
    };
    let facts = extract("a.py", &ModuleContext::default(), text, &parse(text, None), vec![error.clone()]);
    assert_eq!(facts.errors, [error]);
}

#[test]
fn a_call_makes_a_class() {
    let text = "\
Point = namedtuple('Point', 'x, y')
Color = Enum('Color', ['RED'])
class Corner(NamedTuple('Corner', [('left', int)])): pass
Other = namedtuple('Other', names)
";
    assert_rows(
        text,
        "bindings",
        &["binding", "kind", "annotation_expr"],
        &[
            "x:1 annotated -",
            "y:1 annotated -",
            "Point:1 class -",
            "RED:2 assign -",
            "Color:2 class -",
            "left:3 self_attr `int`",
            "Corner:3 class -",
            "Other:4 assign -",
        ],
    );
    assert_rows(text, "fields", &["position", "name"], &["0 x", "1 y", "0 left"]);
    assert_rows(
        text,
        "class_bases",
        &["class", "expr"],
        &["Point:1 `namedtuple`", "Color:2 `Enum`", "Corner:3 `NamedTuple`"],
    );
}

#[test]
fn a_star_before_a_chain_unpacks_the_whole() {
    assert_rows("x = [*a.b()]\n", "items", &["expr", "star"], &["`*a.b()` *"]);
}
