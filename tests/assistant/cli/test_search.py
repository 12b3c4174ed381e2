"""``splice search`` as a user runs it: real processes, real files."""

import json

import pytest

from assistant.cli.search import heading
from retrieval.records import Lines, Snippet
from tests.assistant.cli.conftest import Home
from tests.retrieval.repositories import make_repository


@pytest.fixture
def wordy(home: Home) -> Home:
    """A user without an embedder, who has a shop."""
    home.settings["SPLICE_RETRIEVAL__EMBEDDER"] = "none"
    make_repository(home.root / "shop")
    return home


def test_what_was_just_saved_is_found_without_indexing_first(wordy):
    (wordy.root / "shop/shop/fresh.py").write_text("def weigh_parcel(grams):\n    return grams\n")
    found = json.loads(wordy.run("search", "weigh parcel", "shop", "--json").stdout)
    first = found["results"][0]
    assert found["root"] == str(wordy.root / "shop")
    assert (first["path"], first["start"], first["end"]) == ("shop/fresh.py", 0, 2)
    assert first["score"] == pytest.approx(sum(first["parts"].values()))


def test_results_have_a_place_a_score_and_their_code(wordy):
    done = wordy.run("search", "apply_discount", "shop", "-k", "1")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("shop/money.py:11  apply_discount")
    assert "def apply_discount(price: Price) -> Price:" in done.stdout
    assert "symbols" in done.stdout.splitlines()[0]


def test_nothing_is_said_to_be_nothing(wordy):
    done = wordy.run("search", "qqqzzzxxx", "shop")
    assert (done.returncode, done.stdout) == (0, "")
    assert "Nothing was found." in done.stderr


def test_what_is_no_folder_is_refused_in_a_sentence(wordy):
    done = wordy.run("search", "x", "nothing")
    assert done.returncode == 2
    assert "nothing" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_heading_adds_up():
    snippet = Snippet(
        "a.py",
        "python",
        "function",
        "f",
        Lines(4, 9),
        "text",
        score=0.03,
        parts={"dense": 0.01, "symbols": 0.02},
    )
    assert heading(snippet).plain == "a.py:5  f  0.0300 = dense 0.0100 + symbols 0.0200"
