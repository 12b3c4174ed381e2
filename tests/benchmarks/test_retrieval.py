"""The measurement of finding, on a repository made for it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.retrieval import Indexed, affordable, found_files, recalls, table
from benchmarks.retrieval_names import definitions, imports
from benchmarks.retrieval_sets import Case, Repository
from retrieval.records import Lines

FILES = {
    "app/main.py": "from app.shapes import Circle\nfrom . import store\n\ncircle = Circle(",
    "app/shapes.py": "class Circle:\n    radius: float = 1.0\n",
    "app/store.py": "def keep(item):\n    return item\n",
    "app/other.py": "def circle_of_friends(circle): return circle\n",
}
REPOSITORY = Repository("made", "python", FILES)
CASE = Case(REPOSITORY, "app/main.py", FILES["app/main.py"], frozenset({"app/shapes.py"}), "Circle")


def test_the_import_is_found_and_the_own_file_is_not():
    found = found_files(Indexed(REPOSITORY), CASE)
    assert found["symbols"][0] == found["fused"][0] == "app/shapes.py"
    assert found["dense"] == []
    assert all("app/main.py" not in paths for paths in found.values())


def test_recall_counts_files():
    rows = recalls([CASE], {"made": Indexed(REPOSITORY)})
    assert (rows[0]["fused@1"], rows[0]["dense@10"]) == (1.0, 0.0)
    fused = [row for row in table("made", rows) if row["ranking"] == "fused"]
    assert fused[0]["recall@1 %"] == 100.0


def test_a_budget_of_tokens():
    tokens = {"a": [400] * 4}
    places = [("a", Lines(0, 2)), ("a", Lines(2, 3)), ("a", Lines(3, 4))]
    assert affordable(places, tokens) == places[:1]


def test_imports_of_python():
    files = set(FILES)
    found = imports(FILES["app/main.py"], "app/main.py", files, "python")
    assert [(one.path, set(one.names)) for one in found] == [
        ("app/shapes.py", {"Circle"}),
        ("app/store.py", {"store"}),
    ]


def test_imports_of_typescript():
    files = {"src/a/x.ts", "src/a/index.ts", "src/b.tsx", "src/main.ts"}
    text = "import { X, type Y } from './a/x.js'\nexport * from \"./a\"\nimport B from '@/b'\nimport 'react'"
    found = imports(text, "src/main.ts", files, "typescript")
    assert [(one.path, set(one.names)) for one in found] == [
        ("src/a/x.ts", {"X", "Y"}),
        ("src/a/index.ts", set()),
        ("src/b.tsx", {"B"}),
    ]


def test_definitions_by_pattern():
    python = "class A:\n    x: int\n    async def go(self):\n        y = 1\nZ = 3\n"
    assert list(definitions(python, "python")) == [("A", 0), ("x", 1), ("go", 2), ("Z", 4)]
    script = "export class A {\n  private run(x: number) {\n}\nexport const b = 1\n"
    assert list(definitions(script, "typescript")) == [("A", 0), ("run", 1), ("b", 3)]


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Over sets of the same layout as the real ones."""
    home, function = tmp_path / "crossfile-home", tmp_path / "repoeval-function"
    for folder in (home, function):
        folder.mkdir()
    files = [{"repository": "made", "file": path, "content": text} for path, text in FILES.items()]
    about = {"repository": "made", "file": CASE.path, "gold_files": list(CASE.gold), "identifier": "Circle"}
    row = {"prompt": CASE.prompt, "metadata": about}
    for language in ("python", "typescript"):
        write(home / f"{language}_repos.jsonl", files)
        write(home / f"{language}_line_completion_bm25.jsonl", [row])
    write(function / "repos.jsonl", files)
    place = {"fpath_tuple": ["made", "app", "main.py"], "lineno": 3, "ground_truth": "Circle(1)"}
    write(function / "function_level_2k.433.jsonl", [{"prompt": "", "metadata": place}])
    assert main(["retrieval", "--data", str(tmp_path), "--json", str(tmp_path / "out.json")]) == 0
    rows = json.loads((tmp_path / "out.json").read_text("utf-8"))["rows"]
    fused = [row for row in rows if row["ranking"] == "fused"]
    assert [row["recall@1 %"] for row in fused] == [100, 100, 100]
    assert [row["precision Ω %"] for row in rows[-3:]] == [100, 100, 100]
    assert "fit of definitions" in capsys.readouterr().out


def write(file: Path, rows: Sequence[Mapping[str, object]]) -> None:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
