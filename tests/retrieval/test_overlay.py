"""Unsaved buffers by path."""

import threading
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.overlay import Overlay, coverage, symbols_in
from retrieval.reading import read
from retrieval.syntax import SyntaxReader

PATHS = st.sampled_from(["a.py", "b/c.py", "d.py"])
STEPS = st.lists(st.tuples(st.sampled_from(["put", "forget"]), PATHS, st.integers(0, 5)), max_size=20)


@cache
def said(number: int):
    return read(f"def f{number}():\n    return zebra_{number}\n", "python", SyntaxReader())


@settings(deadline=None)
@given(STEPS)
def test_it_is_a_mapping_of_the_last_texts(steps):
    overlay, expected = Overlay(), dict[str, int]()
    for step, path, number in steps:
        before, kept = overlay.view(), dict(overlay.view())
        if step == "put":
            overlay.put(path, *said(number))
            expected[path] = number
        else:
            overlay.forget(path)
            expected.pop(path, None)
        assert dict(before) == kept
        assert {name: each.outline for name, each in overlay.view().items()} == {
            name: said(number)[0] for name, number in expected.items()
        }


def test_a_buffer_knows_the_terms_of_its_pieces():
    overlay = Overlay()
    overlay.put("a.py", *said(3))
    buffer = overlay.view()["a.py"]
    assert len(buffer.words) == len(buffer.chunks) == 1
    assert {"zebra_3", "zebra", "f3"} <= buffer.words[0]


def test_symbols_come_by_path_and_line():
    overlay = Overlay()
    overlay.put("b.py", *read("def one():\n    pass\n\ndef two():\n    pass\n", "python", SyntaxReader()))
    overlay.put("a.py", *said(1))
    told = [(hit.path, hit.language, hit.definition.name) for hit in symbols_in(overlay.view())]
    assert told == [("a.py", "python", "f1"), ("b.py", "python", "one"), ("b.py", "python", "two")]


def test_writers_at_once_lose_nothing():
    overlay, text = Overlay(), said(1)
    names = [[f"{writer}/{number}.py" for number in range(300)] for writer in range(4)]
    threads = [
        threading.Thread(target=lambda mine=mine: [overlay.put(name, *text) for name in mine])
        for mine in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert overlay.view().keys() == {name for mine in names for name in mine}


WORDS = st.frozensets(st.sampled_from("abcdefgh"))


@given(WORDS, WORDS)
def test_coverage_is_the_share_of_the_query(wanted, words):
    share = coverage(wanted, words)
    assert 0.0 <= share <= 1.0
    assert (share == 1.0) == (bool(wanted) and wanted <= words)
    assert (share == 0.0) == (not wanted & words)
    assert coverage(wanted, words | wanted) == (1.0 if wanted else 0.0)
