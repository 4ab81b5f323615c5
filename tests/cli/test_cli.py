"""The command line: results on standard output, everything else on standard error, and exit codes that programs match."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from codeanatomy import cli
from codeanatomy.cli import commands
from codeanatomy.cli.reference import reference
from tests.support import shop
from tests.support.environments import interpreter, virtual

LINE, COLUMN = shop.place("main.py", "discount", 1)
CALL = f"main.py:{LINE + 1}:{COLUMN + 1}"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def ws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shop.build(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Ran:
    """How a command ended and what it wrote."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Any:
    def running(*arguments: str) -> Ran:
        code = cli.main(arguments)
        written = capsys.readouterr()
        return Ran(code, written.out, written.err)

    return running


def test_index_prints_what_was_found(ws: Path, run: Any) -> None:
    ran = run("index")
    assert (ran.code, ran.err) == (0, "")
    for word in ("files", "parse errors", "nodes", "edges", "seconds", "peak memory"):
        assert word in ran.out
    found = run("build", str(ws), "--format", "json").json
    assert found["files"] == 3
    assert found["parse_errors"] == 0
    assert found["nodes"]
    assert found["edges"]
    assert found["seconds"]["total"] > 0


def test_diag_memory_adds_up(ws: Path, run: Any) -> None:
    ran = run("diag", "memory")
    assert (ran.code, ran.err) == (0, "")
    for word in ("refers_to", "indexes", "places", "bytes for each reference"):
        assert word in ran.out
    found = run("diag", "memory", str(ws), "--format", "json").json
    tables = found["tables"].values()
    assert found["index_bytes"] == sum(sum(table["indexes"].values()) for table in tables) > 0
    assert found["table_bytes"] + found["index_bytes"] == sum(table["bytes"] for table in tables)
    assert found["references"] == found["tables"]["refers_to"]["rows"] > 0


def test_why_explains_a_word(ws: Path, run: Any) -> None:
    ran = run("why", CALL)
    assert ran.code == 0
    assert ran.out.startswith("(function) ")
    assert "discount" in ran.out.splitlines()[0]
    assert "shop/tools.py:4" in ran.out.splitlines()[0]
    assert "Why: discount of shop/tools.py" in ran.out
    assert run("why", CALL, "--format", "json").json["targets"][0]["path"] == "shop/tools.py"


def test_find_prints_places_that_can_be_clicked(ws: Path, run: Any) -> None:
    assert run("find", "definition", CALL).out == "shop/tools.py:4:5: def discount(order):\n"
    found = run("find", "references", "shop/tools.py:4:5", "--format", "json").json
    places = {(each["path"], each["line"]) for each in found}
    assert {("main.py", 1), ("main.py", 5), ("shop/tools.py", 11)} <= places


def test_names_lead_into_the_standard_library(ws: Path, run: Any) -> None:
    (ws / "library.py").write_text("import json\n\njson.loads('1')\n")
    whole = ("--set", "workspace.standard_library=true")
    found = run("find", "definition", "library.py:3:6", "--format", "json", *whole).json
    assert [Path(each["path"]).name for each in found] == ["__init__.py", "__init__.pyi"]
    assert Path(found[0]["path"]).is_file()
    assert found[0]["source"].startswith("def loads(")
    assert "json/__init__.pyi:" in run("why", "library.py:3:6", *whole).out
    assert 20 < run("index", "--format", "json", *whole).json["library_files"] < 500
    assert run("check", *whole).code == 0


def test_query_writes_rows_in_every_format(ws: Path) -> None:
    sql = "SELECT file, module FROM files ORDER BY file"
    expected = [
        {"file": "main.py", "module": "main"},
        {"file": "shop/__init__.py", "module": "shop"},
        {"file": "shop/tools.py", "module": "shop.tools"},
    ]
    outputs: dict[str, bytes] = {}
    for form in ("text", "json", "csv", "arrow"):
        process = subprocess.run(
            [sys.executable, "-m", "codeanatomy", "query", sql, "--format", form], capture_output=True, check=True
        )
        outputs[form] = process.stdout
    assert json.loads(outputs["json"]) == expected
    assert list(csv.DictReader(io.StringIO(outputs["csv"].decode()))) == expected
    assert pa.ipc.open_stream(outputs["arrow"]).read_all().to_pylist() == expected
    assert outputs["text"].decode().splitlines()[0].split() == ["file", "module"]


