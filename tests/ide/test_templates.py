"""Texts that name templates lead to their files."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.editor import Editor
from codeanatomy.ide import templates
from tests.support import graphs
from tests.support.memory import Memory, program

VIEWS = """from django.shortcuts import render
from django.views import View


def pay(request):
    note = "é"; return render(request, "shop/pay.html", {"shop/pay.html": note})


class Show(View):
    template_name = 'shop/show.html'


def other(request):
    print("shop/pay.html")
    return render(request, "shop/pay.html")
"""
FILES = {
    "codeanatomy.toml": "[workspace]\nstandard_library = false\n",
    "shop/__init__.py": "",
    "shop/views.py": VIEWS,
    "shop/templates/shop/pay.html": "pay",
    "templates/shop/pay.html": "first",
    "shop/jinja2/shop/show.html": "show",
}


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ('render(request, "a.html", {"b.html": 1})', ["a.html"]),
        ('render(request, template_name="a.html")', ["a.html"]),
        ('templates.TemplateResponse("a.html", {})', ["a.html"]),
        ('templates.TemplateResponse(request=request, name="a.html")', ["a.html"]),
        ('TemplateView.as_view(template_name="a.html")', ["a.html"]),
        ('select_template(["a.html", "b.html"])', ["a.html", "b.html"]),
        ('flask.render_template("a.html", title="b.html")', ["a.html"]),
        ('class A:\n    template_name = "a.html"\n    success_url = "b.html"', ["a.html"]),
        ('print("a.html")', []),
    ],
)
def test_what_frameworks_ask_for_by_name(code: str, named: list[str]) -> None:
    memory = Memory(program("strings"))
    memory.write({"a.py": code + "\n"})
    memory.commit()
    rows = graphs.rows(memory.snapshot(), "SELECT text(name) AS name FROM template_text ORDER BY name")
    assert [row["name"] for row in rows] == named
    assert [each.line for each in templates.uses(memory.snapshot(), "a.html")] == (
        [code.count("\n", 0, code.find("a.h"))] if named else []
    )


def test_without_the_pack_no_text_names_a_template() -> None:
    memory = Memory(program())
    memory.write({"a.py": 'render(request, "a.html")\n'})
    memory.commit()
    assert templates.uses(memory.snapshot(), "a.html") == ()


def test_an_editor_goes_to_the_template_and_finds_who_names_it(tmp_path: Path) -> None:
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    (tmp_path / "outside.html").write_text("")
    with Editor(tmp_path, timeout=60) as editor:
        editor.initialize()
        editor.open("shop/views.py", VIEWS)

        def led(line: int, column: int) -> list[str]:
            found = editor.ask("textDocument/definition", "shop/views.py", line, column)
            uris = [each.get("targetUri") or each["uri"] for each in found]
            return [uri.removeprefix(tmp_path.as_uri() + "/") for uri in uris]

        column = VIEWS.split("\n")[5].index("shop/pay") + 2
        assert led(5, column) == ["shop/templates/shop/pay.html", "templates/shop/pay.html"]
        assert led(9, 24) == ["shop/jinja2/shop/show.html"]
        assert led(13, 14) == [], "a text that asks for no template"
        uses = editor.ask("textDocument/references", "shop/views.py", 14, 30, context={"includeDeclaration": False})
        start = VIEWS.split("\n")[5].index("shop/pay")
        assert [(each["range"]["start"]["line"], each["range"]["start"]["character"]) for each in uses] == [
            (5, start),
            (14, 28),
        ]
        assert editor.shut_down() == 0


@pytest.mark.parametrize("name", ["../templates/shop/pay.html", "/etc/hosts", "shop/nothing.html", "shop"])
def test_a_name_leads_to_files_of_the_workspace_only(tmp_path: Path, name: str) -> None:
    for path, text in FILES.items():
        (tmp_path / "ws" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "ws" / path).write_text(text)
    (tmp_path / "secret.html").write_text("")
    (tmp_path / "ws/templates/link.html").symlink_to(tmp_path / "secret.html")
    memory = Memory(program())
    memory.write({"shop/views.py": VIEWS})
    memory.commit()
    assert templates.files(memory.snapshot(), str(tmp_path / "ws"), "shop/views.py", name) == []
    assert templates.files(memory.snapshot(), str(tmp_path / "ws"), "shop/views.py", "link.html") == []


def test_a_text_looks_like_a_template_between_its_quotes() -> None:
    line = """render(request, "a/b.html", 'c', f"{x}.html")"""
    found = templates.text_at(line, 20)
    assert found == templates.Text("a/b.html", 17, 25)
    assert [templates.text_at(line, each) for each in (3, 29, 38)] == [None, None, None]
