"""What is offered and said in a rule file, at a `|` in its text."""

from __future__ import annotations

import pytest

from codeanatomy.ide import rule_file
from codeanatomy.ide.rule_file import Relation

KNOWN = {
    each.name: each
    for each in (
        Relation("names", ("expr", "name"), column_docs=("the use", "the word")),
        Relation("refers_to", ("expr", "target"), "Holds if it refers.", "union"),
    )
}


def at(text: str) -> tuple[str, int, int]:
    before = text[: text.index("|")]
    return text.replace("|", "", 1), before.count("\n"), len(before) - (before.rfind("\n") + 1)


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ('doc = "x"\nmat|', {"match", "kind", "sql"}),
        ('kind = "|"', {"derive", "union", "diagnostic"}),
        ('inputs = ["|"]', {"names", "refers_to"}),
        ('inputs = [\n  "names",\n  "|",\n]', {"names", "refers_to"}),
        ('match = "|"', {"names", "refers_to"}),
        ('match = """\nnames(expr), not re|\n"""', {"names", "refers_to"}),
        ('match = "names(|"', {"expr", "name"}),
        ('match = """\nnames(expr, name IN (\'a\'), |)\nrefers_to(expr)\n"""', {"expr", "name"}),
        ('match = "names(expr), refers_to(expr, ta|)"', {"expr", "target"}),
        ('into = ["|"]', {"refers_to"}),
        ('sql = "SELECT names.|"', {"expr", "name"}),
        ('sql = """\nSELECT used.|\nFROM refers_to AS used\n"""', {"expr", "target"}),
        ('sql = """\nSELECT 1\n"""\ngr|', {"match", "grain"}),
    ],
)
def test_what_may_be_written_is_offered(text: str, labels: set[str]) -> None:
    assert labels <= {each.label for each in rule_file.completion("rule.toml", *at(text), KNOWN)}


@pytest.mark.parametrize("text", ['doc = "names.|"', "# |", 'match = "unknown(|"', 'kind = "x"\nki|nd'])
def test_where_nothing_is_known_nothing_of_it_is_offered(text: str) -> None:
    assert not {"expr", "name", "kind"} & {each.label for each in rule_file.completion("rule.toml", *at(text), KNOWN)}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('m|atch = "1"', "shared variables are the joins"),
        ('match = "refers|_to(expr)"', "Holds if it refers."),
        ('match = "names(expr), refers_to(expr, tar|get=_goal)"', "`refers_to.target`"),
        ('sql = "SELECT 1 FROM refers_to as used WHERE us|ed.expr = 1"', "`refers_to` (union)"),
        ('sql = "SELECT 1 FROM refers_to as used WHERE used.tar|get = 1"', "`refers_to.target`"),
    ],
)
def test_a_word_is_explained(text: str, words: str) -> None:
    assert words in rule_file.hover("rule.toml", *at(text), KNOWN)


def test_other_words_are_not_explained() -> None:
    assert rule_file.hover("rule.toml", *at('match = "names(not_|there=1)"'), KNOWN) == ""
    assert rule_file.hover("rule.toml", "", 5, 0, KNOWN) == ""


def test_a_column_is_explained() -> None:
    assert "the word" in rule_file.hover("rule.toml", *at('match = "names(na|me = 1)"'), KNOWN)


def test_a_pack_has_keys_of_its_own_and_the_configuration_none_of_these() -> None:
    offered = {each.label for each in rule_file.completion("pack.toml", *at('name = "x"\nve|'), KNOWN)}
    assert {"version", "doc", "when"} <= offered and "sql" not in offered
    assert "sentence" in rule_file.hover("pack.toml", *at('do|c = "x"'), KNOWN)
    assert rule_file.completion("codeanatomy.toml", *at("fro|"), KNOWN) == []
    assert rule_file.hover("codeanatomy.toml", *at('fro|m = "x"'), KNOWN) == ""