@pytest.mark.parametrize(
    "sql", ["DROP TABLE files", "SELECT nothing FROM nowhere", "SELEC 1", "", "COPY files TO 'x.csv'"]
)
def test_a_query_that_is_none_is_bad_input(ws: Path, run: Any, sql: str) -> None:
    ran = run("query", sql)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error[query-")
    assert not (ws / "x.csv").exists()


def test_plan_lists_views_and_shows_one(ws: Path, run: Any) -> None:
    whole = run("plan", "--format", "json").json
    assert {view["name"] for view in whole["views"]} >= set(whole["order"]) - {"files"}
    name = whole["order"][-1]
    assert run("plan").out
    ran = run("plan", name)
    assert ran.code == 0
    for word in ("logical:", "physical:", "keyed:"):
        assert word in ran.out
    missing = run("plan", name + "x")
    assert missing.code == 2
    assert f"did you mean `{name}`?" in missing.err


def test_check_finds_what_is_wrong(ws: Path, run: Any) -> None:
    (ws / "main.py").write_text("def f(:\n")
    ran = run("check")
    assert ran.code == 1
    assert ran.out.startswith("main.py:1:")
    assert run("check", "--format", "json").json[0]["path"] == "main.py"
    (ws / "main.py").write_text(shop.FILES["main.py"])
    assert run("check").code == 0


TWICE = "def pay(): ...\ndef pay(): ...\ndef _gone(): ...\ndef _kept(): ...\n_kept()\npay()\n"


def test_check_knows_what_is_unused_and_what_is_replaced(tmp_path: Path, run: Any) -> None:
    (tmp_path / "a.py").write_text(TWICE)
    found = run("check", str(tmp_path), "--format", "json")
    assert found.code == 1
    assert [(row["line"], row["column"], row["code"], row["severity"], row["confidence"]) for row in found.json] == [
        (2, 5, "replaced-definition", "warning", 0.95),
        (3, 5, "unused-definition", "warning", 0.9),
    ]
    (tmp_path / "a.py").write_text(TWICE.replace("def pay", "def first", 1).replace("_gone", "gone") + "first()\n")
    assert run("check", str(tmp_path)).code == 0
    assert run("check", str(tmp_path), "--fail-on", "information").code == 1
    assert run("check", str(tmp_path), "--fail-on", "information", "--min-confidence", "0.95").code == 0
    (tmp_path / "pyproject.toml").write_text('[project.scripts]\ngone = "a:gone"\n')
    assert run("check", str(tmp_path)).out == ""


FAKES = """import threading


class Fake(threading.Thread):
    def lost(self): ...


class Stand:
    def is_alive(self): ...
    def lonely(self): ...


def fake():
    class Local:
        def handed(self): ...
    return Local(), Stand(), Fake()


fake()
"""


def test_a_method_that_may_be_asked_for_by_others_is_less_surely_unused(tmp_path: Path, run: Any) -> None:
    (tmp_path / "a.py").write_text(FAKES)
    found = run("check", str(tmp_path), "--format", "json", "--min-confidence", "0").json
    assert [(row["line"], row["confidence"], row["message"].partition(",")[0]) for row in found] == [
        (5, 0.6, "nothing seems to use the method `lost`: a class above may call it"),
        (9, 0.5, "nothing seems to use the method `is_alive`: nothing has its name"),
        (10, 0.7, "nothing seems to use the method `lonely`: nothing has its name"),
        (15, 0.5, "nothing seems to use the method `handed`: nothing has its name"),
    ]


def test_check_tells_each_circle_of_imports_once(tmp_path: Path, run: Any) -> None:
    files = {
        "a.py": "import b\nimport b as c\n",
        "b.py": "import a\nimport a as d\n",
        "p/__init__.py": "",
        "p/x.py": "from p import y\n",
    }
    (tmp_path / "p").mkdir()
    for name, text in {**files, "p/y.py": "from p import x\n"}.items():
        (tmp_path / name).write_text(text)
    ran = run("check", str(tmp_path))
    assert ran.code == 1
    assert ran.out.splitlines() == [
        "b.py:1:8: warning[import-cycle]: modules import each other in a circle: `a` → `b` → `a`",
        "p/y.py:1:15: warning[import-cycle]: modules import each other in a circle: `p.x` → `p.y` → `p.x`",
    ]


def test_check_finds_imports_that_break_a_layer(ws: Path, run: Any) -> None:
    (ws / "codeanatomy.toml").write_text('[workspace]\nstandard_library = false\n[layers]\norder = ["shop", "main"]\n')
    [row] = [row for row in run("check", "--format", "json").json if row["severity"] == "error"]
    assert (row["path"], row["code"]) == ("main.py", "layer-import")
    assert "`main` imports `shop" in row["message"]


def test_what_a_baseline_lists_does_not_count_and_a_baseline_only_shrinks(tmp_path: Path, run: Any) -> None:
    (tmp_path / "a.py").write_text(TWICE)
    baseline = str(tmp_path / "known.json")
    assert run("check", str(tmp_path), "--write-baseline", baseline).out.startswith("2 findings are in ")
    # Lines move, and what is known stays known.
    (tmp_path / "a.py").write_text("\n\n" + TWICE.replace("_gone", "_lost"))
    [new] = run("check", str(tmp_path), "--baseline", baseline, "--format", "json").json
    assert "`_lost`" in new["message"]
    assert "1 new ones are not" in run("check", str(tmp_path), "--write-baseline", baseline).out
    assert run("check", str(tmp_path), "--baseline", str(tmp_path / "none.json")).code == 2
    (tmp_path / "a.py").write_text("first = 1\n")
    assert run("check", str(tmp_path), "--write-baseline", baseline).out.startswith("0 findings")


def test_check_speaks_to_code_hosts(tmp_path: Path, run: Any) -> None:
    (tmp_path / "a.py").write_text(TWICE)
    lines = run("check", str(tmp_path), "--format", "github").out.splitlines()
    assert lines[0].startswith("::warning file=a.py,line=2,col=5,title=replaced-definition::`pay` replaces")
    sarif = run("check", str(tmp_path), "--format", "sarif").json
    [told] = sarif["runs"]
    assert [rule["id"] for rule in told["tool"]["driver"]["rules"]] == ["replaced-definition", "unused-definition"]
    assert [result["level"] for result in told["results"]] == ["warning", "warning"]
    region = told["results"][0]["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 2, "startColumn": 5}


def test_config_tells_where_values_come_from(ws: Path, run: Any) -> None:
    (ws / "codeanatomy.toml").write_text("[incremental]\nstep_ms = 5\n")
    [line] = [line for line in run("config").out.splitlines() if line.startswith("incremental.step_ms")]
    assert line.split() == ["incremental.step_ms", "5", "codeanatomy.toml:2"]
    settings = run("config", "--set", "incremental.step_ms=6", "--format", "json").json["settings"]
    assert settings["incremental.step_ms"] == {"value": 6, "origin": "command line"}


def test_version_names_every_part(run: Any) -> None:
    assert set(run("version", "--format", "json").json) == {"codeanatomy", "engine", "python"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("why", "main.py"), "is not FILE:LINE:COL"),
        (("why", "main.py:0:1"), "is not FILE:LINE:COL"),
        (("why", "nowhere.py:1:1"), "there is no file"),
        (("why", "main.py:2:1"), "there is no word at main.py:2:1"),
        (("index", "nowhere"), "there is no directory `nowhere`"),
        (("check", "--set", "rules.packs"), "is not SECTION.KEY=VALUE"),
        (("check", "--set", "rules.pcks=[]"), "did you mean `packs`?"),
        (("check", "--set", "rules.packs=['pyton']"), "did you mean `python`?"),
        (("query", "SELECT 1", "--max-rows", "0"), "--max-rows must be at least 1"),
        (("why", CALL, "--root", "shop"), "is not in the workspace"),
    ],
)
def test_bad_input_says_what_would_be_right(ws: Path, run: Any, arguments: tuple[str, ...], words: str) -> None:
    ran = run(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error[")
    assert words in ran.err


def test_env_lists_where_imports_are_looked_up(ws: Path, run: Any) -> None:
    site = virtual(ws / ".venv", interpreter(ws.parent / "python"))
    (site / "a.pth").write_text("import os\n")
    shown = run("env", "--set", "workspace.python=.venv")
    assert shown.code == 0
    assert str(site) in shown.out
    assert "an import line is never run" in shown.out
    found = run("env", "--set", "workspace.python=.venv", "--format", "json").json
    assert found["version"] == [3, 12]
    assert [place["kind"] for place in found["places"]] == ["interpreter", "source", "site-packages", "ignored"]


def test_a_configuration_that_is_wrong_is_bad_input(ws: Path, run: Any) -> None:
    (ws / "codeanatomy.toml").write_text("[rules]\npakcs = []\n")
    ran = run("check")
    assert ran.code == 2
    assert (
        ran.err == "error[bad-config]: codeanatomy.toml:2: unknown key `rules.pakcs`\n  hint: did you mean `packs`?\n"
    )


def test_a_pack_that_does_not_decode_or_compile_has_its_own_code(ws: Path, run: Any) -> None:
    pack = ws / "rules" / "team"
    pack.mkdir(parents=True)
    (pack / "pack.toml").write_text('name = "team"\nversion = "1"\ndoc = "Ours."\n')
    rule = pack / "mine.toml"
    rule.write_text('doc = "Holds if it holds."\nkind = "relate"\nexample = "x"\nmacth = "names(expr)"\n')
    ran = run("check", "--set", "rules.paths=['rules']")
    assert ran.code == 3
    assert ran.err == "error[rule-decode]: rules/team/mine.toml:4: unknown key `macth`\n  hint: did you mean `match`?\n"
    rule.write_text('doc = "Holds if it holds."\nkind = "relate"\nexample = "x"\nmatch = "nmaes(expr)"\n')
    ran = run("check", "--set", "rules.paths=['rules']")
    assert ran.code == 3
    assert ran.err.startswith("error[rule-unknown-relation]: rules/team/mine.toml:4")


def test_without_the_engine_the_exit_code_is_ten(ws: Path) -> None:
    # A module that stands in for the engine and cannot be loaded, as after a broken installation.
    broken = ws / "broken" / "codeanatomy_engine"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("from codeanatomy_engine._native import Engine\n")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(broken.parent), os.environ.get("PYTHONPATH", "")))}
    process = subprocess.run(
        [sys.executable, "-m", "codeanatomy", "check"], capture_output=True, text=True, env=environment, check=False
    )
    assert process.returncode == 10
    assert process.stderr.startswith("error[engine-missing]: ")


