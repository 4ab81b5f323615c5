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
        ('doc = "x"\nfro|', {"from", "kind", "where"}),
        ('kind = "|"', {"derive", "union", "diagnostic"}),
        ('to = ["|"]', {"names", "refers_to"}),
        ('to = [\n  "names",\n  "|",\n]', {"names", "refers_to"}),
        ('into = ["|"]', {"refers_to"}),
        ('where = "names.|"', {"expr", "name"}),
        ('to = ["refers_to as r"]\nwhere = "r.t|"', {"expr", "target"}),
        ('sql = """\nSELECT used.|\nFROM refers_to AS used\n"""', {"expr", "target"}),
        ('sql = """\nSELECT 1\n"""\nwh|', {"where", "grain"}),
    ],
)
def test_what_may_be_written_is_offered(text: str, labels: set[str]) -> None:
    assert labels <= {each.label for each in rule_file.completion("rule.toml", *at(text), KNOWN)}


@pytest.mark.parametrize("text", ['doc = "names.|"', "# |", 'where = "unknown.|"', 'kind = "x"\nki|nd'])
def test_where_nothing_is_known_nothing_of_it_is_offered(text: str) -> None:
    assert not {"expr", "name", "kind"} & {each.label for each in rule_file.completion("rule.toml", *at(text), KNOWN)}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('w|here = "1"', "SQL predicate"),
        ('from = "refers|_to"', "Holds if it refers."),
        ('to = ["refers_to as used"]\nwhere = "us|ed.expr = 1"', "`refers_to` (union)"),
        ('to = ["refers_to as used"]\nwhere = "used.tar|get = 1"', "`refers_to.target`"),
    ],
)
def test_a_word_is_explained(text: str, words: str) -> None:
    assert words in rule_file.hover("rule.toml", *at(text), KNOWN)


def test_other_words_are_not_explained() -> None:
    assert rule_file.hover("rule.toml", *at('where = "names.not_|there = 1"'), KNOWN) == ""
    assert rule_file.hover("rule.toml", "", 5, 0, KNOWN) == ""


def test_a_column_is_explained() -> None:
    assert "the word" in rule_file.hover("rule.toml", *at('where = "names.na|me = 1"'), KNOWN)


def test_a_pack_has_keys_of_its_own_and_the_configuration_none_of_these() -> None:
    offered = {each.label for each in rule_file.completion("pack.toml", *at('name = "x"\nve|'), KNOWN)}
    assert {"version", "doc", "when"} <= offered and "sql" not in offered
    assert "sentence" in rule_file.hover("pack.toml", *at('do|c = "x"'), KNOWN)
    assert rule_file.completion("codeanatomy.toml", *at("fro|"), KNOWN) == []
    assert rule_file.hover("codeanatomy.toml", *at('fro|m = "x"'), KNOWN) == ""
