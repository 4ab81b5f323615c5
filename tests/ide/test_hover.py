"""A hover says what an explanation says, in the order of reading, as text and as Markdown."""

from __future__ import annotations

import msgspec

from codeanatomy import report
from codeanatomy.ide.explain import Explanation
from codeanatomy.ide.hover import of_explanation
from codeanatomy.lsp.features.hover import laid_out, markdown

PLACE = {"start": {"line": 2, "character": 4}, "end": {"line": 2, "character": 12}}
STEPS = [
    {
        "rule": "name_in_scope",
        "text": "bound by `from shop import discount`",
        "path": "main.py",
        "line": 1,
        "source": "from shop import discount",
    },
    {"rule": "import_target", "text": "shop re-exports it", "path": "shop/__init__.py", "line": 2, "source": ""},
]
TARGET = {
    "name": "discount",
    "kind": "function",
    "path": "shop/tools.py",
    "range": PLACE,
    "signature": "def discount(order)",
    "doc": "Take the seasonal *discount* off.\nSee [here](command:run).",
    "rule": "import_target",
    "why": "it is the name that the import names",
    "confidence": 0.98,
    "rank": 1,
    "steps": STEPS,
}


def explained(**parts: object) -> Explanation:
    whole = {"word": "discount", "kind": "name", "range": PLACE, "file": "main.py"} | parts
    return msgspec.convert(whole, Explanation)


def test_a_resolved_word_shows_signature_doc_reason_and_what_was_beaten() -> None:
    beaten = TARGET | {"path": "main.py", "lost": "bound later in the same scope"}
    found = of_explanation(explained(targets=[TARGET], candidates=[beaten]))
    assert report.hover(found).splitlines() == [
        "(function) def discount(order)    shop/tools.py:3",
        "Take the seasonal *discount* off.",
        "See [here](command:run).",
        "",
        "Why: discount of shop/tools.py, confidence 0.98",
        "  1  name in scope: bound by `from shop import discount`    main.py:1",
        "       | from shop import discount",
        "  2  import target: shop re-exports it    shop/__init__.py:2",
        "  beaten: discount of main.py:3 (bound later in the same scope)",
    ]


def test_an_ambiguous_word_shows_all_that_it_may_mean() -> None:
    other = TARGET | {"path": "other.py", "why": "the last binding of a branch"}
    text = report.hover(of_explanation(explained(targets=[TARGET, other])))
    assert "one of 2 that it may mean" in text
    assert "may also be: discount of other.py:3 (the last binding of a branch), confidence 0.98" in text


def test_what_is_hardly_meant_makes_no_word_ambiguous() -> None:
    again = TARGET | {"path": "other.py", "confidence": 0.1}
    found = of_explanation(explained(targets=[TARGET, again]))
    assert "Why: discount of shop/tools.py, confidence 0.98" in report.hover(found)
    assert "other.py:3 (it is the name that the import names), confidence 0.10" in report.hover(found)
    assert markdown(found, "file:///w").endswith("it is the name that the import names, confidence 0.10")


def test_an_open_word_says_why() -> None:
    reason = {"reason": "external_missing", "text": "`numpy` is not in the workspace"}
    found = of_explanation(explained(unresolved=reason))
    assert report.hover(found) == "(name) discount\n\nOpen: `numpy` is not in the workspace"
    assert markdown(found, "file:///w").endswith(r"**Open:** \`numpy\` is not in the workspace")


def test_in_markdown_only_places_can_be_clicked() -> None:
    text = markdown(of_explanation(explained(targets=[TARGET])), "file:///w")
    assert text.startswith("```python\n(function) def discount(order)\n```")
    assert "[shop/tools.py:3](<file:///w/shop/tools.py#L3>)" in text
    assert r"\[here\]\(command:run\)" in text
    assert "1. *name in scope* — bound by" in text


def test_a_target_outside_the_workspace_has_no_place() -> None:
    outside = {"name": "loads", "kind": "external", "why": "json is not in the workspace"}
    found = of_explanation(explained(targets=[outside]))
    assert report.hover(found).splitlines() == ["(external) loads", "", "Why: loads, confidence 0.00"]
    assert (
        "]("
        not in markdown(of_explanation(explained(targets=[TARGET | {"path": ""}, outside])), "file:///w").split("Why")[
            0
        ]
    )


def test_a_head_that_is_too_long_for_a_line_has_a_line_for_each_parameter() -> None:
    short = "(function) def pay(order)"
    assert laid_out(short) == short
    words = ["self", "mark: str = 'a,('", "*", "tags: dict[str, int] | None = None", "other_tags: dict[str, int]"]
    lines = ["(function) def pay(", *(f"    {word}," for word in words), ") -> Order"]
    assert laid_out(f"(function) def pay({', '.join(words)}) -> Order") == "\n".join(lines)
    for odd in ("(variable) " + "x" * 100, "(function) def pay(" + "a, " * 40 + "…", "(", "x" * 100 + ")("):
        assert laid_out(odd) == odd