def test_output_cut_short_by_its_reader_is_no_failure(ws: Path) -> None:
    command = f"{sys.executable} -m codeanatomy query 'SELECT * FROM files a, files b, files c, files d' --format csv | head -1"
    process = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False)
    assert process.stderr == ""
    assert process.returncode == 0


def test_watch_prints_each_change_and_ends_on_interrupt(ws: Path) -> None:
    command = [sys.executable, "-X", "faulthandler", "-m", "codeanatomy", "watch"]
    command += ["--format", "json", "--set", "incremental.poll_s=0.1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    first = json.loads(process.stdout.readline())
    assert sorted(first["files"]) == sorted(shop.FILES)
    (ws / "main.py").write_text(shop.FILES["main.py"] + "\n\ndef more(): return run(1)\n")
    second = json.loads(process.stdout.readline())
    assert second["files"] == ["main.py"]
    assert second["views"]
    process.send_signal(signal.SIGINT)
    try:
        process.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGABRT)
        pytest.fail(f"it does not end:\n{process.communicate()[1]}")
    assert process.returncode == 0


def test_every_command_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    for command in commands.COMMANDS:
        with pytest.raises(SystemExit) as caught:
            cli.main([command.NAME, "--help"])
        assert caught.value.code == 0
        assert command.DOC.splitlines()[0] in capsys.readouterr().out.replace("\n", " ")


