"""Diagnostics of syntax and of rules are told apart and put together."""

from __future__ import annotations

import json

from codeanatomy.ide.diagnostics import of_rules, together

SYNTAX = [{"code": "syntax-unclosed", "message": "a"}, {"code": "source-nul", "message": "b"}]
RULES = [{"code": "unresolved-import", "message": "c"}]


def test_what_rules_say_is_told_by_its_code() -> None:
    assert json.loads(of_rules(json.dumps(SYNTAX + RULES).encode())) == RULES
    assert of_rules(b"[]") == b"[]"


def test_two_lists_are_one() -> None:
    both = together(json.dumps(SYNTAX).encode(), json.dumps(RULES).encode())
    assert json.loads(both) == SYNTAX + RULES
    assert together(b"[]", b"[]") == b"[]"
    assert json.loads(together(b"[]", json.dumps(RULES).encode())) == RULES
    assert json.loads(together(json.dumps(SYNTAX).encode(), b"[]")) == SYNTAX
