"""URIs, parameters and Markdown at the border of the protocol."""

from __future__ import annotations

import json

import pytest

from codeanatomy.lsp import convert


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///home/me/a.py", "/home/me/a.py"),
        ("file:///home/me/a%20b%23/%C3%A4.py", "/home/me/a b#/\u00e4.py"),
        ("file:///home/me/../you/a.py", "/home/you/a.py"),
        ("untitled:Untitled-1", None),
        ("file://", None),
        ("file:///a%00.py", None),
        ("http://[::1", None),
        ("", None),
    ],
)
def test_a_uri_names_a_path_if_it_names_a_file(uri: str, path: str | None) -> None:
    assert convert.path_of(uri) == path


def test_a_path_makes_a_uri_that_names_it() -> None:
    uri = convert.uri_of("file:///home/me/", "a b#/\u00e4.py")
    assert convert.path_of(uri) == "/home/me/a b#/\u00e4.py"


@pytest.mark.parametrize(
    "params",
    [
        b"null",
        b"{}",
        b'{"textDocument":{"uri":"file:///a"},"position":{"line":-1,"character":0}}',
        b'{"textDocument":{"uri":"file:///a"},"position":{"line":0,"character":0.5}}',
        b'{"textDocument":{"uri":3},"position":{"line":0,"character":0}}',
        b'{"textDocument":{"uri":"file:///a"},"position":{"line":99999999999,"character":0}}',
    ],
)
def test_parameters_that_are_not_what_the_protocol_says_are_refused(params: bytes) -> None:
    with pytest.raises(convert.InvalidParams):
        convert.decode(params, convert.At)


def test_links_become_locations() -> None:
    place = {"start": {"line": 1, "character": 2}, "end": {"line": 1, "character": 5}}
    link = {
        "targetUri": "file:///a.py",
        "targetRange": {},
        "targetSelectionRange": place,
        "originSelectionRange": place,
    }
    assert json.loads(convert.locations(json.dumps([link]).encode())) == [{"uri": "file:///a.py", "range": place}]


def test_lists_are_joined_without_being_read() -> None:
    assert convert.joined([b"[1,2]", b"[]", b"[3]"]) == b"[1,2,3]"
    assert convert.joined([b"[]"]) == b"[]"
    assert convert.joined([]) == b"[]"


def test_text_is_shown_as_it_is_written() -> None:
    assert convert.escaped("*a* [b](command:evil) <i>") == r"\*a\* \[b\]\(command:evil\) \<i\>"
    assert convert.escaped("a\n    b") == "a  \n\u00a0\u00a0\u00a0\u00a0b"


def test_code_cannot_end_its_own_fence() -> None:
    assert convert.code("a ``b`` c") == "```a ``b`` c```"
    assert convert.code("`a`") == "`` `a` ``"
    assert convert.code_block("x = '''```'''") == "````python\nx = '''```'''\n````"