def test_help_loads_neither_engine_nor_protocol() -> None:
    script = (
        "import sys, codeanatomy.cli.commands as c; c.parser().format_help(); "
        "print([m for m in ('pygls', 'pyarrow', 'codeanatomy_engine', 'watchfiles', 'msgspec') if m in sys.modules])"
    )
    process = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert process.stdout == "[]\n"


def test_the_reference_page_is_what_the_parser_says() -> None:
    page = ROOT / "docs" / "reference" / "cli.md"
    assert page.read_text() == reference(), "run: python -m codeanatomy.cli.reference > docs/reference/cli.md"


def test_a_rule_is_begun_with_a_case_that_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Any) -> None:
    monkeypatch.chdir(tmp_path)
    begun = run("rules", "new", "no_eval", "--root", ".")
    assert begun.out.split() == [
        "rules/own/no_eval.toml",
        "rules/own/no_eval.md",
        "rules/own/pack.toml",
        "codeanatomy.toml",
    ]
    assert run("rules", "new", "no_eval", "--root", ".").code == 2
    tested = run("rules", "test", "--root", ".")
    assert (tested.code, tested.out.splitlines()[-1]) == (0, "1 cases in 1 books, 0 failed")
    (tmp_path / "a.py").write_text("eval('1')\n")
    [found] = run("check", "--format", "json").json
    assert (found["path"], found["code"]) == ("a.py", "no-eval")
    rule = tmp_path / "rules/own/no_eval.toml"
    rule.write_text(rule.read_text().replace("'eval'", "'exec'"))
    tested = run("rules", "test", "--root", ".", "--format", "json")
    assert tested.code == 1
    assert [line.partition(":")[0] for line in tested.json[0]["wrong"]] == ["in batch", "live"]


