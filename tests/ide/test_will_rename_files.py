"""Imports follow files that move."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from codeanatomy.ide.will_rename_files import Following, will_rename_files
from tests.support.memory import Memory, program
from tests.support.renames import followed, holding, moved


@pytest.fixture(scope="module")
def rules() -> Memory:
    return Memory(program())


def following(rules: Memory, texts: Mapping[str, str], old: str, new: str) -> Following:
    """What follows the move of a file or directory."""
    return will_rename_files(holding(rules, texts).snapshot(), moved(texts, old, new))


def after(rules: Memory, texts: Mapping[str, str], old: str, new: str) -> dict[str, str]:
    """The texts that differ after the edits, by their path before the move."""
    changed = followed(texts, following(rules, texts, old, new))
    return {path: text for path, text in changed.items() if text != texts[path]}


def test_a_module_that_gets_another_name_takes_it_with_it(rules: Memory) -> None:
    texts = {
        "p/__init__.py": "from . import a\nfrom .a import f\n",
        "p/a.py": "def f(): ...\n",
        "main.py": "import p.a\nfrom p import a, b\nfrom p.a import f\np.a.f(); a.f()\n",
    }
    assert after(rules, texts, "p/a.py", "p/z.py") == {
        "p/__init__.py": "from . import z\nfrom .z import f\n",
        "main.py": "import p.z\nfrom p import z, b\nfrom p.z import f\np.z.f(); z.f()\n",
    }


def test_where_the_name_is_taken_an_alias_keeps_the_old_one(rules: Memory) -> None:
    texts = {"p/__init__.py": "", "p/a.py": "", "main.py": "from p import a\nz = a\n"}
    assert after(rules, texts, "p/a.py", "p/z.py") == {"main.py": "from p import z as a\nz = a\n"}


def test_a_module_that_moves_to_another_package(rules: Memory) -> None:
    texts = {
        "p/__init__.py": "from .a import f\n",
        "p/a.py": "from .b import g\nfrom . import b\nfrom .. import q\nimport p.b\n",
        "p/b.py": "from .a import f\ndef g(): ...\n",
        "q/__init__.py": "",
        "main.py": "import p.a\nimport p.a as pa\nfrom p.a import f\nfrom p import a\np.a.f(); a.f(); pa.f()\n",
        "more.py": "from p import a, b\nfrom p import (\n    b,\n    a as c,\n)\n",
    }
    assert after(rules, texts, "p/a.py", "q/z.py") == {
        "p/__init__.py": "from q.z import f\n",
        "p/a.py": "from p.b import g\nfrom p import b\nfrom .. import q\nimport p.b\n",
        "p/b.py": "from q.z import f\ndef g(): ...\n",
        "main.py": "import q.z\nimport q.z as pa\nfrom q.z import f\nfrom q import z as a\nq.z.f(); a.f(); pa.f()\n",
        "more.py": "from q import z as a\nfrom p import b\nfrom q import z as c\nfrom p import (\n    b,\n)\n",
    }


def test_a_module_that_moves_within_its_package_keeps_its_dots(rules: Memory) -> None:
    texts = {
        "p/__init__.py": "",
        "p/a.py": "from .b import g\nfrom .s.c import h\n",
        "p/b.py": "from .a import f\ndef g(): ...\n",
        "p/s/__init__.py": "",
        "p/s/c.py": "from ..a import f\nfrom .. import a\n",
    }
    assert after(rules, texts, "p/a.py", "p/s/a.py") == {
        "p/a.py": "from ..b import g\nfrom .c import h\n",
        "p/b.py": "from .s.a import f\ndef g(): ...\n",
        "p/s/c.py": "from .a import f\nfrom . import a\n",
    }


def test_a_directory_moves_with_all_that_is_in_it(rules: Memory) -> None:
    texts = {
        "p/__init__.py": "",
        "p/s/__init__.py": "from . import c\nfrom .c import h\n",
        "p/s/c.py": "from ..b import g\nfrom p.s import c\n",
        "p/b.py": "from .s.c import h\nimport p.s.c\np.s.c.h()\n",
        "q/__init__.py": "",
        "n/x.py": "",
        "main.py": "import n.x\nn.x\n",
    }
    assert after(rules, texts, "p/s", "q/s") == {
        "p/s/c.py": "from p.b import g\nfrom q.s import c\n",
        "p/b.py": "from q.s.c import h\nimport q.s.c\nq.s.c.h()\n",
    }
    assert after(rules, texts, "n", "m") == {"main.py": "import m.x\nm.x\n"}


def test_what_is_below_a_directory_moves_along_known_or_not(rules: Memory) -> None:
    texts = {
        "p/__init__.py": "",
        "p/s/__init__.py": "",
        "main.py": "import p.s.gone\nfrom p.s.more import x\np.s.gone\n",
    }
    assert after(rules, texts, "p/s", "q/s") == {
        "main.py": "import q.s.gone\nfrom q.s.more import x\nq.s.gone\n",
    }


def test_what_would_have_to_be_guessed_is_said(rules: Memory) -> None:
    texts = {
        "p/__init__.py": "",
        "p/a.py": "",
        "p/b.py": "",
        "q/__init__.py": "",
        "main.py": "if x:\n    from p import a, b\n",
    }
    found = following(rules, texts, "p/a.py", "q/a.py")
    assert found.edits == {}
    assert found.remarks == ("main.py:2: `a` moves and the other names stay; the import is left as it is",)


def test_files_that_nothing_imports_move_alone(rules: Memory) -> None:
    assert following(rules, {"a.py": "x = 1\n", "b.py": "import c\n"}, "a.py", "z.py") == Following({})


def test_broken_files_follow_too(rules: Memory) -> None:
    texts = {"p/__init__.py": "", "p/a.py": "", "q/__init__.py": "", "main.py": "def (:\nfrom p.a import f\nx = (\n"}
    assert after(rules, texts, "p/a.py", "q/a.py") == {"main.py": "def (:\nfrom q.a import f\nx = (\n"}
