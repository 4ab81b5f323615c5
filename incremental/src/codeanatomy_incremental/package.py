"""A run as one file that can be run again: the program, its inputs, its policy, and what came out.

Texts of the workspace are in the file; library files are named by path and by the hash of what they said, because they are many
and come with a release. A replay runs the same program over the same inputs in a new engine, without any cache, and compares two
hashes and every table: the specification (what was to be computed) and the envelope (program, policy, engine, target and inputs).
A replay under another policy is a counterfactual: its envelope is another one, and its rows have to be the same.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

import codeanatomy_engine
from codeanatomy_engine import CancelToken, Engine, Snapshot, SourceFile

from codeanatomy_incremental import disk
from codeanatomy_incremental.library import LibraryFile
from codeanatomy_incremental.live import Graph, source_file
from codeanatomy_incremental.options import RunOptions
from codeanatomy_incremental.workspace import Entry

FORMAT = 1

_HEAD, _PROGRAM, _TEXTS = "package.json", "program.json", "texts/"
_MOST_BYTES = 1 << 32
"""Larger library files are no source."""


class PackageError(Exception):
    """A file that is no package, or one that cannot be replayed."""


class Input(msgspec.Struct, frozen=True):
    """A file of the workspace; its text is in the package under the digest."""

    entry: Entry
    digest: str
    error: str = ""


class LibraryInput(msgspec.Struct, frozen=True):
    """A file of a library, on disk."""

    file: LibraryFile
    digest: str


class Output(msgspec.Struct, frozen=True):
    """A table or view by content."""

    name: str
    kind: str
    rows: int
    hash: str


class Head(msgspec.Struct, frozen=True):
    """What a package says of a run."""

    format: int
    root: str
    manifest: dict[str, Any]
    envelope: str
    capability: dict[str, Any]
    """What engine and environment could do: versions, and the target for which branches were decided."""

    policy: RunOptions
    max_file_bytes: int
    files: tuple[Input, ...]
    library: tuple[LibraryInput, ...]
    outputs: tuple[Output, ...]
    decisions: tuple[dict[str, Any], ...]
    tasks: tuple[dict[str, Any], ...]
    """Every view with its cost."""


class Package(msgspec.Struct, frozen=True):
    """A run and all that it needs to be run again."""

    head: Head
    program: bytes
    texts: dict[str, bytes]
    """By digest."""


def digest(content: bytes) -> str:
    """The hash by which contents are named."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def made(graph: Graph, snapshot: Snapshot) -> Package:
    """The run that made a snapshot of what the disk holds."""
    files: list[Input] = []
    texts: dict[str, bytes] = {}
    for source in graph.texts():
        content = source.content or b""
        name = digest(content)
        if source.content is not None:
            texts[name] = content
        files.append(Input(source.entry, name, source.error))
    library = tuple(LibraryInput(file, digest(_content(file.path))) for file in graph.libraries.files())
    bundle = msgspec.json.decode(snapshot.bundle(None, 3))
    version, platform = graph.libraries.target()
    capability = bundle["envelope"]["capability"] | {"python": version, "platform": platform}
    policy = graph.options.run
    head = Head(
        format=FORMAT,
        root=str(graph.root),
        manifest=bundle["manifest"],
        envelope=_envelope(bundle["manifest"], policy, capability, files, library),
        capability=capability,
        policy=policy,
        max_file_bytes=graph.options.workspace.max_file_bytes,
        files=tuple(files),
        library=library,
        outputs=_outputs(snapshot),
        decisions=tuple(bundle["decisions"]),
        tasks=tuple(bundle["schedule"]["tasks"]),
    )
    return Package(head, graph.program, texts)


def written(package: Package) -> bytes:
    """A package as the bytes of a file; the same package is the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        parts = {_HEAD: msgspec.json.encode(package.head), _PROGRAM: package.program}
        parts |= {f"{_TEXTS}{name}": text for name, text in sorted(package.texts.items())}
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def read(content: bytes) -> Package:
    """A package from the bytes of a file; raises `PackageError` if it is none, or not whole."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            head = msgspec.json.decode(archive.read(_HEAD), type=Head)
            program = archive.read(_PROGRAM)
            names = [name for name in archive.namelist() if name.startswith(_TEXTS)]
            texts = {name.removeprefix(_TEXTS): archive.read(name) for name in names}
    except (zipfile.BadZipFile, KeyError, msgspec.MsgspecError, OSError) as error:
        raise PackageError(f"this is no package of a run: {error}") from error
    if head.format != FORMAT:
        raise PackageError(f"this package has format {head.format}, and this version reads {FORMAT}")
    broken = next((name for name, text in texts.items() if digest(text) != name), "")
    missing = next((each.entry.path for each in head.files if not each.error and each.digest not in texts), "")
    if broken or missing:
        raise PackageError(f"the package is not whole: {broken or missing}")
    return Package(head, program, texts)


