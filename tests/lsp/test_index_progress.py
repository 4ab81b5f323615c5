"""Much work shows how far it is, how fast it goes and how long it will take, and only where it may be shown."""

from __future__ import annotations

import io
import json
from typing import Any, cast

from codeanatomy_incremental.live import Progress

from codeanatomy.lsp import transport
from codeanatomy.lsp.frames import read_frame
from codeanatomy.lsp.index_progress import IndexProgress
from codeanatomy.lsp.outgoing import Outgoing
from codeanatomy.lsp.session import Folder


class Shown:
    """A progress bar and what an editor gets of it."""

    def __init__(self) -> None:
        self.stream = io.BytesIO()
        self.editor = Outgoing(transport.Writer(self.stream))
        self.bar = IndexProgress(self.editor)
        self.cancelled = 0
        self.bar.follow(cast(Folder, self))

    @property
    def live(self) -> Shown:
        """Stands for the folder and its graph."""
        return self

    def cancel_index(self) -> None:
        self.cancelled += 1

    def messages(self) -> list[dict[str, Any]]:
        stream = io.BytesIO(self.stream.getvalue())
        return [json.loads(body) for body in iter(lambda: read_frame(stream), None)]

    def values(self) -> list[dict[str, Any]]:
        return [message["params"]["value"] for message in self.messages() if message["method"] == "$/progress"]

    def tokens(self) -> list[str]:
        return [message["params"]["token"] for message in self.messages() if message["method"].endswith("/create")]

    def agree(self) -> None:
        asked = [message["id"] for message in self.messages() if "id" in message]
        self.editor.answered(json.dumps({"jsonrpc": "2.0", "id": asked[-1], "result": None}).encode())


def test_a_rate_and_an_estimate() -> None:
    shown = Shown()
    shown.bar.show(Progress("list"))
    shown.agree()
    shown.bar.show(Progress("read", 10, 40, 1000, 2.0))
    shown.bar.show(Progress("libraries", 40, 40, 1000, 8.0))
    shown.bar.show(Progress("graph", 40, 40, 1000, 8.5))
    shown.bar.show(Progress("done", 40, 40, 1000, 9.0))
    assert [value["kind"] for value in shown.values()] == ["begin", "report", "report", "report", "end"]
    assert shown.values()[1]["message"] == "10 of 40 files, 5 files/s, 6 s left to read"
    percentages = [value["percentage"] for value in shown.values() if "percentage" in value]
    assert percentages == sorted(percentages)
    assert shown.values()[-1]["message"] == "40 files in 9.0 s"


def test_nothing_is_shown_before_the_editor_agrees_and_nothing_after_the_end() -> None:
    shown = Shown()
    shown.bar.show(Progress("list"))
    shown.bar.show(Progress("read", 1, 2, 10, 1.0))
    shown.bar.show(Progress("done", 2, 2, 20, 2.0))
    shown.agree()
    assert shown.values() == []


def test_later_work_has_a_bar_of_its_own_that_cannot_be_cancelled() -> None:
    shown = Shown()
    for number in range(2):
        shown.bar.show(Progress("read", 1, 2, 10, 1.0))
        shown.agree()
        assert shown.values()[-1]["cancellable"] == (number == 0)
        if number:
            shown.bar.cancel(shown.tokens()[-1])
        shown.bar.show(Progress("done", 2, 2, 20, 2.0))
    assert len(set(shown.tokens())) == 2
    assert [value["kind"] for value in shown.values()] == ["begin", "end", "begin", "end"]
    assert shown.cancelled == 0


def test_a_cancelled_index_is_ended_once_and_stays_silent() -> None:
    shown = Shown()
    shown.bar.show(Progress("list"))
    shown.agree()
    shown.bar.cancel("of somebody else")
    assert shown.cancelled == 0
    shown.bar.cancel(shown.tokens()[0])
    shown.bar.cancel(shown.tokens()[0])
    shown.bar.show(Progress("read", 1, 2, 10, 1.0))
    assert shown.cancelled == 1
    assert [value["kind"] for value in shown.values()] == ["begin", "end"]


def test_an_editor_may_refuse_or_answer_nonsense() -> None:
    shown = Shown()
    shown.bar.show(Progress("list"))
    [asked] = [message["id"] for message in shown.messages()]
    refusal = {"jsonrpc": "2.0", "id": asked, "error": {"code": -32601, "message": "no"}}
    for body in (
        b"{}",
        b'{"id":77,"result":1}',
        b'{"id":[]}',
        json.dumps(refusal).encode(),
        json.dumps(refusal).encode(),
    ):
        shown.editor.answered(body)
    shown.bar.show(Progress("read", 1, 2, 10, 1.0))
    assert shown.values() == []
