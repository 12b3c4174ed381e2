"""``splice complete``: with a running server, without one, and with every wrong argument."""

import json
from pathlib import Path

import pytest

CODE = "def fibonacci(n):\r\n    é = '🙂'; \n    return n\n"


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("code") / "a b:c.py"
    path.write_bytes(CODE.encode())
    return path


def test_server_and_no_server_answer_the_same(shared, home, code: Path):
    place = f"{code}:2:13"
    running = shared.home.run("complete", place, "--json")
    assert running.returncode == 0, running.stderr
    assert "No server" not in running.stderr
    alone = home.run("complete", place, "--json")
    assert alone.returncode == 0, alone.stderr
    assert "No server is running" in alone.stderr
    answers = [json.loads(result.stdout) for result in (running, alone)]
    assert answers[0]["text"] == answers[1]["text"]
    assert answers[0]["trace"].keys() == answers[1]["trace"].keys()
    assert answers[0]["trace"]["reuse"] == answers[1]["trace"]["reuse"]
    assert (answers[0]["line"], answers[0]["column"]) == (2, 13)


def test_the_text_alone_is_printed(shared, code: Path):
    place = f"{code}:3:13"
    plain = shared.home.run("complete", place)
    found = json.loads(shared.home.run("complete", place, "--json").stdout)
    assert plain.stdout == found["text"] + "\n"


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ("{code}", "PATH:LINE:COLUMN"),
        ("{code}:0:1", "count from 1"),
        ("{code}:9:1", "there is no line 9"),
        ("{code}:2:99", "ends at column 14"),
        ("{folder}/none.py:1:1", "No such file"),
        ("{folder}:1:1", "Is a directory"),
        ("{binary}:1:1", "not a text file"),
    ],
)
def test_a_wrong_place_is_one_sentence(home, code: Path, tmp_path: Path, place: str, sentence: str):
    binary = tmp_path / "binary"
    binary.write_bytes(b"\x7fELF\0\xff")
    result = home.run("complete", place.format(code=code, folder=code.parent, binary=binary))
    assert result.returncode == 2
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


def test_every_reuse_gives_the_same_text_and_is_exact(shared, home, code: Path):
    place = f"{code}:3:13"
    for one in (shared.home, home):
        found = [
            json.loads(one.run("complete", place, "--json", "--reuse", reuse).stdout)
            for reuse in ("auto", "exact", "recompute")
        ]
        assert len({answer["text"] for answer in found}) == 1
        assert [answer["trace"]["reuse"]["exact"] for answer in found] == [True] * 3


def test_a_reuse_nobody_knows_is_one_sentence(shared, code: Path):
    result = shared.home.run("complete", f"{code}:1:1", "--reuse", "sometimes")
    assert result.returncode == 2
    assert "completion.reuse" in result.stderr
    assert "recompute" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_model_nobody_knows_is_one_sentence(home, code: Path):
    result = home.run("complete", f"{code}:1:1", "--model", "no-such-model")
    assert result.returncode in {2, 3}
    assert "no-such-model" in result.stderr
    assert "Traceback" not in result.stderr