def test_rules_are_listed_and_explained(ws: Path, run: Any) -> None:
    packs = run("rules", "list", "--format", "json").json
    assert {each["pack"]: each["because"] for each in packs} == {
        "python": "asked for in [rules] packs",
        "argparse": "for what is part of Python",
        "strings": "for what is part of Python",
    }
    assert all(each["rules"] == [] and each["count"] > 0 for each in packs)
    told = run("rules", "explain", "overrides", "--format", "json").json
    assert (told["kind"], told["reads"]) == ("relate", ["class_member", "mro"])
    assert "cpg_edges" in told["read by"]
    assert "did you mean `overrides`?" in run("rules", "explain", "override").err
    assert "needs the name of a rule" in run("rules", "explain").err


def test_plan_has_three_tiers_each_with_all_of_the_one_before(ws: Path, run: Any) -> None:
    first, second, third = (run("plan", "--tier", tier, "--format", "json").json for tier in "123")
    assert {"manifest", "outputs", "summary", "compiles"} <= first.keys()
    assert first.keys() < second.keys() < third.keys()
    assert len({each["manifest"]["fingerprint"] for each in (first, second, third)}) == 1
    path = second["schedule"]["critical_path"]
    edges = {(edge["from"], edge["to"]) for edge in second["edges"]}
    assert len(path) > 3
    assert all(step in edges for step in pairwise(path))
    costs = {task["view"]: task["cost_micros"] for task in second["schedule"]["tasks"]}
    assert sum(costs[view] for view in path) == second["schedule"]["critical_micros"]
    assert {task["cost_from"] for task in second["schedule"]["tasks"]} <= {"measured", "rows"}
    assert third["validation"]["mode"] == "warn"
    assert all(0 < each["confidence"] <= 1 and each["evidence"] for each in third["decisions"])
    for tier in "123":
        assert run("plan", "--tier", tier).out


