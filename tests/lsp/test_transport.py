"""Messages are framed whole, from any thread, and a broken stream is noticed."""

from __future__ import annotations

import io
import threading

import pytest

from codeanatomy.lsp import transport
from codeanatomy.lsp.frames import FrameError, read_frame


def frames(data: bytes) -> list[bytes | None]:
    stream = io.BytesIO(data)
    found: list[bytes | None] = []
    while (body := read_frame(stream)) is not None:
        found.append(body)
    return found


def test_messages_are_read_one_after_the_other() -> None:
    assert frames(b"Content-Length: 2\r\n\r\n{}Content-Length: 4\r\n\r\nnull") == [b"{}", b"null"]


def test_other_headers_and_their_spelling_do_not_matter() -> None:
    data = b"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\ncontent-length:  3 \r\n\r\n[1]"
    assert frames(data) == [b"[1]"]


def test_the_length_counts_bytes() -> None:
    body = '"\u00e4\U0001f600"'.encode()
    assert frames(b"Content-Length: %d\r\n\r\n" % len(body) + body) == [body]


def test_a_message_cut_off_by_the_end_is_the_end() -> None:
    assert frames(b"Content-Length: 20\r\n\r\n{}") == []


@pytest.mark.parametrize("length", [b"-1", b"x", b"", b"99999999999999"])
def test_a_length_that_is_none_is_an_error(length: bytes) -> None:
    with pytest.raises(FrameError):
        frames(b"Content-Length: " + length + b"\r\n\r\n{}")


def test_messages_of_many_threads_do_not_mix() -> None:
    stream = io.BytesIO()
    writer = transport.Writer(stream)

    def write(number: int) -> None:
        for _ in range(50):
            writer.result(number, b'"' + b"x" * number + b'"')

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = frames(stream.getvalue())
    expected = [b'{"jsonrpc":"2.0","id":%d,"result":"%s"}' % (number, b"x" * number) for number in range(8)] * 50
    assert sorted(body for body in found if body) == sorted(expected)


def test_a_reader_that_has_gone_is_no_error() -> None:
    class Gone(io.BytesIO):
        def write(self, _data: object) -> int:
            raise BrokenPipeError

    writer = transport.Writer(Gone())
    writer.notify("x", b"{}")
    writer.error(None, -32700, "bad", {})
