"""The pages of ``docs/`` say what the code says."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
LINK = re.compile(r"!?\[[^\]]*\]\((?!\w+:|#)([^)#\s]+)[^)]*\)")
COMMAND = re.compile(r"\bmake ([a-z-]+)\b")


def generator():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_pages_are_up_to_date():
    stale = [path.name for path, text in generator().pages().items() if path.read_text("utf-8") != text]
    assert not stale, f"run `make docs`: {stale}"


def test_every_message_has_a_row():
    rows = generator().messages_table()
    for method in ("initialize", "textDocument/didChange", "textDocument/inlineCompletion", "exit"):
        assert f"`{method}`" in rows


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path):
    missing = [link for link in LINK.findall(page.read_text("utf-8")) if not (page.parent / link).exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_named_targets_of_make_exist(page: Path):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(
        COMMAND.findall(" ".join(re.findall(r"`[^`]*`|^    .*$", page.read_text("utf-8"), re.MULTILINE)))
    )
    assert named <= targets


def test_every_page_is_reachable_from_the_readme():
    readme = (ROOT / "README.md").read_text("utf-8")
    for page in PAGES:
        name = page.relative_to(ROOT).as_posix()
        assert name == "README.md" or f"({name})" in readme, name
