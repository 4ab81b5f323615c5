"""Compiled dependencies go from clone to clone; crates of this workspace never do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tools import build_seed

LONG_AGO = 1_000_000_000_000_000_000


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A target directory after a build."""
    outputs = (
        ".fingerprint/datafusion-1f/lib-datafusion",
        ".fingerprint/anatomy_facts-2e/lib-anatomy_facts",
        "deps/libdatafusion-1f.rlib",
        "deps/libanatomy_facts-2e.rlib",
        "deps/lib_native.so",
        "incremental/anatomy_facts-3d/state.bin",
        "lib_native.so",
    )
    target = tmp_path / "built"
    for output in outputs:
        file = target / build_seed.PROFILE / output
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(output)
        os.utime(file, ns=(LONG_AGO, LONG_AGO))
    return target


def files(target: Path) -> list[str]:
    folder = target / build_seed.PROFILE
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_new_clone_starts_from_dependencies_and_from_nothing_of_the_workspace(built: Path, tmp_path: Path) -> None:
    build_seed.keep(built, tmp_path / "cache")
    build_seed.fill(tmp_path / "new", tmp_path / "cache")
    assert files(tmp_path / "new") == [".fingerprint/datafusion-1f/lib-datafusion", "deps/libdatafusion-1f.rlib"]


def test_times_are_kept_because_cargo_compares_them(built: Path, tmp_path: Path) -> None:
    build_seed.keep(built, tmp_path / "cache")
    build_seed.fill(tmp_path / "new", tmp_path / "cache")
    copied = tmp_path / "new" / build_seed.PROFILE / "deps/libdatafusion-1f.rlib"
    assert copied.stat().st_mtime_ns == LONG_AGO


def test_outputs_that_are_there_are_left_alone(built: Path, tmp_path: Path) -> None:
    build_seed.keep(built, tmp_path / "cache")
    before = files(built)
    build_seed.fill(built, tmp_path / "cache")
    assert files(built) == before


def test_a_seed_is_replaced_only_by_one_that_knows_more(built: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    build_seed.keep(built, cache)
    first = sorted(cache.iterdir())
    build_seed.keep(built, cache)
    assert sorted(cache.iterdir()) == first
    (built / build_seed.PROFILE / ".fingerprint" / "arrow-4c").mkdir()
    build_seed.keep(built, cache)
    [second] = cache.iterdir()
    assert [second] != first


def test_a_seed_of_another_lock_file_is_better_than_none(built: Path, tmp_path: Path) -> None:
    build_seed.keep(built, tmp_path / "cache")
    [seed] = (tmp_path / "cache").iterdir()
    seed.rename(seed.with_name("0000000000000000-1"))
    build_seed.fill(tmp_path / "new", tmp_path / "cache")
    assert files(tmp_path / "new")


def test_without_a_seed_the_build_starts_from_nothing(tmp_path: Path) -> None:
    build_seed.fill(tmp_path / "new", tmp_path / "cache")
    assert not (tmp_path / "new").exists()
