"""Steps that no walk takes by itself: checkouts, commits that are given up, files that are no text, modules that get other names."""

from __future__ import annotations

import msgspec
import pytest

from codeanatomy_engine import CancelToken, EngineError, SourceFile

from tests.support.memory import Memory, program, relations, rows, tables
from tests.walks.law import Truth, differences
from tests.walks.walk import compare

MANY = {
    f"p/m{number}.py": f"from p.m{number + 1} import C\nclass D(C):\n    def f(self): return self.g()\n"
    for number in range(89)
}
MANY |= {"p/__init__.py": "", "p/m89.py": "class C:\n    def g(self): return C()\n"}


@pytest.fixture(scope="module")
def truth() -> Truth:
    return Truth(program())


def opened(truth: Truth, texts: dict[str, str]) -> Memory:
    memory = Memory(truth.document)
    memory.write(texts)
    memory.commit()
    return memory


def test_a_checkout_is_built_whole_and_the_next_edit_is_keyed_again(truth: Truth) -> None:
    live = opened(truth, MANY)
    live.write({path: text.replace("D", "E") for path, text in MANY.items()})
    assert live.commit()["mode"] == "full"
    assert compare(truth, live) == []
    live.type("p/m89.py", MANY["p/m89.py"].replace("g", "h"))
    assert live.commit()["mode"] == "keyed"
    assert compare(truth, live) == []


def test_a_commit_that_is_given_up_leaves_the_graph_as_it_was_and_the_next_one_catches_up(truth: Truth) -> None:
    live = opened(truth, {"a.py": "from b import f\nf()\n", "b.py": "def f(): ...\n"})
    names = relations(live.snapshot())
    before, generation = tables(live.snapshot(), names), live.snapshot().generation
    live.type("b.py", "def g(): ...\n")
    live.write({"c.py": "from b import g\n"})
    token = CancelToken()
    token.cancel()
    with pytest.raises(EngineError) as raised:
        live.engine.commit(token)
    assert raised.value.code == "cancelled"
    assert (live.engine.pending(), live.snapshot().generation) == (2, generation)
    assert differences(tables(live.snapshot(), names), before) == []
    live.commit()
    assert compare(truth, live) == []


def test_a_snapshot_never_changes(truth: Truth) -> None:
    live = opened(truth, {"a.py": "from b import f\nf()\n", "b.py": "def f(): ...\n"})
    names = relations(live.snapshot())
    snapshots = []
    for text in ("def f(): ...\ndef g(): ...\n", "def g(): ...\n", "", "class f: ...\n"):
        snapshots.append((live.snapshot(), tables(live.snapshot(), names)))
        live.type("b.py", text)
        live.commit()
    for snapshot, held in snapshots:
        assert differences(tables(snapshot, names), held) == []
        assert msgspec.json.decode(snapshot.verify()) == []


def test_a_file_that_becomes_another_module_without_another_text(truth: Truth) -> None:
    text = "def f(): ...\n"
    live = opened(truth, {"a.py": "from tools import f\nfrom work import f as g\n", "tools.py": text})
    other = SourceFile("tools.py", "work", "", False, False, "user", 2, text.encode())
    live.engine.update([other], [])
    live.commit()
    assert msgspec.json.decode(live.snapshot().verify()) == []
    found = rows(live.snapshot(), "SELECT imports.module FROM import_target JOIN imports USING (binding)")
    assert found == [{"module": "work"}]


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"x = '\xe4'\n", b"\x00" * 100, b"\xef\xbb\xbfx = 1\n", None])
def test_a_file_that_is_no_text_for_a_while(truth: Truth, content: bytes | None) -> None:
    texts = {"a.py": "from b import f\nf()\n", "b.py": "def f(): ...\n"}
    live = opened(truth, texts)
    error = "" if content is not None else "source-unreadable"
    live.engine.update([SourceFile("b.py", "b", "", False, False, "user", 2, content, error)], [])
    live.commit()
    assert msgspec.json.decode(live.snapshot().verify()) == []
    live.write({"b.py": texts["b.py"]})
    live.commit()
    assert compare(truth, live) == []


def test_an_editor_that_closes_without_saving_gives_the_file_back(truth: Truth) -> None:
    live = opened(truth, {"a.py": "from b import f\nf()\n", "b.py": "def f(): ...\n"})
    live.type("b.py", "def g(): ...\n")
    live.commit()
    live.write({"b.py": "def f(): ...\n"})
    live.commit()
    assert live.opened == set()
    assert compare(truth, live) == []
