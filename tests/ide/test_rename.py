"""A rename changes every word that has to change, and says why where it cannot."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from codeanatomy_engine import SourceFile

from codeanatomy.ide.prepare_rename import prepare_rename
from codeanatomy.ide.rename import MOST_UNKNOWN, Refusal, rename
from tests.support.memory import Memory, program
from tests.support.renames import applied, asked, cursor, holding


@pytest.fixture(scope="module")
def rules() -> Memory:
    return Memory(program())


def after(rules: Memory, texts: Mapping[str, str], new: str = "new") -> dict[str, str]:
    """The texts that differ after renaming what stands at the cursor."""
    plain, path, line, character = cursor(texts)
    renamed = applied(plain, asked(holding(rules, plain).snapshot(), path, line, character, new))
    return {path: text for path, text in renamed.items() if plain.get(path) != text}


def refusal(rules: Memory, texts: Mapping[str, str], new: str = "new") -> tuple[str, str]:
    """Code and sentence of the refusal to rename what stands at the cursor."""
    plain, path, line, character = cursor(texts)
    with pytest.raises(Refusal) as caught:
        rename(holding(rules, plain).snapshot(), path, line, character, new)
    return caught.value.code, str(caught.value)


def doubts(rules: Memory, texts: Mapping[str, str]) -> list[tuple[str, int, str]]:
    """Path, line from 1 and kind of all changes that have to be confirmed."""
    plain, path, line, character = cursor(texts)
    found = rename(holding(rules, plain).snapshot(), path, line, character, "new")
    return [
        (path, edit.range.start.line + 1, edit.doubt)
        for path, edits in found.edits.items()
        for edit in edits
        if edit.doubt
    ]


def test_a_function_with_its_imports_its_exports_and_its_uses(rules: Memory) -> None:
    assert after(
        rules,
        {
            "m.py": "__all__ = ['old']\ndef ol‸d(x): return x\n",
            "n.py": "from m import old\nfrom m import old as other\nold(1); other(2)\n",
            "o.py": "import m\nimport m as q\nm.old(1); q.old(2)\n",
            "p/__init__.py": "from m import *\n__all__ = ['old']\nprint(old)\n",
            "r.py": "from p import old as old\nimport p\nold(); p.old()\n",
            "s.py": "def old(): return old\n",
        },
    ) == {
        "m.py": "__all__ = ['new']\ndef new(x): return x\n",
        "n.py": "from m import new\nfrom m import new as other\nnew(1); other(2)\n",
        "o.py": "import m\nimport m as q\nm.new(1); q.new(2)\n",
        "p/__init__.py": "from m import *\n__all__ = ['new']\nprint(new)\n",
        "r.py": "from p import new as new\nimport p\nnew(); p.new()\n",
    }


def test_an_alias_is_a_name_of_its_own(rules: Memory) -> None:
    texts = {
        "m.py": "def f(): ...\n",
        "n.py": "from m import f as old\nold()\n__all__ = ['old']\n",
        "o.py": "from n import old\nimport n\nold(); n.old()\n",
    }
    assert after(rules, texts | {"n.py": "from m import f as o‸ld\nold()\n__all__ = ['old']\n"}) == {
        "n.py": "from m import f as new\nnew()\n__all__ = ['new']\n",
        "o.py": "from n import new\nimport n\nnew(); n.new()\n",
    }
    assert after(rules, texts | {"m.py": "def ‸f(): ...\n"}) == {
        "m.py": "def new(): ...\n",
        "n.py": "from m import new as old\nold()\n__all__ = ['old']\n",
    }


def test_a_method_in_its_whole_family(rules: Memory) -> None:
    assert after(
        rules,
        {
            "a.py": "class A:\n    def old(self): ...\nclass Mixin:\n    def old(self): ...\nclass Other:\n    def old(self): ...\n",
            "b.py": (
                "from a import A, Mixin\nclass B(A):\n    def ol‸d(self):\n        A.old(self)\n        return super().old()\n"
                "class C(Mixin, B): ...\ndef f(b: B, c: 'C'):\n    b.old(); c.old()\n"
            ),
        },
    ) == {
        "a.py": "class A:\n    def new(self): ...\nclass Mixin:\n    def new(self): ...\nclass Other:\n    def old(self): ...\n",
        "b.py": (
            "from a import A, Mixin\nclass B(A):\n    def new(self):\n        A.new(self)\n        return super().new()\n"
            "class C(Mixin, B): ...\ndef f(b: B, c: 'C'):\n    b.new(); c.new()\n"
        ),
    }


def test_an_attribute_that_classes_list(rules: Memory) -> None:
    texts = {
        "a.py": (
            "class A:\n    __slots__ = ('old', 'other')\n    __match_args__ = ('old',)\n"
            "    def __init__(self):\n        self.ol‸d = 1\n"
        ),
        "b.py": "from a import A\nclass B(A):\n    __match_args__ = ('old', 'other')\nclass C:\n    __slots__ = ['old']\n",
    }
    renamed = {
        "a.py": (
            "class A:\n    __slots__ = ('new', 'other')\n    __match_args__ = ('new',)\n"
            "    def __init__(self):\n        self.new = 1\n"
        ),
        "b.py": "from a import A\nclass B(A):\n    __match_args__ = ('new', 'other')\nclass C:\n    __slots__ = ['old']\n",
    }
    assert after(rules, texts) == renamed
    from_the_list = texts | {"a.py": texts["a.py"].replace("‸", "").replace("('old', 'o", "('‸old', 'o")}
    assert after(rules, from_the_list) == renamed
    assert refusal(rules, texts | {"b.py": texts["b.py"].replace("['old", "['o‸ld"), "a.py": ""})[0] == "rename-unknown"


def test_an_attribute_of_self_and_of_subclasses(rules: Memory) -> None:
    assert after(
        rules,
        {
            "a.py": (
                "class A:\n    def __init__(self):\n        self.old = 1\n    def f(self): return self.o‸ld\n"
                "class B(A):\n    old = 3\n    def g(self):\n        self.old += 1\n        del self.old\nA().old\n"
            )
        },
    ) == {
        "a.py": (
            "class A:\n    def __init__(self):\n        self.new = 1\n    def f(self): return self.new\n"
            "class B(A):\n    new = 3\n    def g(self):\n        self.new += 1\n        del self.new\nA().new\n"
        )
    }


def test_an_attribute_that_a_pattern_asks_for(rules: Memory) -> None:
    assert after(rules, {"a.py": "class A:\n    o‸ld = 1\nmatch A():\n    case A(old=2 | 3) | [A(old=x)]: ...\n"}) == {
        "a.py": "class A:\n    new = 1\nmatch A():\n    case A(new=2 | 3) | [A(new=x)]: ...\n"
    }


def test_a_parameter_with_its_keywords_in_every_overriding_method(rules: Memory) -> None:
    texts = {
        "a.py": (
            "class A:\n    def f(self, o‸ld, *rest): return old\nclass B(A):\n    def f(self, old): return super().f(old=old)\n"
            "def g(a: A, b: B, **old):\n    a.f(old=1); b.f(old=2)\ng(1, 2, old=3)\n"
        )
    }
    assert after(rules, texts) == {
        "a.py": (
            "class A:\n    def f(self, new, *rest): return new\nclass B(A):\n    def f(self, new): return super().f(new=new)\n"
            "def g(a: A, b: B, **old):\n    a.f(new=1); b.f(new=2)\ng(1, 2, old=3)\n"
        )
    }


def test_a_keyword_of_a_constructor_names_its_parameter(rules: Memory) -> None:
    assert after(
        rules, {"a.py": "class A:\n    def __init__(self, old=1): ...\n", "b.py": "from a import A\nA(o‸ld=2)\n"}
    ) == {
        "a.py": "class A:\n    def __init__(self, new=1): ...\n",
        "b.py": "from a import A\nA(new=2)\n",
    }


def test_a_keyword_that_makes_a_field(rules: Memory) -> None:
    texts = {
        "a.py": "from dataclasses import dataclass\n@dataclass\nclass A:\n    o‸ld: int = 1\n@dataclass\nclass B(A): ...\n",
        "b.py": "from a import A, B\nA(old=2); B(old=3).old; C(old=4)\n",
    }
    assert after(rules, texts) == {
        "a.py": "from dataclasses import dataclass\n@dataclass\nclass A:\n    new: int = 1\n@dataclass\nclass B(A): ...\n",
        "b.py": "from a import A, B\nA(new=2); B(new=3).new; C(old=4)\n",
    }


def test_a_keyword_that_a_star_parameter_collects_is_no_parameter(rules: Memory) -> None:
    code, message = refusal(rules, {"a.py": "def f(**rest): ...\nf(o‸ld=1)\n"})
    assert code == "rename-outside"
    assert "collected by a `**` parameter" in message


def test_locals_comprehensions_lambdas_and_declared_names(rules: Memory) -> None:
    assert after(rules, {"a.py": "def f(xs):\n    return [old for ‸old in xs if old], old\n"}) == {
        "a.py": "def f(xs):\n    return [new for new in xs if new], old\n"
    }
    assert after(rules, {"a.py": "f = lambda o‸ld, x=old: old\n"}) == {"a.py": "f = lambda new, x=old: new\n"}
    assert after(rules, {"a.py": "old = 1\ndef f():\n    global old\n    ‸old = 2\ndef g(): old = 3\n"}) == {
        "a.py": "new = 1\ndef f():\n    global new\n    new = 2\ndef g(): old = 3\n"
    }
    assert after(
        rules, {"a.py": "def f():\n    old = 1\n    def g():\n        nonlocal o‸ld\n        old = f'{old} old'\n"}
    ) == {"a.py": "def f():\n    new = 1\n    def g():\n        nonlocal new\n        new = f'{new} old'\n"}


def test_types_also_where_they_are_quoted(rules: Memory) -> None:
    assert after(
        rules,
        {
            "a.py": (
                "class ‸A:\n    def f(self, a: 'A', b: \"list[A]\") -> 'A | None': ...\n"
                "x = None  # type: A\ny: 'dict[str, \"A\"]'\n"
            )
        },
    ) == {
        "a.py": (
            "class new:\n    def f(self, a: 'new', b: \"list[new]\") -> 'new | None': ...\n"
            "x = None  # type: new\ny: 'dict[str, \"new\"]'\n"
        )
    }


def test_a_stub_and_its_source_have_one_name(rules: Memory) -> None:
    assert after(
        rules,
        {
            "m.py": "class A:\n    def f(self, x): ...\n",
            "m.pyi": "class A:\n    def f(self, x: int) -> None: ...\n",
            "n.py": "from m import A\nA().f‸(1)\n",
        },
    ) == {
        "m.py": "class A:\n    def new(self, x): ...\n",
        "m.pyi": "class A:\n    def new(self, x: int) -> None: ...\n",
        "n.py": "from m import A\nA().new(1)\n",
    }


def test_a_module_moves_and_its_imports_follow(rules: Memory) -> None:
    texts = {
        "shop/__init__.py": "from . import old\nfrom .old import f\n",
        "shop/old.py": "def f(): ...\n",
        "shop/till.py": "from .old import f\nfrom . import old as o\n",
        "main.py": "import shop.o‸ld\nfrom shop import old\nimport shop.old as t\nshop.old.f(); old.f(); t.f()\n",
    }
    assert after(rules, texts) == {
        "shop/__init__.py": "from . import new\nfrom .new import f\n",
        "shop/new.py": "def f(): ...\n",
        "shop/till.py": "from .new import f\nfrom . import new as o\n",
        "main.py": "import shop.new\nfrom shop import new\nimport shop.new as t\nshop.new.f(); new.f(); t.f()\n",
    }


def test_a_package_moves_with_all_that_is_in_it(rules: Memory) -> None:
    texts = {
        "old/__init__.py": "from . import a\n",
        "old/a.py": "from old.b import f\nfrom .b import f\n",
        "old/b.py": "def f(): ...\n",
        "main.py": "import old.a\nfrom ‸old.b import f\nold.a.f()\n",
    }
    assert after(rules, texts) == {
        "new/__init__.py": "from . import a\n",
        "new/a.py": "from new.b import f\nfrom .b import f\n",
        "new/b.py": "def f(): ...\n",
        "main.py": "import new.a\nfrom new.b import f\nnew.a.f()\n",
    }


def test_a_package_without_a_file_of_its_own_moves_too(rules: Memory) -> None:
    texts = {"p/old/a/__init__.py": "", "p/old/b.py": "x = 1\n", "main.py": "from p.‸old.b import x\nimport p.old.a\n"}
    assert after(rules, texts) == {
        "p/new/a/__init__.py": "",
        "p/new/b.py": "x = 1\n",
        "main.py": "from p.new.b import x\nimport p.new.a\n",
    }


def test_what_is_doubtful_waits_for_a_person(rules: Memory) -> None:
    assert doubts(
        rules,
        {
            "a.py": "class A:\n    def o‸ld(self): ...\nclass B:\n    def old(self): ...\n",
            "b.py": (
                "from a import A, B\ndef f(z, x: A):\n    z.old()\n    getattr(x, 'old')\n    patch('a.A.old')\n    patch('a.B.old')\n"
                "    print('old')\n"
            ),
        },
    ) == [("b.py", 3, "unknown"), ("b.py", 4, "string"), ("b.py", 5, "string")]


def test_what_is_left_is_said(rules: Memory) -> None:
    plain, path, line, character = cursor({"a.py": "class A:\n    def o‸ld(self): ...\ndef f(z): z.old()\n"})
    found = asked(holding(rules, plain).snapshot(), path, line, character, "new")
    assert found.remarks == (
        "1 place was left as written, because it is not certain that `old` means the same: a.py:3",
    )
    many = {"a.py": "class A:\n    def o‸ld(self): ...\n" + "def f(z): z.old()\n" * (MOST_UNKNOWN + 1)}
    plain, path, line, character = cursor(many)
    found = rename(holding(rules, plain).snapshot(), path, line, character, "new")
    assert not any(edit.doubt for edit in found.edits["a.py"])
    assert f"{MOST_UNKNOWN + 1} other places" in found.remarks[0]


def test_a_base_that_is_not_in_the_graph_is_named(rules: Memory) -> None:
    plain, path, line, character = cursor({"a.py": "from lib import Base\nclass A(Base):\n    def o‸ld(self): ...\n"})
    found = rename(holding(rules, plain).snapshot(), path, line, character, "new")
    assert found.remarks == ("a base of `A` (a.py:2) is not in the graph; if it has a `old`, that keeps its name",)


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        ({"a.py": "new = 1\nol‸d = 2\n"}, "bound in the same scope already, at a.py:1"),
        ({"a.py": "def f(o‸ld, new): ...\n"}, "bound in the same scope already, at a.py:1"),
        ({"a.py": "class A:\n    new = 1\nclass B(A):\n    ol‸d = 2\n"}, "has a member `new` already, at a.py:2"),
        ({"a.py": "class A:\n    ol‸d = 1\nclass B(A):\n    new = 2\n"}, "has a member `new` already, at a.py:4"),
        ({"a.py": "ol‸d = 1\ndef f(new): return old\n"}, "at a.py:2 another `new` is nearer"),
        ({"a.py": "def f(o‸ld): return new\nnew = 1\n"}, "the `new` at a.py:1 means something else"),
        ({"a.py": "def f(o‸ld, **more): ...\nf(old=1, new=2)\n"}, "the call at a.py:2 gives an argument `new` already"),
        ({"a.py": "from b import *\nol‸d = 1\n", "b.py": "new = 1\n"}, "the module has a `new` already, from b.py:1"),
        ({"p/__init__.py": "ol‸d = 1\n", "p/new.py": ""}, "the module has a `new` already, from p/new.py:1"),
        ({"a.py": "import ol‸d\n", "old.py": "", "new.py": ""}, "the module has a `new` already, from new.py:1"),
        ({"a.py": "ol‸d = 1\n", "b.py": "from a import old\nnew = 2\n"}, "bound in the same scope already, at b.py:2"),
    ],
)
def test_a_name_that_is_taken_is_refused_with_its_place(rules: Memory, texts: dict[str, str], says: str) -> None:
    code, message = refusal(rules, texts)
    assert code == "rename-clash"
    assert says in message


def test_two_underscores_would_hide_a_member_from_other_classes(rules: Memory) -> None:
    texts = {"a.py": "class A:\n    ol‸d = 1\n    def f(self): return self.old\nA().old\n"}
    code, message = refusal(rules, texts, "__new")
    assert code == "rename-clash"
    assert "a.py:4" in message
    texts = {"a.py": "class A:\n    ol‸d = 1\n    def f(self): return self.old\n"}
    assert after(rules, texts, "__new") == {"a.py": "class A:\n    __new = 1\n    def f(self): return self.__new\n"}


@pytest.mark.parametrize("name", ["", "1x", "a b", "class", "a-b", "a.b", "None"])
def test_what_is_no_name_is_refused(rules: Memory, name: str) -> None:
    code, message = refusal(rules, {"a.py": "‸x = 1\n"}, name)
    assert code == "rename-invalid-name"
    assert f"`{name}`" in message


def test_a_name_that_python_reads_otherwise_is_refused(rules: Memory) -> None:
    assert refusal(rules, {"a.py": "‸x = 1\n"}, "ﬁne") == (
        "rename-invalid-name",
        "Python reads `ﬁne` as `fine`; write it so",
    )


def test_soft_keywords_are_names(rules: Memory) -> None:
    assert after(rules, {"a.py": "‸x = 1\n"}, "match") == {"a.py": "match = 1\n"}


def test_what_python_looks_for_keeps_its_name(rules: Memory) -> None:
    code, _ = refusal(rules, {"a.py": "class A:\n    def __ini‸t__(self): ...\n"})
    assert code == "rename-special"


def test_what_lies_outside_keeps_its_name(rules: Memory) -> None:
    stub = b"class Base:\n    def old(self): ...\n    def other(self): ...\ndef f(): ...\n"
    lib = SourceFile("file:///lib/lib.pyi", "lib", "", False, True, "library", 100, stub)
    rules.engine.update([lib], [])
    code, message = refusal(rules, {"a.py": "from lib import f\nf‸()\n"})
    assert (code, message) == (
        "rename-outside",
        "`f` (lib/lib.pyi:4) lies outside the workspace and keeps its name; import it under another name instead",
    )
    code, message = refusal(rules, {"a.py": "from lib import Base\nclass A(Base):\n    def o‸ld(self): ...\n"})
    assert (code, message) == (
        "rename-outside",
        "`A.old` (a.py:3) has to be named as `Base.old` (lib/lib.pyi:2), which lies outside the workspace",
    )
    rules.engine.update([], ["file:///lib/lib.pyi"])
    code, message = refusal(rules, {"a.py": "from gone import thing\nth‸ing()\n"})
    assert code == "rename-outside"
    assert "`thing` of `gone` lies outside the workspace" in message
    code, message = refusal(rules, {"a.py": "import gon‸e\n"})
    assert (code, message) == ("rename-outside", "the module `gone` lies outside the workspace and keeps its name")


def test_where_nothing_is_known_nothing_is_renamed(rules: Memory) -> None:
    assert refusal(rules, {"a.py": "def f(x): x.ol‸d()\n"})[0] == "rename-unknown"
    assert refusal(rules, {"a.py": "‸(1)\n"})[0] == "rename-no-name"


def test_the_same_name_changes_nothing(rules: Memory) -> None:
    assert after(rules, {"a.py": "ol‸d = 1\n"}, "old") == {}


def test_broken_files_and_wide_letters_are_renamed_too(rules: Memory) -> None:
    texts = {
        "a.py": "def ol‸d(): ...\n",
        "b.py": "from a import old\r\nx = '\U0001f600ä', old(\r\ndef (:\r\n    return old\r\n",
        "c.py": "from a import old\rprint('ä'); old()\r",
    }
    assert after(rules, texts) == {
        "a.py": "def new(): ...\n",
        "b.py": "from a import new\r\nx = '\U0001f600ä', new(\r\ndef (:\r\n    return new\r\n",
        "c.py": "from a import new\rprint('ä'); new()\r",
    }


def test_the_word_can_be_asked_for_first(rules: Memory) -> None:
    plain, path, line, character = cursor({"a.py": "def ol‸d(): ...\n"})
    found = prepare_rename(holding(rules, plain).snapshot(), path, line, character)
    assert (found.placeholder, found.range.start.character, found.range.end.character) == ("old", 4, 7)
    plain, path, line, character = cursor({"a.py": "de‸f old(): ...\n"})
    with pytest.raises(Refusal):
        prepare_rename(holding(rules, plain).snapshot(), path, line, character)
