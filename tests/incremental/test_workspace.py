"""Which files a workspace has, what modules they are, and what their bytes are, on any file system state."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from codeanatomy_incremental import workspace
from codeanatomy_incremental.options import WorkspaceOptions
from codeanatomy_incremental.workspace import Known, Listing, Workspace


def write(root: Path, *paths: str, text: str = "") -> None:
    for path in paths:
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def opened(root: Path, **options: object) -> Workspace:
    return Workspace(root=os.fspath(root), options=WorkspaceOptions(**options))  # type: ignore[arg-type]


def listed(root: Path, **options: object) -> Listing:
    return workspace.list_files(opened(root, **options))


def paths(root: Path, **options: object) -> list[str]:
    return list(listed(root, **options).entries)


def modules(root: Path, **options: object) -> dict[str, str]:
    return {path: entry.module for path, entry in listed(root, **options).entries.items()}


def test_python_files_and_stubs_are_listed_in_order(tmp_path: Path) -> None:
    write(tmp_path, "b.py", "a/c.py", "a/__init__.py", "b.pyi", "b.pyc", "b.txt", "README")
    assert paths(tmp_path) == ["a/__init__.py", "a/c.py", "b.py", "b.pyi"]


def test_directories_that_hold_no_source_of_the_workspace_are_skipped(tmp_path: Path) -> None:
    write(
        tmp_path, "a.py", ".git/x.py", ".venv/x.py", "node_modules/x.py", "p/__pycache__/x.py", "lib/site-packages/x.py"
    )
    write(tmp_path, "my-env/pyvenv.cfg", "my-env/x.py", "some-cache/CACHEDIR.TAG", "some-cache/x.py")
    assert paths(tmp_path) == ["a.py"]


def test_build_output_is_skipped_beside_a_project_file_but_a_package_called_build_is_not(tmp_path: Path) -> None:
    write(tmp_path, "one/pyproject.toml", "one/build/lib/x.py", "one/dist/x.py", "two/build/x.py")
    write(tmp_path, "three/setup.py", "three/build/__init__.py")
    assert paths(tmp_path) == ["three/build/__init__.py", "three/setup.py", "two/build/x.py"]


def test_ignore_files_hold_for_their_directory_and_the_inner_one_decides(tmp_path: Path) -> None:
    write(tmp_path, ".gitignore", text="gen_*.py\n/only_here.py\ntmp/\n*.log\n!gen_kept.py\n")
    write(tmp_path, "sub/.gitignore", text="!gen_back.py\nlocal.py\n")
    write(tmp_path, "gen_a.py", "gen_kept.py", "only_here.py", "tmp/x.py", "sub/tmp/x.py", "sub/only_here.py")
    write(tmp_path, "sub/gen_back.py", "sub/gen_b.py", "sub/local.py", "other/local.py")
    assert paths(tmp_path) == ["gen_kept.py", "other/local.py", "sub/gen_back.py", "sub/only_here.py"]
    assert "gen_a.py" in paths(tmp_path, respect_gitignore=False)


def test_a_line_of_an_ignore_file_that_is_no_pattern_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path, ".gitignore", text="!\nx.py\n")
    write(tmp_path, "x.py", "y.py")
    assert paths(tmp_path) == ["y.py"]


def test_ignore_files_above_the_root_hold_up_to_the_repository(tmp_path: Path) -> None:
    write(tmp_path, ".gitignore", text="a.py\n")
    write(tmp_path, "repo/.git/HEAD")
    write(tmp_path, "repo/.gitignore", text="/ws/b.py\n")
    write(tmp_path, "repo/ws/a.py", "repo/ws/b.py", "repo/ws/c.py")
    assert paths(tmp_path / "repo" / "ws") == ["a.py", "c.py"]


def test_an_ignored_directory_can_be_a_workspace(tmp_path: Path) -> None:
    write(tmp_path, ".git/HEAD")
    write(tmp_path, ".gitignore", text="env/\n")
    write(tmp_path, "env/lib/django/__init__.py")
    assert paths(tmp_path / "env" / "lib" / "django") == ["__init__.py"]


def test_the_exclude_option_is_one_more_ignore_file(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "docs/conf.py", "x/docs/conf.py")
    assert paths(tmp_path, exclude=("/docs/",)) == ["a.py", "x/docs/conf.py"]


def test_a_link_never_leads_out_of_the_root_and_no_loop_is_followed(tmp_path: Path) -> None:
    write(tmp_path, "outside/secret.py", "ws/pkg/a.py")
    root = tmp_path / "ws"
    (root / "pkg" / "loop").symlink_to(root)
    (root / "out").symlink_to(tmp_path / "outside")
    (root / "stolen.py").symlink_to(tmp_path / "outside" / "secret.py")
    (root / "alias.py").symlink_to(root / "pkg" / "a.py")
    (root / "dangling.py").symlink_to(root / "nowhere.py")
    assert paths(root) == ["alias.py", "pkg/a.py"]


def test_a_link_to_itself_is_an_unreadable_file(tmp_path: Path) -> None:
    (tmp_path / "a.py").symlink_to(tmp_path / "a.py")
    assert read(tmp_path, "a.py") == (None, "source-unreadable")


def test_a_root_that_is_a_link_is_a_root(tmp_path: Path) -> None:
    write(tmp_path, "real/a.py")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert paths(tmp_path / "link") == ["a.py"]


def read(root: Path, path: str, **options: object) -> tuple[bytes | None, str]:
    source, _ = workspace.read(opened(root, **options), listed(root, **options).entries[path], time.time_ns())
    return source.content, source.error


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xef\xbb\xbfx = 1\n",
        b"# coding: latin-1\nx = '\xe9'\n",
        b"x = 1\0\n",
        bytes(range(256)),
        b"a\r\nb\rc\x0c\n",
    ],
    ids=["empty", "byte order mark", "latin-1", "nul", "binary", "line ends"],
)
def test_bytes_arrive_as_they_are(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.py").write_bytes(content)
    assert read(tmp_path, "a.py") == (content, "")


def test_a_file_over_the_limit_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "big.py").write_bytes(b"x = 1\n" * 2_000_000)
    assert read(tmp_path, "big.py") == (None, "source-too-large")
    (tmp_path / "small.py").write_bytes(b"12345")
    assert read(tmp_path, "small.py", max_file_bytes=5) == (b"12345", "")
    assert read(tmp_path, "small.py", max_file_bytes=4) == (None, "source-too-large")


def test_a_pipe_is_refused_and_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    assert read(tmp_path, "pipe.py") == (None, "source-unreadable")


def test_a_pipe_that_takes_the_place_of_a_file_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "a.py", text="x = 1")
    entry = listed(tmp_path).entries["a.py"]
    (tmp_path / "a.py").unlink()
    os.mkfifo(tmp_path / "a.py")
    source, _ = workspace.read(opened(tmp_path), entry, time.time_ns())
    assert (source.content, source.error) == (None, "source-unreadable")


def test_a_file_that_vanishes_between_listing_and_reading_has_a_code(tmp_path: Path) -> None:
    write(tmp_path, "a.py")
    entry = listed(tmp_path).entries["a.py"]
    (tmp_path / "a.py").unlink()
    source, known = workspace.read(opened(tmp_path), entry, time.time_ns())
    assert (source.content, source.error) == (None, "source-vanished")
    assert not known.settled


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_that_may_not_be_read_has_a_code(tmp_path: Path) -> None:
    write(tmp_path, "a.py")
    (tmp_path / "a.py").chmod(0)
    assert read(tmp_path, "a.py") == (None, "source-unreadable")


def test_a_directory_called_like_a_file_is_a_directory(tmp_path: Path) -> None:
    write(tmp_path, "odd.py/inner.py")
    assert paths(tmp_path) == ["odd.py/inner.py"]


def test_a_name_that_is_no_text_is_refused_and_shown(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/\xff.py"
    try:
        with open(name, "wb"):
            pass
    except OSError:
        pytest.skip("the file system takes only text as names")
    listing = listed(tmp_path)
    assert list(listing.entries) == []
    assert listing.refused == ("\\udcff.py",)


def test_modules_are_named_from_the_root(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "pkg/__init__.py", "pkg/b.py", "space/c.py", "pkg/b.pyi", "pkg/__main__.py")
    assert modules(tmp_path) == {
        "a.py": "a",
        "pkg/__init__.py": "pkg",
        "pkg/__main__.py": "pkg.__main__",
        "pkg/b.py": "pkg.b",
        "pkg/b.pyi": "pkg.b",
        "space/c.py": "space.c",
    }


def test_relative_imports_resolve_against_the_package(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "pkg/__init__.py", "pkg/sub/b.py")
    packages = {path: entry.package for path, entry in listed(tmp_path).entries.items()}
    assert packages == {"a.py": "", "pkg/__init__.py": "pkg", "pkg/sub/b.py": "pkg.sub"}


def test_search_goes_package_stub_module_stub(tmp_path: Path) -> None:
    write(tmp_path, "m.py", "m.pyi", "m/__init__.py", "m/__init__.pyi")
    entries = listed(tmp_path).entries.values()
    ranked = sorted(entries, key=lambda entry: entry.search_rank)
    assert {entry.module for entry in entries} == {"m"}
    assert [entry.path for entry in ranked] == ["m/__init__.py", "m/__init__.pyi", "m.py", "m.pyi"]
    assert [entry.is_stub for entry in ranked] == [False, True, False, True]


def test_a_src_folder_is_where_imports_start(tmp_path: Path) -> None:
    write(tmp_path, "pyproject.toml", "src/pkg/a.py", "tests/test_a.py")
    assert modules(tmp_path) == {"src/pkg/a.py": "pkg.a", "tests/test_a.py": "tests.test_a"}


def test_a_package_called_src_is_a_package(tmp_path: Path) -> None:
    write(tmp_path, "src/__init__.py", "src/a.py")
    assert modules(tmp_path) == {"src/__init__.py": "src", "src/a.py": "src.a"}


def test_projects_inside_a_workspace_have_roots_of_their_own(tmp_path: Path) -> None:
    write(tmp_path, "one/pyproject.toml", "one/src/p/a.py", "one/tests/t.py", "two/setup.py", "two/q/b.py")
    write(tmp_path, "rust/pyproject.toml", text='[tool.maturin]\npython-source = "python"\n')
    write(tmp_path, "rust/python/r/c.py")
    assert modules(tmp_path) == {
        "one/src/p/a.py": "p.a",
        "one/tests/t.py": "tests.t",
        "rust/python/r/c.py": "r.c",
        "two/q/b.py": "q.b",
        "two/setup.py": "setup",
    }


def test_a_broken_project_file_still_makes_a_project(tmp_path: Path) -> None:
    write(tmp_path, "one/pyproject.toml", text="[[[")
    write(tmp_path, "one/src/p.py")
    assert modules(tmp_path) == {"one/src/p.py": "p"}


def test_given_roots_are_taken_in_their_order_before_the_workspace(tmp_path: Path) -> None:
    write(tmp_path, "b/m.py", "a/m.py", "c.py", "src/d.py")
    listing = listed(tmp_path, source_roots=("b", "./a/"))
    assert listing.roots == ("b", "a", "")
    assert {path: entry.module for path, entry in listing.entries.items()} == {
        "a/m.py": "m",
        "b/m.py": "m",
        "c.py": "c",
        "src/d.py": "src.d",
    }
    assert listing.entries["b/m.py"].search_rank < listing.entries["a/m.py"].search_rank


def test_a_workspace_that_is_a_package_keeps_its_name(tmp_path: Path) -> None:
    write(tmp_path, "lib/web/__init__.py", "lib/web/db/__init__.py", "lib/web/db/x.py")
    assert modules(tmp_path / "lib" / "web")["db/x.py"] == "web.db.x"
    assert modules(tmp_path / "lib" / "web" / "db")["x.py"] == "web.db.x"


def test_a_folder_of_stubs_speaks_of_the_package(tmp_path: Path) -> None:
    write(tmp_path, "yaml-stubs/__init__.pyi", "yaml-stubs/reader.pyi")
    assert modules(tmp_path) == {"yaml-stubs/__init__.pyi": "yaml", "yaml-stubs/reader.pyi": "yaml.reader"}


def test_the_root_of_a_file_is_the_nearest_with_a_configuration_then_project_then_where_one_stands(
    tmp_path: Path,
) -> None:
    write(tmp_path, "codeanatomy.toml", "p/pyproject.toml", "p/x/a.py")
    file = tmp_path / "p" / "x" / "a.py"
    assert workspace.find_root(file, tmp_path / "p" / "x") == tmp_path
    (tmp_path / "codeanatomy.toml").unlink()
    assert workspace.find_root(file, tmp_path) == tmp_path / "p"
    (tmp_path / "p" / "pyproject.toml").unlink()
    assert workspace.find_root(file, tmp_path) == tmp_path
    assert workspace.find_root(file, tmp_path / "elsewhere") == tmp_path / "p" / "x"


def remembered(root: Path, now_ns: int) -> tuple[Listing, dict[str, Known]]:
    listing = listed(root)
    return listing, {path: workspace.read(opened(root), entry, now_ns)[1] for path, entry in listing.entries.items()}


LATER = time.time_ns() + 3_600_000_000_000


def test_a_comparison_finds_what_came_changed_and_went(tmp_path: Path) -> None:
    write(tmp_path, "same.py", "changed.py", "gone.py")
    _, known = remembered(tmp_path, LATER)
    write(tmp_path, "changed.py", text="x = 1")
    write(tmp_path, "new.py")
    (tmp_path / "gone.py").unlink()
    found = workspace.compare(listed(tmp_path), known)
    assert [entry.path for entry in found.to_read] == ["changed.py", "new.py"]
    assert found.removed == ("gone.py",)


def test_a_touched_file_is_read_and_found_to_be_the_same(tmp_path: Path) -> None:
    write(tmp_path, "a.py", text="x = 1")
    _, known = remembered(tmp_path, LATER)
    os.utime(tmp_path / "a.py", ns=(1, 1))
    [entry] = workspace.compare(listed(tmp_path), known).to_read
    assert not workspace.differs(known["a.py"], workspace.read(opened(tmp_path), entry, LATER)[1])


def test_a_change_that_hides_behind_size_and_time_is_found(tmp_path: Path) -> None:
    write(tmp_path, "a.py", text="x = 1")
    os.utime(tmp_path / "a.py", ns=(1, 1))
    _, known = remembered(tmp_path, LATER)
    write(tmp_path, "a.py", text="x = 2")
    os.utime(tmp_path / "a.py", ns=(1, 1))
    [entry] = workspace.compare(listed(tmp_path), known).to_read
    assert workspace.differs(known["a.py"], workspace.read(opened(tmp_path), entry, LATER)[1])


def test_a_file_read_just_after_it_was_written_is_read_once_more(tmp_path: Path) -> None:
    write(tmp_path, "a.py")
    _, known = remembered(tmp_path, time.time_ns())
    assert [entry.path for entry in workspace.compare(listed(tmp_path), known).to_read] == ["a.py"]


def test_a_file_whose_module_name_changes_is_a_change(tmp_path: Path) -> None:
    write(tmp_path, "src/pkg/a.py")
    _, known = remembered(tmp_path, LATER)
    write(tmp_path, "src/__init__.py")
    found = workspace.compare(listed(tmp_path), known)
    again = {entry.path: workspace.read(opened(tmp_path), entry, LATER)[1] for entry in found.to_read}
    assert again["src/pkg/a.py"].entry.module == "src.pkg.a"
    assert workspace.differs(known["src/pkg/a.py"], again["src/pkg/a.py"])


def test_a_look_at_single_files_gives_the_same_listing_as_a_new_one(tmp_path: Path) -> None:
    write(tmp_path, ".gitignore", text="ignored.py\n")
    write(tmp_path, "a.py", "p/b.py", "p/gone.py", "venv/x.py")
    before = listed(tmp_path)
    write(tmp_path, "a.py", "p/new.py", "p/ignored.py", "venv/y.py", text="x = 1")
    (tmp_path / "p" / "gone.py").unlink()
    touched = ["a.py", "p/new.py", "p/ignored.py", "p/gone.py", "venv/y.py", "never.py"]
    after = workspace.look(opened(tmp_path), before, touched)
    assert after == listed(tmp_path)


@pytest.mark.parametrize("path", ["pkg/__init__.py", ".gitignore", "pyproject.toml", "folder"])
def test_only_a_new_listing_can_tell_what_a_deciding_file_or_a_folder_means(tmp_path: Path, path: str) -> None:
    write(tmp_path, "pkg/a.py")
    before = listed(tmp_path)
    if path == "folder":
        (tmp_path / path).mkdir()
    else:
        write(tmp_path, path)
    assert workspace.look(opened(tmp_path), before, [path]) is None


def test_a_removed_folder_needs_a_new_listing(tmp_path: Path) -> None:
    write(tmp_path, "pkg/a.py")
    before = listed(tmp_path)
    (tmp_path / "pkg" / "a.py").unlink()
    (tmp_path / "pkg").rmdir()
    assert workspace.look(opened(tmp_path), before, ["pkg"]) is None


def test_text_that_is_not_on_disk_has_a_module_name(tmp_path: Path) -> None:
    write(tmp_path, "pyproject.toml", "src/pkg/a.py")
    entry = workspace.place(opened(tmp_path), listed(tmp_path), "src/pkg/new.py")
    assert (entry.module, entry.package) == ("pkg.new", "pkg")
