"""``splice summarize``: every level, docstrings as a diff, and every wrong argument."""

import ast
import json
from pathlib import Path

import pytest

CODE = '''class Cart:
    def add(self, thing):
        self.things.append(thing)


def said():
    """Said."""
'''


@pytest.fixture
def code(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    path = folder / "cart.py"
    path.write_text(CODE)
    return path


@pytest.mark.parametrize(
    ("symbol", "level"), [(":Cart.add", "function"), (":Cart", "class"), ("", "file"), ("/..", "repository")]
)
def test_a_summary_of_each_level(home, code: Path, symbol: str, level: str):
    wanted = str(code.parent) if level == "repository" else f"{code}{symbol}"
    result = home.run("summarize", wanted, "--level", level, "--json")
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["level"] == level
    assert found["text"]
    assert home.run("summarize", wanted).stdout.strip() == found["text"]


def test_docstrings_are_proposed_and_written_only_when_asked(home, code: Path):
    shown = home.run("summarize", str(code), "--write-docstrings")
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith("--- a/cart.py\n+++ b/cart.py\n")
    assert code.read_text() == CODE
    applied = home.run("summarize", str(code), "--write-docstrings", "--apply")
    assert applied.stdout == shown.stdout
    tree = ast.parse(code.read_text())
    assert ast.get_docstring(tree.body[0])
    assert ast.get_docstring(tree.body[1]) == "Said."
    assert [path.name for path in code.parent.iterdir()] == ["cart.py"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("{code}:nothing",), "defines no single `nothing`"),
        (("{code}", "--level", "class"), "level file, not class"),
        (("{code}", "--level", "line"), "no level `line`"),
        (("{code}.gone",), "neither a file or folder"),
        (("{code}", "--apply"), "give both"),
        (("{folder}", "--write-docstrings"), "a Python file"),
    ],
)
def test_a_wrong_wish_is_one_sentence(home, code: Path, arguments: tuple[str, ...], sentence: str):
    given = [each.format(code=code, folder=code.parent) for each in arguments]
    result = home.run("summarize", *given)
    assert result.returncode == 2
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""
