"""Shares compiled dependencies between clones: fills a new Cargo target directory from a cache, and the cache from it.

Compiling DataFusion is most of a first build, and it is the same for every clone with the same `Cargo.lock`. One target
directory for all clones is no way to share it: Cargo names the crates of a workspace relative to its root and compares
times of files, so a second clone can be handed the crates of the first one as fresh. Here only crates from the registry
are shared, by copy; the crates of this workspace are never among them.

A seed never changes once it has its name: the hash of all that decides what a dependency compiles to, and how many
outputs there are (clippy adds some). A seed of another lock file is still worth copying: Cargo looks at every crate and
compiles those that differ.
"""

from __future__ import annotations

import argparse
import errno
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROFILE = "quick"
KEPT = 2
"""How many seeds stay in the cache."""

Ignore = Callable[[str, list[str]], set[str]]
"""Which of the names in a directory are not copied, as `shutil.copytree` asks."""


def fill(target: Path, cache: Path) -> str:
    """Copies the best seed into a target directory that has no outputs yet; says what it did."""
    if (target / PROFILE).exists():
        return "what changed"
    seeds = _seeds(cache)
    if not seeds:
        return "all dependencies, which takes minutes; the next clone on this machine starts from them"
    seed = max(seeds, key=lambda seed: (seed.name.startswith(_fitting()), seed.stat().st_mtime_ns))
    _copy(seed, target, lambda _directory, _entries: set())
    return f"on top of compiled dependencies ({seed.name})"


def keep(target: Path, cache: Path) -> str:
    """Copies the compiled dependencies of a target directory into the cache if it knows more of them; says what it did."""
    ignored = _outputs_of(path.parent.name for path in ROOT.glob("rust/crates/*/Cargo.toml"))
    entries = os.listdir(target / PROFILE / ".fingerprint")
    size = len(entries) - len(ignored("", entries))
    kept = [seed for seed in _seeds(cache) if seed.name.startswith(_fitting())]
    if any(int(seed.name.rpartition("-")[2]) >= size for seed in kept):
        return "compiled dependencies are in the cache"
    cache.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix="unfinished-", dir=cache))
    seed = cache / f"{_fitting()}-{size}"
    try:
        _copy(target, unfinished, ignored)
        unfinished.rename(seed)
    except OSError as error:
        if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
            raise
        return "another clone put the compiled dependencies in the cache"
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    outgrown = [*kept, *(other for other in _seeds(cache)[KEPT:] if other != seed)]
    for old in outgrown:
        shutil.rmtree(old, ignore_errors=True)
    return f"compiled dependencies are now in the cache ({seed.name})"


def _fitting() -> str:
    """How the names of seeds begin that fit this tree and this compiler exactly."""
    compiler = subprocess.run(["rustc", "-vV"], check=True, capture_output=True).stdout
    parts = [compiler, *((ROOT / name).read_bytes() for name in ("Cargo.lock", "Cargo.toml", "rust/pyo3.config"))]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def _seeds(cache: Path) -> list[Path]:
    """The seeds, newest first."""
    found = [path for path in cache.glob("*-*") if not path.name.startswith("unfinished-")]
    return sorted(found, key=lambda path: path.stat().st_mtime_ns, reverse=True)


def _outputs_of(crates: Iterable[str]) -> Ignore:
    """Tells the outputs of these crates from others. The library of the Python module has a name of its own."""
    names = tuple(prefix + crate for crate in (*crates, "_native") for prefix in ("", "lib"))

    def ignored(_directory: str, entries: list[str]) -> set[str]:
        return {entry for entry in entries if entry == "incremental" or entry.startswith(names)}

    return ignored


def _copy(source: Path, target: Path, ignore: Ignore) -> None:
    """Copies the outputs of the profile with their times, because Cargo compares them."""
    shutil.copytree(source / PROFILE, target / PROFILE, ignore=ignore, copy_function=shutil.copy2, symlinks=True)


def main() -> None:
    """Runs `fill` or `keep`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("action", choices=["fill", "keep"])
    arguments = parser.parse_args()
    target = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "codeanatomy" / "dependencies"
    match arguments.action:
        case "fill":
            print(fill(target, cache))
        case "keep" | _:
            print(keep(target, cache))


if __name__ == "__main__":
    main()
