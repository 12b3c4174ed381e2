"""What ``splice index`` reads, reports, checks and refuses: real processes, real files."""

import json
import shutil
from collections import Counter

import pytest

from assistant.cli.index import sentences_of
from retrieval.indexing import Report
from retrieval.records import IndexStatus
from tests.assistant.cli.conftest import Home
from tests.retrieval.repositories import make_repository


@pytest.fixture
def wordy(home: Home) -> Home:
    """A user without an embedder, who has a shop."""
    home.settings["SPLICE_RETRIEVAL__EMBEDDER"] = "none"
    make_repository(home.root / "shop")
    return home


def test_a_repository_is_indexed_and_only_what_changed_is_read_again(wordy):
    done = wordy.run("index", "shop")
    assert done.returncode == 0, done.stderr
    assert "Read 4 files, dropped 0, 0 unchanged" in done.stdout
    assert "Searchable: 4 files" in done.stdout
    (wordy.root / "shop/shop/money.py").unlink()
    told = json.loads(wordy.run("index", "shop", "--json").stdout)
    assert (told["read"], told["dropped"], told["unchanged"], told["files"]) == (0, 1, 3, 3)


def test_an_index_is_checked_against_the_files_and_not_changed_by_it(wordy):
    folder = json.loads(wordy.run("index", "shop", "--json").stdout)["folder"]
    assert wordy.run("index", "shop", "--check").stdout == "The index says what the files say.\n"
    (wordy.root / "shop/shop/money.py").write_text("def refund():\n    pass\n")
    for _ in range(2):
        checked = wordy.run("index", "shop", "--check")
        assert checked.returncode == 1
        assert "shop/money.py" in checked.stdout
    assert wordy.run("index", "shop").returncode == 0
    assert wordy.run("index", "shop", "--check", "--json").stdout == '{\n  "ok": true,\n  "wrong": []\n}\n'
    assert folder.startswith(str(wordy.root))


def test_a_lost_index_is_made_again(wordy):
    folder = json.loads(wordy.run("index", "shop", "--json").stdout)["folder"]
    shutil.rmtree(folder)
    assert "Read 4 files" in wordy.run("index", "shop").stdout


@pytest.mark.parametrize(("name", "code"), [("nothing", 2), ("shop/README.md", 2)])
def test_what_is_no_folder_is_refused_in_a_sentence(wordy, name, code):
    done = wordy.run("index", name)
    assert done.returncode == code
    assert name in done.stderr
    assert "Traceback" not in done.stderr


def test_an_empty_folder_is_told(wordy):
    (wordy.root / "empty").mkdir()
    done = wordy.run("index", "empty")
    assert done.returncode == 0
    assert "holds no file that is indexed" in done.stderr


def test_the_report_names_what_was_left_out():
    report = Report(
        read=1200, dropped=2, unchanged=3, seconds=4.0, left_out=Counter({"binary": 7, "secret": 9})
    )
    status = IndexStatus("/r", files=1203, chunks=5000, embedded=0, definitions=4000, embedder="", unsaved=0)
    first, second, third = sentences_of(report, status)
    assert first == "Read 1,200 files, dropped 2, 3 unchanged (4.0 s, 300 files a second)."
    assert second == "Searchable: 1,203 files, 5,000 pieces, 4,000 definitions, 0 of the pieces by meaning."
    assert third == "Left out: 9 secret, 7 binary."
