"""Options come from the workspace and the caller, are refused when they are wrong, and are documented."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeanatomy_incremental import options, strict_toml


def configured(root: Path, text: str) -> Path:
    (root / "codeanatomy.toml").write_text(text)
    return root


def origins(loaded: options.Loaded) -> dict[str, str]:
    return {each.key: each.origin for each in loaded.settings if each.origin != "default"}


def test_without_a_file_every_value_is_the_default(tmp_path: Path) -> None:
    loaded = options.load(tmp_path)
    assert loaded.options == options.Options()
    assert origins(loaded) == {}


def test_every_value_knows_where_it_came_from(tmp_path: Path) -> None:
    root = configured(tmp_path, "# ours\n[incremental]\nstep_ms = 5\nwatch = false\n\n[rules]\npaths = ['r']\n")
    loaded = options.load(root, {"incremental.step_ms": "7", "workspace.source_roots": '["lib"]'})
    assert loaded.options.incremental.step_ms == 7
    assert loaded.options.workspace.source_roots == ("lib",)
    assert not loaded.options.incremental.watch
    assert origins(loaded) == {
        "incremental.step_ms": "command line",
        "incremental.watch": "codeanatomy.toml:4",
        "rules.paths": "codeanatomy.toml:7",
        "workspace.source_roots": "command line",
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[incremntal]\nstep_ms = 3\n",
            "codeanatomy.toml:1: unknown section `incremntal` (did you mean `incremental`?)",
        ),
        (
            "\n[workspace]\nexlude = []\n",
            "codeanatomy.toml:3: unknown key `workspace.exlude` (did you mean `exclude`?)",
        ),
        (
            "[rules]\ncolour = 1\n",
            "codeanatomy.toml:2: unknown key `rules.colour` (known are `detect`, `packs`, `paths`)",
        ),
        ("[incremental]\n\nstep_ms = 'fast'\n", "codeanatomy.toml:3: `incremental.step_ms`: expected `int`, got `str`"),
        ("incremental.burst = 0\n", "codeanatomy.toml:1: `incremental.burst`: expected `int` >= 1"),
        ("[rules\n", "codeanatomy.toml:1: not valid TOML: Expected ']' at the end of a table declaration"),
    ],
)
def test_a_mistake_is_named_with_its_place_and_the_remedy(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(strict_toml.TomlError) as caught:
        options.load(configured(tmp_path, text))
    assert str(caught.value) == message


def test_a_key_is_found_behind_a_text_of_several_lines(tmp_path: Path) -> None:
    text = '[workspace]\nexclude = """\nmax_file_bytes = 1\n"""\n'
    with pytest.raises(strict_toml.TomlError) as caught:
        options.load(configured(tmp_path, text + "max_file_bytes = 'x'\n"))
    assert caught.value.line in (2, 5)
    assert strict_toml.line_of(text + "max_file_bytes = 'x'\n", ("workspace", "max_file_bytes")) == 5


def test_an_override_without_a_section_is_refused(tmp_path: Path) -> None:
    with pytest.raises(strict_toml.TomlError, match=r"`step_ms` is not SECTION\.KEY"):
        options.load(tmp_path, {"step_ms": "3"})


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "codeanatomy.toml").write_bytes(b"[rules]\n\xff\n")
    with pytest.raises(strict_toml.TomlError) as caught:
        options.load(tmp_path)
    assert caught.value.line == 2


def test_the_reference_page_is_what_the_docstrings_say() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "configuration.md"
    assert page.read_text() == options.reference(), (
        "run: codeanatomy config --reference > docs/reference/configuration.md"
    )
