"""`textDocument/hover`: what the word at a place is, and why it is said to be that."""

from __future__ import annotations

from codeanatomy_engine import Snapshot

from codeanatomy import report
from codeanatomy.ide import rule_file
from codeanatomy.ide.explain import Target, line_of, shown
from codeanatomy.ide.hover import Hover, hover, said
from codeanatomy.lsp import convert
from codeanatomy.lsp.session import Client, Question, Session

METHOD = "textDocument/hover"

_LINE = 88
"""Letters that fit into the window of a hover."""


def answer(session: Session, question: Question) -> bytes:
    """The hover in the form that the client likes best, or null."""
    asked = convert.decode(question.params, convert.At)
    uri = asked.text_document.uri
    place = session.place(uri)
    if place is None:
        return _of_rules(session, uri, asked.position)
    at, client, root_uri = asked.position, session.client, place.folder.uri

    def shown(snapshot: Snapshot) -> bytes:
        return _shown(hover(snapshot, place.path, at.line, at.character), client, root_uri)

    return session.near_answer(question, place, shown, b"null", at)


def _of_rules(session: Session, uri: str, at: convert.Position) -> bytes:
    """The hover in a rule file, or null."""
    written = session.rule_text(uri)
    if written is None:
        return b"null"
    column = convert.column_of(written.text, at, session.client.encoding)
    known = rule_file.relations(written.folder.live.snapshot())
    told = rule_file.hover(uri.rpartition("/")[2], written.text, at.line, column, known)
    return convert.json({"contents": {"kind": "markdown", "value": told}}) if told else b"null"


def _shown(found: Hover | None, client: Client, root_uri: str) -> bytes:
    if found is None:
        return b"null"
    if client.markdown:
        contents = {"kind": "markdown", "value": markdown(found, root_uri)}
    else:
        contents = {"kind": "plaintext", "value": report.hover(found)}
    return convert.json({"contents": contents, "range": found.range})


def markdown(found: Hover, root_uri: str) -> str:
    """A hover as Markdown. Text of the user's files is escaped; only places can be clicked."""
    parts = [convert.code_block(laid_out(found.title))]
    if found.path and found.source:
        source = _place(found.source.uri, found.source.range.start.line + 1, root_uri)
        parts.append(f"Source {source}, described by the stub {_place(found.path, found.line, root_uri)}")
    elif found.path:
        parts.append(_place(found.path, found.line, root_uri))
    if found.doc:
        parts.append(convert.escaped(found.doc))
    if found.claim:
        parts.append(f"---\n**Why:** {convert.escaped(found.claim)}")
    if found.steps:
        parts.append(
            "\n".join(
                f"{number}. *{convert.escaped(step.rule.replace('_', ' '))}* — {convert.escaped(step.text)}"
                + (f" — {_place(step.path, step.line, root_uri)}" if step.path else "")
                + (f"  \n   {convert.code(step.source)}" if step.source.strip() else "")
                for number, step in enumerate(found.steps, start=1)
            )
        )
    parts += [f"May also be {_target(each, root_uri)}, confidence {each.confidence:.2f}" for each in found.others]
    parts += [f"Beaten: {_target(each, root_uri)}" for each in found.beaten]
    if found.unresolved:
        parts.append(f"**Open:** {convert.escaped(found.unresolved)}")
    parts += [f"**Witness:** {convert.escaped(said(each))}" for each in found.witnesses]
    return "\n\n".join(parts)


def laid_out(head: str) -> str:
    """A head as people write it: one that is too long for a line has a line for each parameter."""
    if len(head) <= _LINE:
        return head
    begin = head.find("(", head.find(" "))
    depth, start, lines = 0, begin + 1, [head[: begin + 1]]
    quote = ""
    for at in range(begin, len(head)) if begin >= 0 else ():
        letter = head[at]
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
        if (letter == "," and depth == 1 and not quote) or depth == 0:
            parameter = head[start:at].strip()
            lines += [f"    {parameter},"] if parameter else []
            start = at + 1
        if depth == 0:
            return "\n".join([*lines, head[at:]])
    return head


def _target(target: Target, root_uri: str) -> str:
    reason = target.lost or target.why
    parts = [convert.code(target.name)]
    if target.path:
        parts.append(_place(target.path, line_of(target), root_uri))
    if reason:
        parts.append(convert.escaped(reason))
    return " — ".join(parts)


def _place(path: str, line: int, root_uri: str) -> str:
    return convert.link(f"{shown(path)}:{line}", convert.uri_of(root_uri, path), line)
