//! What the tables say about parts: items of displays, indexes, elements, and what is stored to them; and about operators.

mod support;

use support::{assert_rows, facts_of, rows, table};

const ITEMS: [&str; 6] = ["container", "position", "role", "key", "expr", "star"];

#[test]
fn displays_say_what_they_hold() {
    assert_rows(
        "t = (a, 'b', *c)\nl = [f(), f(), 1, 2, lambda: x, y]\ns = {m.n, None}\n",
        "items",
        &ITEMS,
        &[
            "`(a, 'b', *c)` 0 item '' `a` ''",
            "`(a, 'b', *c)` 1 item '' `'b'` ''",
            "`(a, 'b', *c)` 2 item '' `c` *",
            "`[f(), f(), 1, 2, lambda: x, y]` 0 item '' `f()` ''",
            "`[f(), f(), 1, 2, lambda: x, y]` 2 item '' `1` ''",
            "`[f(), f(), 1, 2, lambda: x, y]` 4 item '' `lambda: x` ''",
            "`[f(), f(), 1, 2, lambda: x, y]` 5 item '' `y` ''",
            "`{m.n, None}` 0 item '' `m.n` ''",
            "`{m.n, None}` 1 item '' `None` ''",
        ],
    );
}

#[test]
fn entries_have_the_text_of_their_key() {
    assert_rows(
        "d = {'a': f, 1: [g], -2: 3, K: h, **e, b'x': i}\n",
        "items",
        &ITEMS[1..],
        &[
            "0 item 0 `g` ''",
            "0 key a `'a'` ''",
            "0 value a `f` ''",
            "1 key 1 `1` ''",
            "1 value 1 `[g]` ''",
            "2 key -2 `-2` ''",
            "2 value -2 `3` ''",
            "3 key '' `K` ''",
            "3 value '' `h` ''",
            "4 value '' `e` **",
            "5 value '' `i` ''",
        ],
    );
}

#[test]
fn tuples_whose_targets_take_them_apart_have_items_too() {
    assert_rows("a, b = t = x, 1\n", "items", &ITEMS, &["`x, 1` 0 item 0 `x` ''", "`x, 1` 1 item 1 `1` ''"]);
    assert_rows(
        "a, b = t = x, 1\n",
        "bindings",
        &["binding", "value_expr", "unpack"],
        &["a:1 `x` ''", "b:1 `1` ''", "t:1 `x, 1` ''"],
    );
}

#[test]
fn subscripts_say_what_they_ask_for() {
    assert_rows(
        "p = x['k'].q\nr = y[0], z[i, -1], w[1:2], v[i + 1], u[(j, 2)]\n",
        "items",
        &ITEMS,
        &[
            "`x['k']` 0 index k - ''",
            "`y[0]` 0 index 0 - ''",
            "`z[i, -1]` 0 index '' `i` ''",
            "`z[i, -1]` 1 index -1 - ''",
            "`w[1:2]` 0 slice '' - ''",
            "`u[(j, 2)]` 0 index '' `j` ''",
            "`u[(j, 2)]` 1 index 2 - ''",
            "`y[0], z[i, -1], w[1:2], v[i + 1], u[(j, 2)]` 0 item 0 `y[0]` ''",
            "`y[0], z[i, -1], w[1:2], v[i + 1], u[(j, 2)]` 1 item 1 `z[i, -1]` ''",
            "`y[0], z[i, -1], w[1:2], v[i + 1], u[(j, 2)]` 2 item 2 `w[1:2]` ''",
            "`y[0], z[i, -1], w[1:2], v[i + 1], u[(j, 2)]` 3 item 3 `v[i + 1]` ''",
            "`y[0], z[i, -1], w[1:2], v[i + 1], u[(j, 2)]` 4 item 4 `u[(j, 2)]` ''",
        ],
    );
}

#[test]
fn types_have_their_arguments_as_indexes() {
    assert_rows(
        "a: Dict[str, 'List[T]']\nb: Callable[[A, 'B'], None]\nc: Literal['x', 1]\nd = Union[A, List[B], None]\n",
        "items",
        &ITEMS,
        &[
            "`List[T]` 0 index '' `T` ''",
            "`Dict[str, 'List[T]']` 0 index '' `str` ''",
            "`Dict[str, 'List[T]']` 1 index '' `List[T]` ''",
            "`[A, 'B']` 0 item '' `A` ''",
            "`[A, 'B']` 1 item '' `B` ''",
            "`Callable[[A, 'B'], None]` 0 index '' `[A, 'B']` ''",
            "`Callable[[A, 'B'], None]` 1 index '' `None` ''",
            "`Literal['x', 1]` 0 index x `'x'` ''",
            "`Literal['x', 1]` 1 index 1 `1` ''",
            "`List[B]` 0 index '' `B` ''",
            "`Union[A, List[B], None]` 0 index '' `A` ''",
            "`Union[A, List[B], None]` 1 index '' `List[B]` ''",
            "`Union[A, List[B], None]` 2 index '' `None` ''",
        ],
    );
}

