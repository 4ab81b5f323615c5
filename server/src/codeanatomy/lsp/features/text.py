"""`codeanatomy/text`: the text of an open document or the cells of an open notebook, as all changes before the question have made it.

For a front that has to open its documents again in another server: it keeps this text in place of the changes that led to it.
"""

from __future__ import annotations

from codeanatomy.lsp import convert
from codeanatomy.lsp.session import Question, Session

METHOD = "codeanatomy/text"


def answer(session: Session, question: Question) -> bytes:
    """Version and text, or null for what is not open. Asked and answered between two changes."""
    uri = convert.decode(question.params, convert.About).text_document.uri
    table = session.notebook(uri)
    if table is not None:
        return convert.json(table.opened())
    document, text = session.document(uri), session.text(uri)
    content = text.engine.document_text(text.path) if text is not None else None
    if document is None or content is None:
        return b"null"
    return convert.json({"version": document.version, "text": content})