def replayed(package: Package, policy: RunOptions | None = None) -> dict[str, Any]:
    """Runs a package again, under another policy if one is given, and says what is equal."""
    head = package.head
    version, platform = head.capability["python"], head.capability["platform"]
    engine = Engine.begin(package.program, "file:///replay", head.max_file_bytes, version, platform)
    under = policy or head.policy
    engine.set_policy(msgspec.json.encode(under))
    engine.ready()
    engine.update([_source(each, package.texts) for each in head.files], [])
    engine.update_library(msgspec.json.encode([each.file for each in head.library]), [])
    report = msgspec.json.decode(engine.commit(CancelToken()))
    snapshot = engine.snapshot()
    bundle = msgspec.json.decode(snapshot.bundle(None, 3))
    capability = bundle["envelope"]["capability"] | {"python": version, "platform": platform}
    now = [LibraryInput(each.file, digest(_content(each.file.path))) for each in head.library]
    changed = [each.file.uri for each, was in zip(now, head.library, strict=True) if each != was]
    envelope = _envelope(bundle["manifest"], under, capability, head.files, now)
    outputs = _compared(head.outputs, _outputs(snapshot))
    spec = {"recorded": head.manifest["spec_hash"], "replayed": bundle["manifest"]["spec_hash"]}
    unequal = [each["name"] for each in outputs if not each["equal"]]
    is_counterfactual = policy is not None and policy != head.policy
    same = {"spec": spec["recorded"] == spec["replayed"], "envelope": envelope == head.envelope}
    told: dict[str, Any] = {
        "equal": not unequal and same["spec"] and (same["envelope"] or is_counterfactual),
        "spec": spec | {"equal": same["spec"]},
        "envelope": {"recorded": head.envelope, "replayed": envelope, "equal": same["envelope"]},
        "inputs": {"files": len(head.files), "library_files": len(head.library), "changed": changed},
        "outputs": outputs,
        "match": {"outputs": len(outputs), "equal": len(outputs) - len(unequal)},
        "misses": [{"output": name, "because": _because(changed, head, bundle["manifest"])} for name in unequal],
        "micros": report["total_micros"],
    }
    if is_counterfactual:
        told["counterfactual"] = _counterfactual(head, under, bundle)
    return told


def differences(before: Package, after: Package) -> dict[str, Any]:
    """What differs between two runs."""
    left, right = before.head, after.head
    texts = [{each.entry.path: each.digest for each in head.files} for head in (left, right)]
    libraries = [{each.file.uri: each.digest for each in head.library} for head in (left, right)]
    outputs = _compared(left.outputs, right.outputs)
    return {
        "equal": left.envelope == right.envelope and all(each["equal"] for each in outputs),
        "spec": _sides(left.manifest["spec_hash"], right.manifest["spec_hash"]),
        "fingerprint": _sides(left.manifest["fingerprint"], right.manifest["fingerprint"]),
        "envelope": _sides(left.envelope, right.envelope),
        "policy": _sides(msgspec.to_builtins(left.policy), msgspec.to_builtins(right.policy)),
        "capability": _sides(left.capability, right.capability),
        "files": _changes(*texts),
        "library_files": _changes(*libraries),
        "outputs": [each for each in outputs if not each["equal"]],
        "outputs_compared": len(outputs),
        "decisions": _decisions(left.decisions, right.decisions),
        "slower": _slower(left.tasks, right.tasks),
    }


def _content(path: str) -> bytes:
    return disk.read(path, _MOST_BYTES)[0] or b""


def _envelope(
    manifest: Mapping[str, Any],
    policy: RunOptions,
    capability: Mapping[str, Any],
    files: Sequence[Input],
    library: Sequence[LibraryInput],
) -> str:
    """The hash of all that a run is decided by."""
    inputs = sorted((each.entry.path, each.digest) for each in files)
    outside = sorted((each.file.uri, each.digest) for each in library)
    parts = [manifest["fingerprint"], msgspec.to_builtins(policy), sorted(capability.items()), inputs, outside]
    return digest(msgspec.json.encode(parts))