#[test]
fn comprehensions_say_what_they_give() {
    assert_rows(
        "a = [f(x) for x in y]\nb = {k: v() for k in z}\nc = (w async for w in q())\ng(h for h in i)\n",
        "items",
        &ITEMS,
        &[
            "`[f(x) for x in y]` 0 item '' `f(x)` ''",
            "`{k: v() for k in z}` 0 key '' `k` ''",
            "`{k: v() for k in z}` 0 value '' `v()` ''",
            "`(w async for w in q())` 0 item '' `w` ''",
            "`(h for h in i)` 0 item '' `h` ''",
        ],
    );
    let names = rows("a = (w async for w in q())\nb = (w for w in a)\n", "exprs", &["kind", "name"]);
    let generators: Vec<&String> = names.iter().filter(|row| row.ends_with("Generator")).collect();
    assert_eq!(generators, ["literal AsyncGenerator", "literal Generator"]);
}

#[test]
fn tables_of_literals_stay_small() {
    let numbers = "x = [".to_owned() + &"1, ".repeat(10_000) + "]\n";
    let pairs = "x = [".to_owned() + &"('a', 1, f), ".repeat(10_000) + "]\n";
    let entries: String = (0..10_000).map(|at| format!("'k{at}': {{'a': 1, 'b': ['c', 2]}}, ")).collect();
    let places = "x = (".to_owned() + &"'a', ".repeat(10_000) + ")\n";
    let text = "x = 'a' ".to_owned() + &"+ 'b' ".repeat(10_000) + "\n";
    for (text, items, exprs) in [
        (numbers, 1, 2),
        (pairs, 16, 10_015),
        (format!("x = {{{entries}}}\n"), 260, 300),
        (places, 16, 17),
        (text, 0, 1),
    ] {
        let facts = facts_of(&text);
        let (found, followed) = (table(&facts, "items").num_rows(), table(&facts, "exprs").num_rows());
        assert!(found <= items && followed <= exprs, "{found} items, {followed} exprs for {}", &text[..20]);
        assert!(items == 0 || found > 0);
    }
}

#[test]
fn stores_say_what_takes_what() {
    assert_rows(
        "\
A.f = m.n = g
d['k'], e.x = p, q
h.i += r
h.t: T = u
for j.k in l: pass
with o() as b[0]: pass
async with s() as c.d: pass
del a.b, v[1]
class C:
    def f(self, other):
        self.x = other.x = self.y.z = 1
        del self.x
",
        "stores",
        &["target", "value_expr", "unpack", "kind"],
        &[
            "`A.f` `g` '' assign",
            "`m.n` `g` '' assign",
            "`d['k']` `p` '' assign",
            "`e.x` `q` '' assign",
            "`h.i` `r` '' augmented",
            "`h.t` `u` '' annotated",
            "`j.k` `l` * for",
            "`b[0]` `o()` enter with",
            "`c.d` `s()` aenter with",
            "`a.b` - '' delete",
            "`v[1]` - '' delete",
            "`other.x` `1` '' assign",
            "`self.y.z` `1` '' assign",
            "`self.x` - '' delete",
        ],
    );
}

#[test]
fn asynchronous_loops_and_managers_are_told_apart() {
    assert_rows(
        "\
async def f():
    async for a, b in c: pass
    async with d() as e, g() as (h, i): pass
    async with (j() as k): pass
    with l() as m: pass
    return [n async for n in o for p in q]
",
        "bindings",
        &["binding", "value_expr", "unpack"],
        &[
            "f:1 - ''",
            "a:2 `c` a*.0",
            "b:2 `c` a*.1",
            "e:3 `d()` aenter",
            "h:3 `g()` aenter.0",
            "i:3 `g()` aenter.1",
            "k:4 `j()` aenter",
            "m:5 `l()` enter",
            "n:6 `o` a*",
            "p:6 `q` *",
        ],
    );
}

#[test]
fn operators_ask_for_methods() {
    assert_rows(
        "x = a + b * 2\ny = -c | ~d()\nz = e == g or not h\nw = '%s' % i + j\nv = f'{k}'\nu = -1.5\n1 + l\n",
        "exprs",
        &["expr", "kind", "base", "name", "second"],
        &[
            "`a` name - a -",
            "`b` name - b -",
            "`b * 2` binary `b` __mul__ -",
            "`a + b * 2` binary `a` __add__ `b * 2`",
            "`c` name - c -",
            "`-c` unary `c` __neg__ -",
            "`d` name - d -",
            "`d()` call `d` 0 -",
            "`~d()` unary `d()` __invert__ -",
            "`-c | ~d()` binary `-c` __or__ `~d()`",
            "`e` name - e -",
            "`g` name - g -",
            "`e == g` literal - bool -",
            "`h` name - h -",
            "`not h` literal - bool -",
            "`e == g or not h` bool_op `e == g` '' `not h`",
            "`i` name - i -",
            "`j` name - j -",
            "`'%s' % i + j` literal - str -",
            "`k` name - k -",
            "`f'{k}'` literal - str -",
            "`-1.5` literal - float -",
            "`l` name - l -",
        ],
    );
}
