"""Runs the npm tool `scip-python` over a workspace, for its SCIP index. Decides nobody's trust and never runs by itself.

The tool reads configuration of the workspace and runs the Python of its environment: whoever calls this has asked for it, in a
workspace that its user trusts (`trust.py`). Nothing is installed: the tool stands on `PATH`, or npm has it already. The index comes into
its place when it is whole; a run that fails, takes too long or is cancelled leaves what was there.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from codeanatomy_engine import CancelToken

from codeanatomy_incremental.evidence import scip
from codeanatomy_incremental.options import ScipOptions

PROGRAM, PACKAGE = "scip-python", "@sourcegraph/scip-python"

_LOOK_S = 0.1
_NPX_S = 30.0
_LAST_WORDS_S = 5.0
_LAST_LINES = 8
_STEP = re.compile(r"^\(\d\d:\d\d:\d\d\) (?P<stage>\S.*)$|^\(\d\d:\d\d:\d\d\)\s+-? ?(?P<count>\(?\d+ ?/ ?\d+\)?)")


class ScipError(Exception):
    """Why there is no new index. `str(error)` is the sentence for people; programs match `code`."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        self.code = code
        self.hint = hint
        super().__init__(message)


def place(root: str, options: ScipOptions) -> str:
    """Where the index of a workspace lies; raises `ScipError` (`scip-outside`) if that is not in the workspace."""
    real = os.path.realpath(root)
    index = os.path.realpath(os.path.join(real, options.index))
    if not index.startswith(real.rstrip(os.sep) + os.sep):
        raise ScipError("scip-outside", f"`{options.index}` leads out of the workspace", "change `index` in [scip]")
    return index


def permitted(is_trusted: bool, root: str) -> None:
    """Raises `ScipError` (`scip-untrusted`) unless the user trusts the workspace."""
    if not is_trusted:
        message = f"{PROGRAM} runs programs of the workspace, and you have not said that you trust {root}"
        raise ScipError("scip-untrusted", message, "`codeanatomy trust add`, or `--trust` for this run")


def made(
    root: str,
    options: ScipOptions,
    environ: Mapping[str, str],
    prefix: str,
    told: Callable[[str], None],
    cancel: CancelToken,
) -> str:
    """Make the index of a workspace anew; its place. `prefix` is the Python environment that the tool asks, if any. `told` hears what
    it is doing. Raises `ScipError`: `scip-missing`, `scip-failed`, `scip-timeout`, `scip-cancelled`, `scip-outside`."""
    index = place(root, options)
    around = _environment(environ, prefix)
    command = _command(root, around)
    beside = f"{index}.{os.getpid()}.new"
    name = options.project or Path(root).resolve().name
    arguments = ["index", "--cwd", root, "--project-name", name, "--output", beside]
    if options.version:
        arguments += ["--project-version", options.version]
    try:
        _run([*command, *arguments], root, around, options.timeout_s, told, cancel)
        try:
            files = scip.documents(Path(beside).read_bytes())
        except (OSError, ValueError) as error:
            raise ScipError("scip-failed", f"{PROGRAM} left no index that can be read: {error}") from error
        if not files:
            raise ScipError("scip-failed", f"{PROGRAM} found no file to index")
        os.replace(beside, index)
    finally:
        if os.path.exists(beside):
            os.remove(beside)
    return index


def _environment(environ: Mapping[str, str], prefix: str) -> dict[str, str]:
    """What the tool sees: the Python of the workspace comes first."""
    around = dict(environ)
    programs = os.path.join(prefix, "Scripts" if os.name == "nt" else "bin")
    if prefix and os.path.isdir(programs):
        around["PATH"] = os.pathsep.join((programs, environ.get("PATH", "")))
    return around


def _command(root: str, around: Mapping[str, str]) -> list[str]:
    """How the tool is started; raises `ScipError` if nobody has installed it."""
    found = shutil.which(PROGRAM, path=around.get("PATH"))
    if found:
        return [os.path.abspath(found)]
    npx = shutil.which("npx", path=around.get("PATH"))
    if npx:
        # Without these two npm would fetch the tool, and ask a registry for it.
        command = [os.path.abspath(npx), "--no-install", "--offline", PACKAGE]
        try:
            tried = subprocess.run(
                [*command, "--version"],
                cwd=root,
                env=dict(around),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=_NPX_S,
                check=False,
            )
            if tried.returncode == 0:
                return command
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ScipError("scip-missing", f"npx does not say whether it has {PROGRAM}: {error}") from error
    raise ScipError("scip-missing", f"{PROGRAM} is not installed", f"npm install --global {PACKAGE}")


def _run(
    command: list[str],
    root: str,
    around: Mapping[str, str],
    timeout_s: float,
    told: Callable[[str], None],
    cancel: CancelToken,
) -> None:
    try:
        process = subprocess.Popen(
            command,
            cwd=root,
            env=dict(around),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise ScipError("scip-failed", f"{PROGRAM} cannot be started: {error}") from error
    last: list[str] = []
    hearing = threading.Thread(target=_hear, args=(process, last, told), name="codeanatomy-scip", daemon=True)
    hearing.start()
    try:
        waited = 0.0
        while True:
            try:
                code = process.wait(_LOOK_S)
                break
            except subprocess.TimeoutExpired:
                waited += _LOOK_S
            if cancel.cancelled:
                raise ScipError("scip-cancelled", f"{PROGRAM} was cancelled")
            if waited > timeout_s:
                hint = "raise `timeout_s` in [scip]"
                raise ScipError("scip-timeout", f"{PROGRAM} was not done after {timeout_s:g} s", hint)
    finally:
        _end(process)
    hearing.join(_LAST_WORDS_S)
    if code:
        said = "\n".join(last) or "it said nothing"
        raise ScipError("scip-failed", f"{PROGRAM} ended with {code}: {said}")


def _hear(process: subprocess.Popen[bytes], last: list[str], told: Callable[[str], None]) -> None:
    """Keep the last lines that the tool writes, and tell the steps among them."""
    assert process.stdout is not None
    stage = ""
    with process.stdout:
        for line in process.stdout:
            text = line.decode("utf-8", "replace").rstrip()
            if not text:
                continue
            last.append(text[:500])
            del last[:-_LAST_LINES]
            step = _STEP.match(text)
            if step is None:
                continue
            if step["stage"]:
                stage = step["stage"]
                told(stage)
            elif step["count"]:
                told(f"{stage}: {step['count'].strip('()').replace(' ', '')}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the tool and whatever it started."""
    if process.poll() is None:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.wait()
