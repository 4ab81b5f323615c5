"""The processes of slow extractors: each is asked about one text at a time, ended when it takes too long, and begun again when it is gone.

A process is a Python of its own (`-I`: no environment variables, no folder of the workspace on its path) that knows the extractors and
nothing else; it gets a text and a stamp, and everything it says is data for `Engine.hear`. Whatever happens to it becomes an answer too:
a row of `extract_errors` with a code.
"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

_START_S = 30.0
"""How long a process may take to load what it needs."""

_MOST_ANSWER = 1 << 30


class Question(NamedTuple):
    """A text that a witness is asked about."""

    path: str
    stamp: int
    witness: str
    content: bytes
    target: tuple[int, int]
    is_edited: bool = False
    """It comes from an editor: its text is UTF-8, whatever it declares."""
    is_brief: bool = False
    """Only the verdict is asked for, if the witness has one."""
    attachment: bytes = b""
    """What somebody else says of the text, for a witness that reads that."""


class Process:
    """One process, begun when it is first asked. Questions are asked by one thread at a time."""

    def __init__(self, timeout_s: float, witnesses: tuple[str, ...] = ()) -> None:
        """It answers for these witnesses, or for all if there are none."""
        self._timeout_s = timeout_s
        self._witnesses = witnesses
        self._process: subprocess.Popen[bytes] | None = None
        self._is_late = False
        self._lock = threading.Lock()

    def ask(self, question: Question) -> bytes:
        """What the witness says, or why it says nothing: JSON for `Engine.hear`, a list of one."""
        with self._lock:
            try:
                process = self._begun()
                head = msgspec.json.encode(
                    {
                        "path": question.path,
                        "stamp": question.stamp,
                        "witness": question.witness,
                        "target": question.target,
                        "edited": question.is_edited,
                        "brief": question.is_brief,
                        "size": len(question.content),
                        "attached": len(question.attachment),
                    }
                )
                assert process.stdin is not None
                process.stdin.write(head + b"\n" + question.content + question.attachment)
                process.stdin.flush()
                return self._answer(process, self._timeout_s)
            except OSError as error:
                # A pipe whose other end is gone.
                return _failed(question, *self._ended(str(error)))
            except EOFError:
                return _failed(question, *self._ended("it said nothing"))

    def close(self) -> None:
        """End the process, whatever it is doing; it begins again when it is asked."""
        process = self._process
        if process is not None:
            # Whoever waits for its answer holds the lock.
            process.kill()
        with self._lock:
            self._end()

    def _begun(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._is_late = False
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-X", "utf8", "-m", "codeanatomy_incremental.evidence", *self._witnesses],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=os.sep,
                env={name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ},
            )
            self._answer(self._process, _START_S)
        return self._process

    def _answer(self, process: subprocess.Popen[bytes], limit: float) -> bytes:
        """The next answer; raises `EOFError` if the process ends first, or had to be ended."""

        def give_up() -> None:
            self._is_late = True
            process.kill()

        clock = threading.Timer(limit, give_up)
        clock.daemon = True
        clock.start()
        try:
            assert process.stdout is not None
            head = process.stdout.read(8)
            size = int.from_bytes(head, "little")
            body = process.stdout.read(size) if len(head) == 8 and size <= _MOST_ANSWER else b""
            if len(head) < 8 or len(body) < size:
                raise EOFError
            return body
        finally:
            clock.cancel()

    def _ended(self, why: str) -> tuple[str, str]:
        """Code and message of what happened to the process, which is gone afterwards."""
        is_late, process = self._is_late, self._process
        self._end()
        if is_late:
            return "witness-timeout", f"no answer after {self._timeout_s:g} s"
        code = None if process is None else process.returncode
        return "witness-crashed", f"the process ended with {code}: {why}"

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    # What was not sent any more is nobody's.
                    continue


class Processes:
    """A process for each witness, shared by whoever asks."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._by_witness: dict[str, Process] = {}

    def of(self, witness: str) -> Process:
        """The process of a witness."""
        with self._lock:
            return self._by_witness.setdefault(witness, Process(self._timeout_s, (witness,)))

    def close(self) -> None:
        """End all processes."""
        with self._lock:
            processes = list(self._by_witness.values())
        for process in processes:
            process.close()


def ask_all(questions: Iterable[Question], timeout_s: float, count: int) -> Iterator[bytes]:
    """The answers to many questions as they come, from so many processes. A question is made when its turn comes."""
    turns, source = threading.Lock(), iter(questions)
    answers: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    is_over = threading.Event()

    def work() -> None:
        process = Process(timeout_s)
        try:
            while not is_over.is_set():
                with turns:
                    question = next(source, None)
                if question is None:
                    return
                answers.put(process.ask(question))
        finally:
            process.close()
            answers.put(None)

    threads = [threading.Thread(target=work, name="codeanatomy-witness", daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        left = count
        while left:
            answer = answers.get()
            if answer is None:
                left -= 1
            else:
                yield answer
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


def _failed(question: Question, code: str, message: str) -> bytes:
    error = {"code": code, "message": message}
    said = {"path": question.path, "witness": question.witness, "stamp": question.stamp, "error": error}
    return msgspec.json.encode([said])
