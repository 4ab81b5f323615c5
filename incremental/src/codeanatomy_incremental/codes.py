"""Codes of failures that Python gives out, beside those of the engine: one registry, so that one page and one test have all.

The engine's own stand in `anatomy_facts/src/codes.rs`; a code that both may give out stands there. Nobody parses a message;
everybody may match a code.
"""

from __future__ import annotations

from typing import NamedTuple


class Code(NamedTuple):
    """A code: in which stage it arises, and what it says."""

    stage: str
    doc: str


CODES: dict[str, Code] = {
    "bad-config": Code("decode", "The configuration has an unknown key, a wrong value, or is no TOML."),
    "bad-input": Code("decode", "A command was given something that does not exist or does not fit."),
    "pack-unknown": Code("decode", "The configuration names a pack that is not installed."),
    "pack-missing": Code("decode", "A folder that the configuration names is not there or holds no pack."),
    "pack-outside": Code("decode", "A folder that the configuration names leads out of the workspace."),
    "pack-unreadable": Code("decode", "A file of a pack cannot be read or is not UTF-8."),
    "pack-duplicate": Code("decode", "Two packs have one name."),
    "rule-decode": Code("decode", "A rule file has an unknown key, a wrong type, or lacks what every rule has."),
    "rule-name": Code("decode", "The name of a rule file is no name for a rule."),
    "engine-missing": Code("compile", "The engine is not installed, or not in this version."),
    "scip-untrusted": Code("run", "A tool would be run over a workspace that the user has not said to trust."),
    "scip-outside": Code("decode", "The configuration puts the SCIP index out of the workspace."),
    "scip-missing": Code("run", "`scip-python` is neither on `PATH` nor known to npm."),
    "scip-failed": Code("run", "`scip-python` failed, or left no index."),
    "scip-timeout": Code("run", "`scip-python` took too long and was ended."),
    "scip-cancelled": Code("run", "`scip-python` was cancelled and ended."),
    "graph-busy": Code("run", "The graph did not catch up with the edits before a question in time."),
    "graph-stopped": Code("run", "The graph was stopped before the question was answered."),
    "writer-failed": Code(
        "run", "The writer of the graph met a state that its authors thought impossible; it lives on."
    ),
    "watch-refused": Code(
        "read", "The system refuses to watch the file system; the disk is compared more often instead."
    ),
    "history-not-kept": Code("persist", "The daemon could not add a version to the history; its log says why."),
    "bad-message": Code("answer", "A message is no message of the protocol."),
    "bad-params": Code("answer", "The parameters of a request do not fit."),
    "initialized-already": Code("answer", "The editor said `initialize` twice."),
    "not-initialized": Code("answer", "The editor asked before it said `initialize`."),
    "shut-down": Code("answer", "The editor asked after it said `shutdown`."),
    "unknown-method": Code("answer", "There is no such request."),
    "server-internal": Code("answer", "The server met a state that its authors thought impossible."),
    "internal": Code("answer", "A command met a state that its authors thought impossible."),
    "daemon-gone": Code("answer", "The daemon ended before it answered."),
    "daemon-other-version": Code("answer", "The daemon is of another version than who asked it."),
    "daemon-no-place": Code("answer", "There is no safe place for the socket of the daemon."),
    "daemon-none": Code("answer", "No daemon of the workspace runs."),
    "daemon-not-ours": Code("answer", "The socket belongs to another user."),
    "daemon-unsupported": Code("answer", "The system has no sockets that only this user can open."),
    "daemon-unreachable": Code("answer", "The daemon did not begin to answer in time."),
}
"""In the order of the stages."""
EXIT_CODES: dict[int, str] = {
    0: "Done.",
    1: "Findings: something is not as it should be (`check`, `rules test`, `run replay`, `run diff`).",
    2: "Bad input or configuration.",
    3: "A rule pack does not compile.",
    4: "A rule violated its contract.",
    5: "Runtime failure.",
    10: "The engine is missing.",
}
"""What the exit code of a command says."""
