"""A rename reads what was decided about the files that it would change."""

from __future__ import annotations

import pytest

from bench.editor import Editor, ResponseError
from tests.support import shop

LINE, CHARACTER = shop.place("shop/tools.py", "discount(order)")


def decide(editor: Editor, status: str) -> None:
    text = f'[[signals]]\nstatus = "{status}"\nscope = "shop"\nreason = "it is being moved"\nrecorded_by = "ann"\n'
    (editor.root / "governance.toml").write_text(text)


def test_a_rename_of_what_is_blocked_is_refused_with_the_reason(editor: Editor) -> None:
    decide(editor, "BLOCKED")
    editor.initialize()
    with pytest.raises(ResponseError, match=r"blocked. BLOCKED shop: it is being moved \(ann\)") as refused:
        editor.ask("textDocument/rename", "shop/tools.py", LINE, CHARACTER, newName="reduction")
    assert refused.value.data["code"] == "rename-governed"


def test_what_asks_for_care_is_shown_and_changes_nothing(editor: Editor) -> None:
    decide(editor, "WARN")
    editor.initialize()
    assert editor.ask("textDocument/rename", "shop/tools.py", LINE, CHARACTER, newName="reduction")
    editor.wait_for(
        lambda sent: (
            sent.get("method") == "window/showMessage" and "WARN shop: it is being moved" in sent["params"]["message"]
        )
    )
