"""The routes of the index: what they refuse, and what a result says."""

from pathlib import Path

import pytest

from assistant.web.search import snippet_of
from retrieval.records import Lines, Snippet


@pytest.mark.parametrize(
    "query",
    [
        {"q": ""},
        {},
        {"q": "x" * 20_001},
        {"q": "x", "k": "0"},
        {"q": "x", "k": "101"},
        {"q": "x", "k": "-1"},
        {"q": "x", "k": "ten"},
    ],
)
async def test_a_query_out_of_bounds_is_refused_in_a_sentence(http, query):
    answer = await http.get("/search", params=query)
    assert answer.status_code == 400
    assert "1 to" in answer.json()["error"]["message"]


async def test_a_server_without_workspaces_says_so(http):
    assert (await http.get("/workspaces")).json() == {"workspaces": []}
    answer = await http.get("/search", params={"q": "x"})
    assert answer.status_code == 404
    assert answer.json()["error"]["message"] == "Nothing is indexed here."


def test_a_result_tells_its_lines_from_zero():
    snippet = Snippet("a.py", "python", "function", "f", Lines(4, 9), "text", score=0.5, parts={"dense": 0.5})
    told = snippet_of(Path("/r"), snippet)
    assert (told["root"], told["path"], told["start"], told["end"]) == ("/r", "a.py", 4, 9)
    assert "lines" not in told
