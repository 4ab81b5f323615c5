//! Which bindings reach a use, and what tests have proved there. The expectation stands at the end of a line:
//! `#: x <- 2 4` says that `x` on this line sees the bindings of lines 2 and 4, `#: x is A B` what the tables say of it.

mod support;

use std::collections::HashMap;

use anatomy_facts::{AnchorKind, Id, Symbol};
use anatomy_syntax::TextIndex;
use arrow::array::AsArray;
use arrow::datatypes::{UInt32Type, UInt64Type};
use support::{facts_of, rows, table};

/// Compares every line of the text with what stands at its end.
#[track_caller]
fn check(text: &str) {
    let facts = facts_of(text);
    let index = TextIndex::new(text);
    let mut places: HashMap<Id, (u32, &str)> = HashMap::new();
    let mut binding_lines: HashMap<Id, u32> = HashMap::new();
    for anchor in &facts.anchors {
        let extent = &text[anchor.extent_start as usize..anchor.extent_end as usize];
        match anchor.kind {
            AnchorKind::Binding => drop(binding_lines.insert(anchor.id, index.line_of(anchor.start) + 1)),
            AnchorKind::Reference => drop(places.insert(anchor.id, (index.line_of(anchor.start), extent))),
            _ => {}
        }
    }
    let ids = |name: &str, column: &str| -> Vec<Id> {
        let batch = table(&facts, name).clone();
        batch.column_by_name(column).expect("it is there").as_primitive::<UInt64Type>().values().to_vec()
    };
    let numbers = |name: &str, column: &str| -> Vec<u32> {
        let batch = table(&facts, name).clone();
        batch.column_by_name(column).expect("it is there").as_primitive::<UInt32Type>().values().to_vec()
    };
    let mut sees: HashMap<Id, Vec<u32>> = HashMap::new();
    for (expr, binding) in ids("reaching", "expr").into_iter().zip(ids("reaching", "binding")) {
        sees.entry(expr).or_default().push(binding_lines[&binding]);
    }
    let bound: HashMap<(Id, u32, u32), Id> = ids("bindings", "scope")
        .into_iter()
        .zip(numbers("bindings", "name"))
        .zip(numbers("bindings", "occurrence").into_iter().zip(ids("bindings", "binding")))
        .zip(numbers("bindings", "kind"))
        .filter(|(_, kind)| Symbol(*kind).text() != "self_attr")
        .map(|(((scope, name), (occurrence, binding)), _)| ((scope, name, occurrence), binding))
        .collect();
    let names = ids("names", "expr").into_iter().zip(ids("names", "target_scope"));
    for ((expr, scope), (name, reaching)) in
        names.zip(numbers("names", "name").into_iter().zip(numbers("names", "reaching")))
    {
        if reaching != 0 && !sees.contains_key(&expr) {
            sees.insert(expr, vec![binding_lines[&bound[&(scope, name, reaching - 1)]]]);
        }
    }
    let class_names: HashMap<Id, &str> = places.iter().map(|(id, (_, text))| (*id, *text)).collect();
    let mut proved: HashMap<Id, Vec<String>> = HashMap::new();
    let kinds = numbers("narrowings", "kind").into_iter().zip(ids("narrowings", "class_expr"));
    for (expr, (kind, class)) in ids("narrowings", "expr").into_iter().zip(kinds) {
        let class = class_names.get(&class).map_or(String::new(), |class| format!("({class})"));
        proved.entry(expr).or_default().push(format!("{}{class}", Symbol(kind).text()));
    }
    for (number, line) in text.lines().enumerate() {
        let Some((_, expectation)) = line.split_once("#: ") else { continue };
        let expectation = expectation.trim();
        let (what, is_reaching) = match expectation.split_once(" <-") {
            Some((what, _)) => (what, true),
            None => (expectation.split(" is").next().unwrap_or_default(), false),
        };
        let used = places
            .iter()
            .filter(|(_, (line, extent))| *line as usize == number && *extent == what)
            .max_by_key(|(id, _)| if is_reaching { sees.contains_key(id) } else { proved.contains_key(id) })
            .map(|(id, _)| *id)
            .unwrap_or_else(|| panic!("no {what} on line {}", number + 1));
        let found = if is_reaching {
            let lines: Vec<String> = sees.get(&used).into_iter().flatten().map(u32::to_string).collect();
            format!("{what} <- {}", lines.join(" "))
        } else {
            format!("{what} is {}", proved.get(&used).map(|all| all.join(" ")).unwrap_or_default())
        };
        assert_eq!(found.trim(), expectation, "line {} of:\n{text}", number + 1);
    }
}

