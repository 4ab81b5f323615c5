"""A program is compiled once, and its fingerprint names whatever is derived from it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

import codeanatomy_engine
from codeanatomy_engine import Engine, EngineError

from tests.support.memory import Memory, program


@pytest.fixture(scope="module")
def document() -> bytes:
    return program()


def manifest(document: bytes) -> dict[str, Any]:
    return msgspec.json.decode(codeanatomy_engine.manifest(document))


def changed(document: bytes, **keys: Any) -> bytes:
    """The program with other keys in its first rule."""
    decoded = msgspec.json.decode(document)
    decoded["views"][0] |= keys
    return msgspec.json.encode(decoded)


def test_a_program_is_compiled_once_whatever_is_asked_of_it(document: bytes) -> None:
    before = codeanatomy_engine.compiles()
    memory = Memory(document)
    memory.write({"a.py": "def f(): ...\nf()\n"})
    memory.commit()
    memory.type("a.py", "def g(): ...\ng()\n")
    memory.commit()
    memory.engine.fork().snapshot().query("SELECT * FROM refers_to", 10)
    snapshot = memory.engine.snapshot()
    snapshot.plan(None)
    snapshot.plan("refers_to")
    assert codeanatomy_engine.compiles() == before + 1


def test_a_manifest_needs_no_compiler(document: bytes) -> None:
    before = codeanatomy_engine.compiles()
    told = manifest(document)
    assert codeanatomy_engine.compiles() == before
    assert msgspec.json.decode(Engine(document).snapshot().plan(None))["manifest"] == told
    assert [(pack["name"], pack["rules"] > 100) for pack in told["packs"]] == [("python", True)]


def test_what_people_read_of_a_rule_is_no_part_of_the_fingerprint(document: bytes) -> None:
    assert manifest(changed(document, doc="Holds otherwise.", example="x")) == manifest(document)
    assert manifest(changed(document, match="files(file)"))["fingerprint"] != manifest(document)["fingerprint"]


def test_views_above_a_changed_rule_get_another_fingerprint_and_those_beside_it_do_not(document: bytes) -> None:
    decoded = msgspec.json.decode(document)
    rule = next(view for view in decoded["views"] if view["name"] == "class_base")
    rule["match"] = rule["match"].rstrip() + ", 1 = 1\n"
    other = msgspec.json.encode(decoded)

    def fingerprints(document: bytes) -> dict[str, str]:
        views = msgspec.json.decode(Engine(document).snapshot().plan(None))["views"]
        return {view["name"]: view["fingerprint"] for view in views}

    before, after = fingerprints(document), fingerprints(other)
    moved = {name for name in before if before[name] != after[name]}
    assert {"class_base", "mro", "refers_to"} <= moved
    assert "class_member" in before
    assert "class_member" not in moved


def test_what_is_no_program_has_no_manifest() -> None:
    with pytest.raises(EngineError) as refused:
        codeanatomy_engine.manifest(b"{")
    assert refused.value.code == "program-decode"
