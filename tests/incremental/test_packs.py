"""Rule packs become one program document, and what is wrong with them is said with file, line and key."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from codeanatomy_incremental.packs import load
from codeanatomy_incremental.packs.load import PackError

RULE = '''doc = "Holds if a name is bound in its scope."
kind = "relate"
example = "x = 1; x"
match = """
names(expr, name, target_scope=_scope, name <> '')
bindings(scope=_scope, name)
"""
grain = ["expr"]
confidence = 0.9
winner = { group = ["expr"], order = ["rank desc"] }

[roles]
expr = "expr"
'''


def pack(root: Path, **rules: str) -> Path:
    folder = root / "rules" / "team"
    folder.mkdir(parents=True)
    (folder / "pack.toml").write_text('name = "team"\nversion = "1.2"\ndoc = "Ours."\n')
    for name, text in rules.items():
        (folder / f"{name}.toml").write_text(text)
    return root


def program(root: Path) -> load.Program:
    return load.load((), root, ("rules",))


def refused(root: Path) -> PackError:
    with pytest.raises(PackError) as caught:
        program(root)
    return caught.value


def test_a_rule_is_its_file_with_its_name(tmp_path: Path) -> None:
    document = msgspec.json.decode(program(pack(tmp_path, name_in_scope=RULE)).document)
    assert document["packs"] == [{"name": "team", "version": "1.2"}]
    [view] = document["views"]
    assert view == {
        "name": "name_in_scope",
        "pack": "team",
        "file": "rules/team/name_in_scope.toml",
        "doc": "Holds if a name is bound in its scope.",
        "kind": "relate",
        "example": "x = 1; x",
        "match": "names(expr, name, target_scope=_scope, name <> '')\nbindings(scope=_scope, name)\n",
        "grain": ["expr"],
        "confidence": 0.9,
        "winner": {"group": ["expr"], "order": ["rank desc"]},
        "roles": {"expr": "expr"},
    }


def test_rules_come_in_the_order_of_their_names(tmp_path: Path) -> None:
    made = program(pack(tmp_path, b=RULE, a=RULE, c=RULE))
    assert [rule.name for rule in made.rules] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "words"),
    [
        ("match =", "mtach =", 4, "mtach", "unknown key `mtach` (did you mean `match`?)"),
        ('group = ["expr"]', 'grp = ["expr"]', 10, "winner.grp", "did you mean `group`?"),
        ('grain = ["expr"]', 'grain = "expr"', 8, "grain", "expected `array | null`, got `str`"),
        ('grain = ["expr"]', "grain = [1]", 8, "grain[0]", "expected `str`, got `int`"),
        ('kind = "relate"', 'kind = "relat"', 2, "kind", "invalid enum value 'relat'"),
        ('expr = "expr"', "expr = 3", 13, "roles.expr", "expected `str`, got `int`"),
        ('doc = "Holds if a name is bound in its scope."', "", 1, "doc", "`doc` is missing"),
        ('example = "x = 1; x"', 'example = " "', 3, "example", "`example` is empty"),
        ("confidence = 0.9", "confidence = ", 9, "", "not valid TOML"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, old: str, new: str, line: int, key: str, words: str) -> None:
    assert old in RULE
    error = refused(pack(tmp_path, broken=RULE.replace(old, new)))
    assert (error.code, error.file, error.line, error.key) == ("rule-decode", "rules/team/broken.toml", line, key)
    assert words in str(error)


def test_a_file_name_that_cannot_be_a_relation_is_refused(tmp_path: Path) -> None:
    assert refused(pack(tmp_path, **{"Name-In": RULE})).code == "rule-name"


def test_a_pack_that_is_not_installed_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    with pytest.raises(PackError) as caught:
        load.load(("pythn",), tmp_path, ())
    assert caught.value.code == "pack-unknown"
    assert "did you mean `python`?" in str(caught.value)


def test_a_folder_without_packs_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    assert refused(tmp_path).code == "pack-missing"
    with pytest.raises(PackError, match="there is no folder `nowhere`"):
        load.load((), tmp_path, ("nowhere",))


def test_two_packs_of_one_name_are_refused(tmp_path: Path) -> None:
    pack(tmp_path, a=RULE)
    second = tmp_path / "rules" / "other"
    second.mkdir()
    (second / "pack.toml").write_text('name = "team"\nversion = "2"\ndoc = "Theirs."\n')
    assert refused(tmp_path).code == "pack-duplicate"


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    pack(tmp_path, a=RULE)
    (tmp_path / "rules" / "team" / "a.toml").write_bytes(b"\xff")
    assert refused(tmp_path).code == "pack-unreadable"


def test_what_the_engine_says_of_a_rule_leads_to_its_line(tmp_path: Path) -> None:
    made = program(pack(tmp_path, name_in_scope=RULE))
    assert load.line_of(made, "rules/team/name_in_scope.toml: winner") == 10
    assert load.line_of(made, "rules/team/name_in_scope.toml: roles.expr") == 13
    assert load.line_of(made, "rules/team/name_in_scope.toml: match") == 4
    assert load.line_of(made, "rules/team/name_in_scope.toml: match line 2") == 6
    assert load.line_of(made, "rules/team/name_in_scope.toml") == 1
    assert load.line_of(made, "elsewhere") is None


def test_every_installed_pack_loads(tmp_path: Path) -> None:
    assert load.installed()
    for name in load.installed():
        assert load.load(("python", name) if name != "python" else (name,), tmp_path, ()).rules


def test_a_rule_gives_its_rows_to_a_union_of_another_pack(tmp_path: Path) -> None:
    union = 'doc = "All."\nkind = "union"\nexample = "x"\ninputs = ["first"]\n'
    made = program(pack(tmp_path, everything=union, second='into = ["everything"]\n' + RULE))
    views = {view["name"]: view for view in msgspec.json.decode(made.document)["views"]}
    assert views["everything"]["inputs"] == ["first", "second"]
    assert "into" not in views["second"]


def test_a_union_that_is_not_there_takes_nothing(tmp_path: Path) -> None:
    error = refused(pack(tmp_path, second=RULE.replace("confidence", 'into = ["refers"]\nconfidence')))
    assert (error.code, error.line, error.key) == ("rule-unknown-relation", 9, "into")


@pytest.mark.parametrize(
    ("file", "text", "found"),
    [
        ("pyproject.toml", '[dependency-groups]\ndev = ["pytest>=8"]\n', True),
        ("requirements/dev.txt", "PyTest==8.1\n", True),
        ("requirements.txt", "pytest-asyncio\nmy-pytest\n", False),
        ("conftest.py", "", True),
        ("notes.txt", "pytest\n", False),
    ],
)
def test_a_pack_is_taken_where_its_framework_is_named(tmp_path: Path, file: str, text: str, found: bool) -> None:
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(text)
    assert load.detected(tmp_path).get("pytest") == (file if found else None)