#[test]
fn branches_join() {
    check(
        "\
def f(a):
    x = 1
    if a:
        x = 2
    elif b:
        x = 3
        return x  #: x <- 6
    else:
        pass
    return x  #: x <- 2 4
",
    );
}

#[test]
fn a_branch_that_leaves_does_not_reach() {
    check(
        "\
def f(a):
    if a:
        x = 2
    else:
        x = 3
        raise Error(x)
    return x  #: x <- 3
def g(a):
    if a:
        x = 2
    else:
        x = 3
        sys.exit()
    return x  #: x <- 10
",
    );
}

#[test]
fn loops_come_back() {
    check(
        "\
def f(a):
    x = 0
    for y in a:
        use(x)  #: x <- 2 6 9
        if y:
            x = 1
            continue
        if z:
            x = 2
        else:
            x = 3
            break
    else:
        use(x)  #: x <- 2 6 9
    return x  #: x <- 2 6 9 11
def g(a):
    x = 0
    while True:
        x = 1
        if a:
            break
    return x  #: x <- 19
",
    );
}

#[test]
fn a_handler_sees_what_the_body_had_done() {
    check(
        "\
def f(a):
    x = 0
    try:
        x = 1
        x = 2
    except A:
        use(x)  #: x <- 2 4 5
        x = 3
    except B as e:
        return
    else:
        use(x)  #: x <- 5
    return x  #: x <- 5 8
",
    );
}

#[test]
fn a_finally_is_followed_for_each_way_apart() {
    check(
        "\
def f(a):
    x = 0
    try:
        x = 1
    finally:
        use(x)  #: x <- 2 4
    use(x)  #: x <- 4
    for a in b:
        try:
            x = 2
            if a:
                break
            x = 3
        finally:
            use(x)  #: x <- 4 10 13
        use(x)  #: x <- 13
    return x  #: x <- 4 10 13
",
    );
}

#[test]
fn a_context_manager_may_swallow() {
    check(
        "\
def f(a):
    x = 0
    with a:
        x = 1
        return x
    return x  #: x <- 2 4
",
    );
}

#[test]
fn a_case_that_fails_captures_nothing() {
    check(
        "\
def f(a):
    x = 0
    match a:
        case A(b=x) if x:  #: x <- 4
            use(x)  #: x <- 4
        case B():
            use(x)  #: x <- 2 4
            x = 1
        case _:
            return
    return x  #: x <- 4 8
",
    );
}

#[test]
fn a_condition_binds_on_its_ways() {
    check(
        "\
def f(a):
    x = 0
    if a and (x := 1):
        use(x)  #: x <- 3
    else:
        use(x)  #: x <- 2 3
    y = 1
    z = (y := 2) if a else y  #: y <- 7
    use(y)  #: y <- 7 8
    v = [y for w in a if (y := w)]  #: y <- 10
    return y  #: y <- 7 8 10
",
    );
}

#[test]
fn a_function_sees_what_comes_later() {
    check(
        "\
def f(a):
    x = 1
    use(x)  #: x <- 2
    x = 2
    def g():
        return x  #: x <- 4 8
    use(x)  #: x <- 4
    x = 3
    return lambda: x  #: x <- 8
def late():
    return total  #: total <- 14 17
total = 1
use(total)  #: total <- 12
total = 2
def set():
    global total
    total = 3
    return total  #: total <- 17
",
    );
}

#[test]
fn what_others_bind_by_declaration_counts() {
    check(
        "\
total = 1
def set(a):
    global total
    use(total)  #: total <- 1 6
    if a:
        total = 2
    return total  #: total <- 1 6
use(total)  #: total <- 1 6
def around():
    x = 1
    def inner():
        nonlocal x
        x = 2
    inner()
    return x  #: x <- 10 13
",
    );
}

#[test]
fn a_class_body_looks_beyond_itself_for_what_it_binds_later() {
    let text = "\
total = 1
date = 1
class A:
    before = total
    total = total
    after = total  #: total <- 5
    date: date = None
    other = len
    len = 3
    def f(self) -> late: ...
    class late: ...
";
    check(text);
    let meanings: Vec<String> = rows(text, "names", &["expr", "target_scope", "reaching"]);
    assert_eq!(
        meanings,
        [
            "`total` <module> 1",
            "`total` <module> 1",
            "`total` <class A> 1",
            "`date` <module> 1",
            "`len` - 0",
            "`late` <class A> 0"
        ]
    );
}

#[test]
fn a_deleted_name_is_unbound() {
    check(
        "\
def f(a):
    x = 1
    if a:
        x = 2
        del x
    return x  #: x <- 2
",
    );
}

