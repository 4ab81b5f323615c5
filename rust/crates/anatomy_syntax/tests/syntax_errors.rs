//! What people read about broken code. Each case: source, then every error as `line:column text [related line:column]`.

use anatomy_facts::ErrorCode;
use anatomy_syntax::{PositionEncoding, TextIndex, errors::GRAMMAR_GAPS, lsp::diagnostics_json, parse, syntax_errors};

fn shown(text: &str) -> Vec<String> {
    let index = TextIndex::new(text);
    let place = |offset| {
        let (line, column) = index.position(offset, PositionEncoding::Utf8);
        format!("{}:{column}", line + 1)
    };
    syntax_errors(text, &parse(text, None))
        .iter()
        .map(|error| {
            assert!(error.start <= error.end && error.end as usize <= text.len(), "{error:?} is outside the text");
            assert!(text.is_char_boundary(error.start as usize) && text.is_char_boundary(error.end as usize));
            let related = error.related.as_ref().map(|(start, ..)| format!(" [{}]", place(*start))).unwrap_or_default();
            format!("{} {}{related}", place(error.start), error.message)
        })
        .collect()
}

#[track_caller]
fn case(text: &str, expected: &[&str]) {
    assert_eq!(shown(text), expected, "for:\n{text}");
}

#[test]
fn brackets_and_strings() {
    case("x = (1,\ny = 2\n", &["1:4 '(' was never closed [2:0]"]);
    case("print(a\n", &["1:5 '(' was never closed"]);
    case("foo(a, [b)\nz = 1\n", &["1:9 ')' does not match '[' [1:7]"]);
    case("x = 1)\n", &["1:5 unmatched ')'"]);
    case(
        "def f(a:\n    return {a\ndef g(): pass\n",
        &["1:5 '(' was never closed [2:4]", "2:11 '{' was never closed [3:0]"],
    );
    case("x = 'abc\ny = 1\n", &["1:4 this string was never closed"]);
    case("x = '''abc\ny = 1\n", &["1:4 this triple-quoted string was never closed"]);
    case("f'{a'\nb = 1\n", &["1:2 '{' of this f-string was never closed"]);
    case("f'{}'\n", &["1:2 an f-string needs an expression between '{' and '}'"]);
    case("f'a } b'\n", &["1:4 a single '}' is not allowed in an f-string; write '}}'"]);
}

#[test]
fn what_is_missing() {
    case("if x\n    pass\n", &["1:3 expected ':' after the `if` condition"]);
    case("def f()\n    pass\n", &["1:6 expected ':' after the function's signature"]);
    case("def f():\nx = 1\n", &["1:7 expected an indented block after the function definition [2:0]"]);
    case("class A:\n", &["1:7 expected an indented block after the class definition"]);
    case("x = \n", &["1:2 expected an expression after '='"]);
    case("x = 1 +\n", &["1:6 expected an expression after '+'"]);
    case("a.\n", &["1:1 expected a name after '.'"]);
    case("for x y:\n    pass\n", &["1:6 expected 'in' after the target of `for`"]);
    case("for x in:\n    pass\n", &["1:8 expected an expression after 'in'"]);
    case("try:\n    pass\nx = 1\n", &["1:0 this `try` has no `except` and no `finally` [3:0]"]);
    case("import\n", &["1:5 expected a name of a module after `import`"]);
    case("from a import\n", &["1:12 expected a name after `import`"]);
    case("@decorated\nx = 1\n", &["1:0 expected a function or class after this decorator"]);
    case("x = a if b\n", &["1:9 expected 'else' and a value: a conditional expression needs both"]);
    case("foo(a b)\n", &["1:6 expected ',' or an operator before 'b'"]);
}

#[test]
fn what_is_refused() {
    case("f() = 1\n", &["1:0 cannot assign to function call; maybe '==' is meant"]);
    case("a + 1 = 2\n", &["1:0 cannot assign to expression; maybe '==' is meant"]);
    case("None = 1\n", &["1:0 cannot assign to None"]);
    case("(a, 1) = b\n", &["1:4 cannot assign to literal; maybe '==' is meant"]);
    case("if x = 1:\n    pass\n", &["1:5 '=' cannot stand here; maybe '==' or ':=' is meant"]);
    case("del f()\n", &["1:4 cannot delete function call"]);
    case("return 1\n", &["1:0 `return` is only allowed in a function"]);
    case("break\n", &["1:0 `break` is only allowed in a loop"]);
    case("def f(a, a): pass\n", &["1:9 parameter 'a' is repeated"]);
    case("def f(a=1, b): pass\n", &["1:11 a parameter without a default cannot follow one with a default"]);
    case("f(a=1, 2)\n", &["1:7 a positional argument cannot follow a keyword argument"]);
    case("class = 1\n", &["1:6 expected a name of the class after `class`"]);
    case("x = 012\n", &["1:4 leading zeros are not permitted in decimal literals; use 0o for octal"]);
    case("x = 1a\n", &["1:4 invalid decimal literal"]);
    case("x = “a”\n", &["1:4 invalid character '“' (U+201C)", "1:8 invalid character '”' (U+201D)"]);
    case("else:\n    pass\n", &["1:0 this `else` belongs to no `if`, `for`, `while` or `try`"]);
}

