"""One message of the protocol per file: parameters in, one question to the graph, ready bytes out.

A request has `METHOD` and `answer(session, question) -> bytes`, a notification `METHOD` and `take(session, params)`.
"""
