"""Commits: the one a working tree stands on, read from files; and trees of others, from objects, with nothing run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from codeanatomy_incremental.history import git
from codeanatomy_incremental.history.failure import HistoryError

from codeanatomy.cli import git_trees
from tests.history.conftest import git as run


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    root.mkdir()
    run(root, "init", "-q")
    (root / "a.py").write_text("x = 1\n")
    run(root, "add", "-A")
    run(root, "commit", "-qm", "one")
    return root


def test_head_is_read_where_git_keeps_it(repository: Path, tmp_path: Path) -> None:
    commit = run(repository, "rev-parse", "HEAD")
    assert git.head(str(repository)) == (commit, "main")
    (repository / "below").mkdir()
    assert git.head(str(repository / "below")) == (commit, "main")
    run(repository, "pack-refs", "--all")
    assert git.head(str(repository)) == (commit, "main")
    run(repository, "worktree", "add", "-q", str(tmp_path / "linked"), "-b", "feature/x")
    assert git.head(str(tmp_path / "linked")) == (commit, "feature/x")
    run(repository, "checkout", "-q", "--detach")
    assert git.head(str(repository)) == (commit, "")
    assert git.head(str(tmp_path)) == ("", "")


@pytest.mark.parametrize(
    "head", ["ref: refs/heads/../../../../outside", "ref: /etc/passwd", "nonsense", "", "ref: refs/heads/none"]
)
def test_a_strange_head_is_no_commit(repository: Path, head: str) -> None:
    (repository / ".git/HEAD").write_text(head)
    assert git.head(str(repository))[0] == ""


def test_the_files_of_a_commit_come_from_objects(repository: Path, tmp_path: Path) -> None:
    (repository / "a.py").write_text("x = 2\n")
    (repository / "pkg").mkdir()
    (repository / "pkg/b.py").write_text("y = 1\n")
    (repository / "picture.png").write_bytes(b"\x89PNG")
    (repository / "link.py").symlink_to("/etc/passwd")
    run(repository, "add", "-A")
    run(repository, "commit", "-qm", "two")
    (repository / "a.py").write_text("not committed\n")
    folder = tmp_path / "out"
    folder.mkdir()
    one, two = git_trees.tree(repository, "HEAD~1"), git_trees.tree(repository, "main")
    git_trees.put(repository, folder, None, one)
    assert {path.name for path in folder.rglob("*.py")} == {"a.py"}
    git_trees.put(repository, folder, one, two)
    found = {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}
    assert found == {"a.py": "x = 2\n", "pkg/b.py": "y = 1\n"}
    below = git_trees.tree(repository / "pkg", "HEAD")
    assert list(below.files) == ["b.py"]
    git_trees.put(repository, folder, two, one)
    assert not (folder / "pkg/b.py").exists()


def test_nothing_that_a_repository_names_is_run(repository: Path, tmp_path: Path) -> None:
    trap = tmp_path / "sprung"
    script = tmp_path / "trap.sh"
    script.write_text(f"#!/bin/sh\ntouch {trap}\n")
    script.chmod(0o755)
    for hook in ("post-checkout", "pre-commit", "reference-transaction", "post-index-change"):
        (repository / ".git/hooks" / hook).write_text(script.read_text())
        os.chmod(repository / ".git/hooks" / hook, 0o755)
    (repository / ".gitattributes").write_text("*.py filter=evil diff=evil\n")
    with open(repository / ".git/config", "a") as config:
        config.write(
            f"[core]\n\tfsmonitor = {script}\n\tpager = {script}\n\tsshCommand = {script}\n\teditor = {script}\n"
        )
        config.write(
            f'[filter "evil"]\n\tsmudge = {script}\n\tclean = {script}\n[diff "evil"]\n\ttextconv = {script}\n'
        )
        config.write(f"[alias]\n\tls-tree = !{script}\n[credential]\n\thelper = !{script}\n")
        config.write(f'[remote "r"]\n\turl = ext::{script}\n\tpromisor = true\n\tpartialclonefilter = blob:none\n')
    tree = git_trees.tree(repository, "HEAD")
    folder = tmp_path / "out"
    folder.mkdir()
    git_trees.put(repository, folder, None, tree)
    # An object that is not there is asked of no remote.
    with pytest.raises(HistoryError):
        list(git_trees.contents(repository, ["0123456789" * 4]))
    assert (folder / "a.py").read_text() == "x = 1\n"
    assert not trap.exists()


@pytest.mark.parametrize("name", ["none", "--output=x", "HEAD:a.py", "HEAD~9"])
def test_a_name_of_no_commit_has_a_code(repository: Path, name: str) -> None:
    with pytest.raises(HistoryError) as failure:
        git_trees.tree(repository, name)
    assert failure.value.code == "git-failed"
