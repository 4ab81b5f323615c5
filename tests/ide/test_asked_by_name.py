"""What frameworks look up by name is navigated, renamed and called like what is written: by parameters and by texts."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pytest

from codeanatomy.ide.definition import definition
from codeanatomy.ide.hover import hover
from codeanatomy.ide.incoming_calls import incoming_calls
from codeanatomy.ide.outgoing_calls import outgoing_calls
from codeanatomy.ide.prepare_call_hierarchy import prepare_call_hierarchy
from codeanatomy.ide.references import references_and_declaration
from codeanatomy.ide.rename import Refusal, rename
from tests.support.memory import Memory, program
from tests.support.renames import applied, asked, cursor, holding

CONFTEST = "import pytest\n@pytest.fixture\ndef client(): return 1\n"
TESTS = (
    "import pytest\n"
    "def test_get(client):\n"
    "    print(client, client)\n"
    "@pytest.mark.usefixtures('client')\n"
    "def test_put(): ...\n"
    "def helper(client): return client\n"
)
TOOLS = "def ring(): ...\nclass Till:\n    def pay(self): ...\n"
PATCHES = "from unittest import mock\nmock.patch('shop.tools.ring')\nmock.patch(r'shop.tools.Till.pay')\n"


@pytest.fixture(scope="module")
def rules() -> Memory:
    return Memory(program("pytest", "strings", "django"))


def marked(texts: Mapping[str, str], path: str, pattern: str) -> dict[str, str]:
    """The texts with the cursor where `‸` stands in a pattern."""
    assert texts[path].count(pattern.replace("‸", "")) == 1
    return dict(texts) | {path: texts[path].replace(pattern.replace("‸", ""), pattern)}


def links(rules: Memory, texts: Mapping[str, str]) -> list[tuple[str, int, tuple[int, int]]]:
    """Path and line from 1 of the definitions of what stands at the cursor, and the characters that lead there."""
    plain, path, line, character = cursor(texts)
    found = msgspec.json.decode(definition(holding(rules, plain).snapshot(), path, line, character))
    return [
        (
            each["targetUri"].rpartition("/")[2],
            each["targetSelectionRange"]["start"]["line"] + 1,
            (each["originSelectionRange"]["start"]["character"], each["originSelectionRange"]["end"]["character"]),
        )
        for each in found
    ]


def title(rules: Memory, texts: Mapping[str, str]) -> str:
    """What a hover begins with."""
    plain, path, line, character = cursor(texts)
    shown = hover(holding(rules, plain).snapshot(), path, line, character)
    assert shown is not None
    return shown.title


def places(rules: Memory, texts: Mapping[str, str]) -> list[tuple[str, int, int, int]]:
    """Path, line from 1 and characters of all references of what stands at the cursor."""
    plain, path, line, character = cursor(texts)
    found = msgspec.json.decode(references_and_declaration(holding(rules, plain).snapshot(), path, line, character))
    return [
        (
            each["uri"].rpartition("/")[2],
            each["range"]["start"]["line"] + 1,
            each["range"]["start"]["character"],
            each["range"]["end"]["character"],
        )
        for each in found
    ]


def after(rules: Memory, texts: Mapping[str, str]) -> dict[str, str]:
    """The texts after all that is sure of a rename to `new`."""
    plain, path, line, character = cursor(texts)
    return applied(plain, asked(holding(rules, plain).snapshot(), path, line, character, "new"))


FIXTURES = {"conftest.py": CONFTEST, "test_a.py": TESTS}
SHOP = {"shop/__init__.py": "", "shop/tools.py": TOOLS, "a.py": PATCHES}


def test_a_parameter_leads_to_what_it_asks_for(rules: Memory) -> None:
    assert links(rules, marked(FIXTURES, "test_a.py", "test_get(cli‸ent)")) == [("conftest.py", 3, (13, 19))]
    assert links(rules, marked(FIXTURES, "test_a.py", "helper(cli‸ent)")) == [("test_a.py", 6, (11, 17))]
    plain, path, line, character = cursor(marked(FIXTURES, "test_a.py", "test_get(cli‸ent)"))
    shown = hover(holding(rules, plain).snapshot(), path, line, character)
    assert shown is not None
    assert (shown.title, shown.path, shown.line) == ("(function) def client()", "conftest.py", 3)
    assert any("asks pytest for the fixture" in step.text for step in shown.steps)


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("conftest.py", "def cli‸ent"),
        ("test_a.py", "test_get(cli‸ent)"),
        ("test_a.py", "print(cli‸ent,"),
        ("test_a.py", "usefixtures('cl‸ient')"),
    ],
)
def test_references_hold_the_parameters_and_their_uses(rules: Memory, path: str, pattern: str) -> None:
    assert places(rules, marked(FIXTURES, path, pattern)) == [
        ("conftest.py", 3, 4, 10),
        ("test_a.py", 2, 13, 19),
        ("test_a.py", 3, 10, 16),
        ("test_a.py", 3, 18, 24),
        ("test_a.py", 4, 26, 32),
    ]


def test_a_word_of_a_text_leads_to_what_it_names(rules: Memory) -> None:
    assert links(rules, marked(SHOP, "a.py", "shop.tools.ri‸ng")) == [("tools.py", 1, (23, 27))]
    assert links(rules, marked(SHOP, "a.py", "r'shop.tools.Till.pa‸y")) == [("tools.py", 3, (29, 32))]
    assert links(rules, marked(SHOP, "a.py", "r'shop.tools.Ti‸ll")) == [("tools.py", 2, (24, 28))]
    assert links(rules, marked(SHOP, "a.py", "sho‸p.tools.ring")) == [("__init__.py", 1, (12, 16))]
    assert title(rules, marked(SHOP, "a.py", "shop.to‸ols.ring")) == "(module) shop.tools"
    assert places(rules, marked(SHOP, "shop/tools.py", "def ri‸ng")) == [("a.py", 2, 23, 27), ("tools.py", 1, 4, 8)]
    both = "import pytest\n@pytest.mark.parametrize('price, off', [])\ndef test_pay(price, off): ...\n"
    assert links(rules, marked({"test_a.py": both}, "test_a.py", "price, o‸ff'")) == [("test_a.py", 3, (33, 36))]


@pytest.mark.parametrize(
    ("path", "pattern"),
    [("conftest.py", "def cli‸ent"), ("test_a.py", "test_get(cli‸ent)"), ("test_a.py", "usefixtures('cl‸ient')")],
)
def test_a_rename_takes_along_all_that_asks(rules: Memory, path: str, pattern: str) -> None:
    changed = after(rules, marked(FIXTURES, path, pattern))
    assert changed["conftest.py"] == CONFTEST.replace("client", "new")
    wanted, helper, rest = TESTS.partition("def helper")
    assert changed["test_a.py"] == wanted.replace("client", "new") + helper + rest


def test_a_rename_changes_the_word_of_a_text(rules: Memory) -> None:
    changed = after(rules, marked(SHOP, "shop/tools.py", "def p‸ay"))
    assert changed["a.py"] == PATCHES.replace("Till.pay", "Till.new")
    assert after(rules, marked(SHOP, "a.py", "shop.tools.ri‸ng"))["shop/tools.py"] == TOOLS.replace("ring", "new")


def test_a_package_in_a_text_is_not_renamed_there(rules: Memory) -> None:
    plain, path, line, character = cursor(marked(SHOP, "a.py", "shop.to‸ols.ring"))
    with pytest.raises(Refusal) as caught:
        rename(holding(rules, plain).snapshot(), path, line, character, "new")
    assert caught.value.code == "rename-no-name"


def test_what_may_mean_another_name_is_to_be_confirmed(rules: Memory) -> None:
    texts = {
        "shop/__init__.py": "",
        "shop/views.py": "def p‸ay(request): ...\n",
        "shop/urls.py": (
            "from django.urls import path, reverse\nfrom shop import views\n"
            "urlpatterns = [path('pay/', views.pay, name='pay')]\nreverse('pay')\n"
        ),
    }
    plain, path, line, character = cursor(texts)
    found = rename(holding(rules, plain).snapshot(), path, line, character, "new")
    doubts = [(edit.range.start.line + 1, edit.doubt) for edit in found.edits["shop/urls.py"]]
    assert doubts == [(3, ""), (4, "string")]


def test_a_parameter_that_asks_for_a_name_given_elsewhere_keeps_it(rules: Memory) -> None:
    texts = {
        "conftest.py": "import pytest\n@pytest.fixture(name='client')\ndef make(): ...\n",
        "test_a.py": "def test_get(cli‸ent): ...\n",
    }
    plain, path, line, character = cursor(texts)
    with pytest.raises(Refusal) as caught:
        rename(holding(rules, plain).snapshot(), path, line, character, "new")
    assert caught.value.code == "rename-asked"


def test_who_asks_for_a_fixture_calls_it(rules: Memory) -> None:
    plain, path, line, character = cursor(marked(FIXTURES, "conftest.py", "def cli‸ent"))
    snapshot = holding(rules, plain).snapshot()
    [item] = msgspec.json.decode(prepare_call_hierarchy(snapshot, path, line, character))
    calls = msgspec.json.decode(incoming_calls(snapshot, int(item["data"]["id"]), path, line, character))
    callers = [(each["from"]["name"], each["from"]["detail"], len(each["fromRanges"])) for each in calls]
    assert callers == [("test_a", "asked for by name", 1), ("test_get", "test_a · asked for by name", 1)]
    start = calls[1]["from"]["selectionRange"]["start"]
    found = outgoing_calls(
        snapshot, int(calls[1]["from"]["data"]["id"]), "test_a.py", start["line"], start["character"]
    )
    assert [each["to"]["name"] for each in msgspec.json.decode(found) if each["to"]["name"] != "print"] == ["client"]