#[test]
fn indentation() {
    case("x = 1\n    y = 2\nz = 3\n", &["2:0 unexpected indentation: nothing before this line opens a block"]);
    case("if x:\n        a\n    b\n", &["3:0 this line is indented less than its block and matches no outer one"]);
    case("if x:\n\ta\n        b\n", &["3:0 inconsistent use of tabs and spaces in indentation"]);
}

#[test]
fn python_two() {
    case("print 'a'\n", &["1:0 `print` is a function in Python 3: parentheses are missing"]);
    case("print x, y\n", &["1:0 `print` is a function in Python 3: parentheses are missing"]);
    case("exec 'a'\n", &["1:0 `exec` is a function in Python 3: parentheses are missing"]);
    case("x = a <> b\n", &["1:6 '<>' is not Python 3; use '!='"]);
    case("x = `a`\n", &["1:4 backquotes are not Python 3; use repr()"]);
    case("raise E, 'a'\n", &["1:7 `raise E, value` is not Python 3; write `raise E(value)`"]);
    let text = "try:\n    pass\nexcept E, e:\n    pass\n";
    case(text, &["3:7 several exception types without parentheses need Python 3.14"]);
    case("def f((a, b)): pass\n", &["1:6 a parameter cannot be a tuple in Python 3"]);
}

#[test]
fn one_error_does_not_drown_the_rest() {
    let text = "def f(:\n    return 1\n\nclass A:\n    x = (1\n\n    def g(self):\n        return self.\n\ny = 2\n";
    case(text, &["1:5 '(' was never closed [2:4]", "5:8 '(' was never closed [7:4]", "8:19 expected a name after '.'"]);
}

#[test]
fn new_syntax_is_no_error() {
    for text in [
        "type X[T: int = str, *Ts, **P] = list[T]\n",
        "def f[T](x: T, *args: *Ts) -> T: ...\nclass A[T](B, metaclass=M): ...\n",
        "match x:\n    case [1, -2.5+3j, *_] | {'a': A.b, **rest} as y if y: pass\n    case A(x, y=[])  : pass\n    case _: pass\n",
        "match = 1\nmatch(x)\nmatch[x]\ncase = type = _ = match\nprint(match.x)\nmatch: int = 3\n",
        "try: pass\nexcept* (A, B) as e: pass\n",
        "with (open(a) as x, b as (y, z),): pass\nwith (a, b): pass\nwith (a) as c, d: pass\ndef f():\n    with (yield): pass\n",
        "async def f():\n    async for x in y: await z\n    return [x async for x in await y if await x]\n",
        "f'{x!r:>{w}} {{}} {a[\"b\"]} {x=} {lambda_:%H:%M} {\"\\n\".join(x)}'\nrf'\\{x}'\nf'''{\nx\n}'''\n",
        "x = *a, *b\nfor i in *a, b: pass\nreturn_ = a[1:2, ::3, *b]\nprint(*a, **b, c=1)\n",
        "def f(a, /, b=1, *, c, d=2, **e): return (yield)\nlambda *a, b=1, **c: (yield)\n",
        "if (n := 10) > 5: pass\nx = [y := 1, y**2]\nx[y:=1]\nf(y:=1)\n",
        "global_ = 0xFF + 0b1_0 + 0o17 + 1_000.5e-3j + .5 + 5. + 00\n1if x else 2\n",
        "@a.b[0](c)\n@(yield_)\ndef f(): pass\n",
        "if a:\n    pass\n# comment\n  # odd comment\nelse:\n    pass\n\x0c\nx = 1;\n",
        "x = 'a' \\\n    'b'\nif a and \\\n   b:\n    pass\n",
        "",
        "\n\n",
        "# only a comment",
        "x = 1 # no line end",
        "class A: x: int; y = 2\n",
        "while True:\n\tif x:\n\t\tbreak\n\telse: continue\n",
        "nonlocal_ = {**a, 'b': 1, **c}\ns = {*a, 1}\nd = {k: v for k, v in x if k if v}\n",
        "print >> f\n",
    ] {
        assert_eq!(shown(text), Vec::<String>::new(), "for:\n{text}");
    }
}

#[test]
fn no_gap_of_the_grammar_is_an_error() {
    for (name, example, _) in GRAMMAR_GAPS {
        assert_eq!(shown(example), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn diagnostics_are_what_the_protocol_wants() {
    let text = "é = (1\nx = 2\n";
    let errors = syntax_errors(text, &parse(text, None));
    let json = diagnostics_json(&errors, &TextIndex::new(text), PositionEncoding::Utf16, "file:///a.py");
    let value: serde_json::Value = serde_json::from_slice(&json).expect("it is JSON");
    let place = |from: u32, to: u32, line: u32| serde_json::json!({"start": {"line": line, "character": from}, "end": {"line": line, "character": to}});
    assert_eq!(
        value,
        serde_json::json!([{
            "range": place(4, 5, 0),
            "severity": 1,
            "code": "syntax-unclosed",
            "source": "codeanatomy",
            "message": "'(' was never closed",
            "relatedInformation": [{
                "location": {"uri": "file:///a.py", "range": place(0, 1, 1)},
                "message": "the next statement starts here",
            }],
        }])
    );
    assert_eq!(errors[0].code, ErrorCode::SyntaxUnclosed);
}