def _outputs(snapshot: Snapshot) -> tuple[Output, ...]:
    return msgspec.json.decode(snapshot.outputs(), type=tuple[Output, ...])


def _source(each: Input, texts: Mapping[str, bytes]) -> SourceFile:
    return source_file(each.entry, None if each.error else texts[each.digest], each.error)


def _compared(before: Sequence[Output], after: Sequence[Output]) -> list[dict[str, Any]]:
    recorded, found = ({each.name: each for each in side} for side in (before, after))
    return [
        {
            "name": name,
            "kind": (found.get(name) or recorded[name]).kind,
            "rows": found[name].rows if name in found else None,
            "rows_recorded": recorded[name].rows if name in recorded else None,
            "equal": found.get(name) == recorded.get(name),
        }
        for name in dict.fromkeys((*recorded, *found))
    ]


def _because(changed: Sequence[str], head: Head, manifest: Mapping[str, Any]) -> str:
    if changed:
        return f"{len(changed)} library files are not what they were, {changed[0]} for one"
    if manifest["fingerprint"] != head.manifest["fingerprint"]:
        return "it was recorded by another version of the engine"
    return "the same program made other rows of the same inputs: please report it with the package"


def _counterfactual(head: Head, under: RunOptions, bundle: Mapping[str, Any]) -> dict[str, Any]:
    """What would have been decided otherwise: about the build, by running it, and about every recorded commit, by asking."""
    policy = msgspec.json.encode(under)
    commits: list[dict[str, Any]] = []
    for each in head.decisions:
        if each["decision"] == "run":
            sizes = dict(part.split("=") for part in each["evidence"].split())
            would = codeanatomy_engine.would_run(policy, int(sizes["changed"]), int(sizes["files"]))
            if would != each["value"]:
                commits.append({"commit": each["commit"], "was": each["value"], "would_be": would} | sizes)
    recorded = [each for each in head.decisions if not each["commit"]]
    now = [each for each in bundle["decisions"] if not each["commit"]]
    costs = {each["view"]: each["cost_micros"] for each in bundle["schedule"]["tasks"]}
    return {
        "policy": msgspec.to_builtins(under),
        "recorded_policy": msgspec.to_builtins(head.policy),
        "commits": sum(each["decision"] == "run" for each in head.decisions),
        "commits_that_would_differ": commits,
        "decisions_that_differ": _decisions(recorded, now),
        "micros_recorded": sum(each["cost_micros"] for each in head.tasks),
        "micros": sum(costs.values()),
    }


def _decisions(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Decisions about the program that came out otherwise."""

    def keyed(decisions: Sequence[Mapping[str, Any]]) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
        for each in decisions:
            if not each["commit"]:
                rule = next((part for part in each["evidence"].split() if part.startswith("rule=")), "")
                yield (each["view"], each["decision"], rule), each

    left, right = dict(keyed(before)), dict(keyed(after))
    return [
        {
            "view": key[0],
            "decision": key[1],
            "was": left[key]["value"] if key in left else None,
            "is": right[key]["value"] if key in right else None,
            "evidence": (right.get(key) or left[key])["evidence"],
        }
        for key in dict.fromkeys((*left, *right))
        if (left[key]["value"] if key in left else None) != (right[key]["value"] if key in right else None)
    ]


def _sides(before: object, after: object) -> dict[str, Any]:
    return {"before": before, "after": after, "equal": before == after}


def _changes(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, list[str]]:
    return {
        "added": sorted(after.keys() - before.keys()),
        "removed": sorted(before.keys() - after.keys()),
        "changed": sorted(name for name in before.keys() & after.keys() if before[name] != after[name]),
    }


def _slower(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Views whose cost differs, those that cost more first."""
    was = {each["view"]: each["cost_micros"] for each in before}
    moved = [
        {"view": each["view"], "micros_before": was[each["view"]], "micros_after": each["cost_micros"]}
        for each in after
        if each["view"] in was and each["cost_micros"] != was[each["view"]]
    ]
    return sorted(moved, key=lambda each: each["micros_before"] - each["micros_after"])