def test_plan_of_a_view_has_its_lineage_and_every_form(ws: Path, run: Any) -> None:
    told = run("plan", "overrides", "--tier", "3", "--format", "json").json
    assert told["plans"].keys() == {"sql", "logical", "optimized", "physical", "keyed", "impact"}
    [view] = told["views"]
    assert view["lineage"].keys() | {"level"} >= set(view["columns"])
    for sources in view["lineage"].values():
        for source in sources:
            relation, _, column = source.partition(".")
            assert column in view["required_columns"][relation]
    assert view["signals"].keys() >= {"statistics", "selectivity", "projection_ratio", "sort_keys", "fan_out"}
    text = run("plan", "overrides", "--tier", "3").out
    for word in ("critical path", "needs ", "index ", "column ", "keyed:", "impact of"):
        assert word in text
    assert "calls" not in {edge["to"] for edge in told["edges"]}
    assert "nearest" in run("plan", "overide", "--tier", "3").err or run("plan", "overide", "--tier", "3").code == 2


def test_plan_draws_the_graph_of_views(ws: Path, run: Any) -> None:
    dot = run("plan", "--format", "dot").out
    assert dot.startswith("digraph")
    assert '"class_base" -> "mro"' in dot or '"class_base" -> "ancestor"' in dot
    assert "penwidth=3" in dot
    for form in ("svg", "html"):
        out = run("plan", "--tier", "3", "--format", form).out
        assert "refers_to" in out
        assert "</svg>" in out
        assert "src=" not in out
        assert "href=" not in out
    assert run("plan", "overrides", "--format", "svg").out.count("<rect") < run("plan", "--format", "svg").out.count(
        "<rect"
    )


def test_diag_reports_edits_rules_and_decisions(ws: Path, run: Any) -> None:
    found = run("diag", "--format", "json").json
    edits = found["edits"]
    assert edits["count"] == 2 * 3
    assert edits["hops"]["total_micros"]["max"] >= edits["hops"]["views_micros"]["max"] > 0
    assert edits["runs"][str(edits["slowest"]["commit"])]
    assert found["decisions"]["count"] == found["decisions"]["with_confidence_and_evidence"] > 100
    assert [each for each in found["fallbacks"] if not each["declared"]] == []
    for word in ("edits: 6", "slowest rules of edits", "fallbacks: 0", "requests: 0"):
        assert word in run("diag", "report").out
    page = run("diag", str(ws), "--format", "html").out
    assert page.startswith("<!doctype html>")
    for word in ("The slowest edit", "impact", "Slowest rules of edits"):
        assert word in page
    assert "<script" not in page
    assert "src=" not in page
    assert run("diag", "memry").code == 2
    assert run("diag", "memory", "--format", "html").code == 2


def test_a_run_is_exported_replayed_and_compared(ws: Path, run: Any, tmp_path: Path) -> None:
    first, second = str(tmp_path / "first.zip"), str(tmp_path / "second.zip")
    assert "envelope" in run("run", "export", first).out
    replayed = run("run", "replay", first)
    assert replayed.code == 0
    told = replayed.json
    assert (told["equal"], told["spec"]["equal"], told["envelope"]["equal"]) == (True, True, True)
    assert told["match"]["equal"] == told["match"]["outputs"] == len(told["outputs"]) > 100
    assert {"refers_to", "bindings", "cpg_edges"} <= {each["name"] for each in told["outputs"] if each["rows"]}
    assert run("run", "diff", first, first).code == 0

    (ws / "main.py").write_text("from shop.tools import discount\n\nx = 1\n", "utf-8")
    run("run", "export", second)
    found = run("run", "diff", first, second, "--format", "json")
    assert found.code == 1
    assert found.json["files"] == {"added": [], "removed": [], "changed": ["main.py"]}
    assert "refers_to" in {each["name"] for each in found.json["outputs"]}
    assert "main.py" in run("run", "diff", first, second).out
    # A package is replayed from what it holds, whatever the disk holds now.
    assert run("run", "replay", first).json["equal"] is True