#[test]
fn a_test_tells_the_uses_behind_it() {
    check(
        "\
def f(x, y, z):
    x  #: x is
    if isinstance(x, A):
        x  #: x is isinstance(A)
    elif isinstance(x, (B, c.D)):
        x  #: x is isinstance(B) isinstance(c.D) not_isinstance(A)
    else:
        return x  #: x is not_isinstance(A) not_isinstance(B) not_isinstance(c.D)
    x  #: x is isinstance(A) isinstance(B) isinstance(c.D)
    x = 1
    x  #: x is
    assert type(y) is A, y
    y  #: y is is_class(A)
    if z is None:
        z  #: z is is_none
        return
    z  #: z is not_none
    w = isinstance(w, A) and w.a  #: w is isinstance(A)
    w = w.a if isinstance(w, A) else None  #: w is isinstance(A)
    if not (isinstance(v, A) or isinstance(v, B)):
        raise v
    v  #: v is isinstance(A) isinstance(B)
",
    );
}

#[test]
fn chains_are_told_until_they_or_what_they_hang_on_are_bound() {
    check(
        "\
class A:
    def f(self):
        if self.x is None:
            return
        self.x.a  #: self.x is not_none
        other()
        self.x.a.b  #: self.x is not_none
        self.x = 1
        self.x  #: self.x is
        while self.p is not None and isinstance(self.p.q, A):
            self.p.q  #: self.p.q is isinstance(A)
            self.p = 3
            self.p.q  #: self.p.q is
",
    );
}

#[test]
fn loops_forget_what_they_bind() {
    check(
        "\
def f(node):
    while not isinstance(node, A):
        node = node.parent
    node  #: node is isinstance(A)
def g(node):
    assert isinstance(node, A)
    while node:
        node  #: node is truthy
        node = node.parent
def h(node, other):
    assert isinstance(node, A)
    while other:
        node  #: node is isinstance(A)
        other = other.parent
",
    );
}

#[test]
fn comprehensions_and_lambdas_know_what_was_tested() {
    check(
        "\
def f(a, b):
    if not isinstance(b, B):
        return
    c = [x.y for x in a if isinstance(x, A)]  #: x is isinstance(A)
    d = [b.y for x in a]  #: b is isinstance(B)
    e = lambda: b.y  #: b is isinstance(B)
    f = [x for x in a if (m := match(x)) if m.group()]  #: m is truthy
    return b  #: b is isinstance(B)
",
    );
}

#[test]
fn patterns_prove_classes() {
    check(
        "\
def f(x):
    match x:
        case A():
            x  #: x is match_class(A)
        case B(c=1) | c.D():
            x  #: x is match_class(B) match_class(c.D) not_isinstance(A)
        case None:
            x  #: x is is_none
        case E() as y if y.z:
            x  #: x is match_class(E) not_isinstance(A)
        case _:
            x  #: x is not_none not_isinstance(A)
",
    );
    let captured = rows(
        "match x:\n    case A(b=1) as y: pass\n    case A() | B() as z: pass\n",
        "bindings",
        &["binding", "annotation_expr"],
    );
    assert_eq!(captured, ["y:2 `A`", "z:3 -"]);
}

#[test]
fn many_bindings_are_told_in_part_and_at_once() {
    let mut text = String::from("def f(a):\n    x = 0\n");
    for number in 0..3000 {
        text.push_str(&format!("    if a == {number}:\n        x = {number}\n"));
    }
    text.push_str("    return x\n");
    assert_eq!(rows(&text, "reaching", &["binding"]).len(), 32);
}

#[test]
fn a_function_that_is_too_large_is_left_as_its_text_reads() {
    let mut text = String::from("def f(a):\n    x = 0\n");
    for number in 0..20_000 {
        text.push_str(&format!("    if a:\n        x{number} = a\n    else:\n        x{number} = x{number}\n"));
    }
    text.push_str("    return x0\n");
    assert_eq!(rows(&text, "reaching", &["binding"]).len(), 0);
}

#[test]
fn broken_code_is_followed_as_far_as_it_goes() {
    for text in [
        "break\ncontinue\nreturn\n",
        "def f(:\n    if x\n        y = 1\n    try:\n    except:\n  finally:\n",
        "match x:\n    case\n",
        "while:\n  else:\n",
        "try:\n  x = 1\nfinally",
        "x = a and\n",
        "with a as b\n  x\n",
        "if isinstance(x, ): x\n",
        "for x in",
        "class A:\n  while 1:\n    break\n  else",
    ] {
        facts_of(text);
    }
}
