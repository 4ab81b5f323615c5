"""The same files make the same rows: with any number of threads, in any order of files, at once or one after the other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

_PROGRAM = """
import json, random, sys
from pathlib import Path
import msgspec
from tests.support.memory import Memory, program

root, order, steps = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
files = {path.relative_to(root).as_posix(): path.read_text("utf-8") for path in sorted(root.rglob("*.py"))}
names = list(files)
random.Random(order).shuffle(names)
memory = Memory(program())
for step in range(steps):
    memory.write({name: files[name] for name in names[step::steps]})
    memory.commit()
if steps > 1:
    # What was there once and is gone leaves no trace either.
    memory.write({names[0]: "x = 1\\n"})
    memory.commit()
    memory.write({names[0]: files[names[0]]})
    memory.commit()
outputs = msgspec.json.decode(memory.engine.snapshot().outputs())
print(json.dumps({each["name"]: [each["rows"], each["hash"]] for each in outputs}))
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real package, and one that has it for breakfast: classes, decorators, generics."""
    import email

    root = tmp_path_factory.mktemp("files")
    for path in sorted(Path(email.__file__).parent.glob("*.py")):
        (root / "email").mkdir(exist_ok=True)
        (root / "email" / path.name).write_text(path.read_text("utf-8"), "utf-8")
    return root


def outputs(package: Path, order: int, steps: int, threads: int) -> dict[str, list[object]]:
    environment = os.environ | {"RAYON_NUM_THREADS": str(threads)}
    ran = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(package), str(order), str(steps)],
        capture_output=True,
        env=environment,
        cwd=Path(__file__).parents[2],
        check=True,
    )
    return json.loads(ran.stdout)


@pytest.fixture(scope="module")
def first(package: Path) -> dict[str, list[object]]:
    found = outputs(package, 0, 1, 1)
    assert found["refers_to"][0] > 1000  # type: ignore[operator]
    return found


@pytest.mark.parametrize(
    ("order", "steps", "threads"),
    [(0, 1, 2), (0, 1, 8), (1, 1, 8), (2, 1, 2), (0, 4, 1), (3, 4, 8)],
    ids=lambda value: str(value),
)
def test_order_threads_and_steps_leave_no_trace(
    package: Path, first: dict[str, list[object]], order: int, steps: int, threads: int
) -> None:
    assert outputs(package, order, steps, threads) == first


def test_other_texts_are_other_rows(package: Path, first: dict[str, list[object]], tmp_path: Path) -> None:
    (tmp_path / "email").mkdir()
    for path in (package / "email").glob("*.py"):
        text = path.read_text("utf-8").replace("def message_from_file", "def message_of_file")
        (tmp_path / "email" / path.name).write_text(text, "utf-8")
    assert outputs(tmp_path, 0, 1, 1)["bindings"] != first["bindings"]