def test_a_run_is_replayed_under_another_policy(ws: Path, run: Any, tmp_path: Path) -> None:
    package = str(tmp_path / "run.zip")
    run("run", "export", package)
    replayed = run("run", "replay", package, "--set", "run.profile=replay")
    assert replayed.code == 0
    told = replayed.json
    assert (told["equal"], told["envelope"]["equal"]) == (True, False)
    assert told["counterfactual"]["policy"]["profile"] == "replay"
    assert {each["decision"] for each in told["counterfactual"]["decisions_that_differ"]} >= {"scan", "profile"}
    assert run("run", "replay", package, "--set", "run.profile=fast").code == 2
    assert run("run", "replay", package, "--set", "lenses.references=false").code == 2


def test_what_is_no_package_is_not_replayed(ws: Path, run: Any, tmp_path: Path) -> None:
    (tmp_path / "text.zip").write_text("nothing", "utf-8")
    for arguments in (["replay", "text.zip"], ["replay", "missing.zip"], ["diff", "text.zip"], ["replay", "a", "b"]):
        assert run("run", *arguments).code == 2, arguments
    package = tmp_path / "run.zip"
    run("run", "export", str(package))
    content = bytearray(package.read_bytes())
    content[len(content) // 2] ^= 0xFF
    package.write_bytes(content)
    assert run("run", "replay", str(package)).code in (2, 0)


def test_strict_runs_refuse_what_validation_finds(ws: Path, run: Any) -> None:
    assert run("index", "--set", "run.profile=strict").code == 0
    (ws / "rules").mkdir()
    (ws / "rules/pack.toml").write_text('name = "own"\nversion = "1"\ndoc = "Ours."\n', "utf-8")
    (ws / "rules/copied.toml").write_text(
        'doc = "Holds if something is documented."\nkind = "derive"\nmatch = "docstrings(owner, text, file)"\nexample = "`x`"\n',
        "utf-8",
    )
    paths = ("--set", 'rules.paths=["rules"]')
    assert run("index", *paths).code == 0
    refused = run("index", *paths, "--set", "run.validation=error")
    assert refused.code == 3
    assert "error[plan-copy]: rules/copied.toml:3:" in refused.err
    assert "hint: read its input instead" in refused.err


def test_rows_that_break_their_contract_end_with_a_code_of_their_own(ws: Path, run: Any) -> None:
    (ws / "rules").mkdir()
    (ws / "rules/pack.toml").write_text('name = "own"\nversion = "1"\ndoc = "Ours."\n', "utf-8")
    (ws / "rules/sure.toml").write_text(
        'doc = "Holds if a name is read."\nkind = "relate"\nmatch = "names(expr, scope=target)"\nwhy = "it is"\nexample = "`x`"\n'
        'confidence = "1.5"\n',
        "utf-8",
    )
    refused = run("index", "--set", 'rules.paths=["rules"]', "--set", "run.validation=error")
    assert refused.code == 4
    assert "error[rule-contract]" in refused.err


def test_a_failure_names_its_code_and_has_the_exit_code_of_its_kind(
    ws: Path, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = run("index", str(ws / "nowhere"))
    assert (missing.code, missing.err.split(":")[0]) == (2, "error[bad-input]")

    def fail(*_: object) -> int:
        raise ZeroDivisionError("nobody thought of this")

    monkeypatch.setattr(commands.version, "run", fail)
    broken = run("version")
    assert broken.code == 5
    assert "error[internal]: ZeroDivisionError: nobody thought of this" in broken.err
