"""Findings survive a run that is broken off."""

from pathlib import Path

import pytest

from benchmarks.infills import END, Answer
from benchmarks.kept import Judged, Kept, OtherTerms, Read

TERMS = {"model": "m", "seed": 7}
JUDGED = Judged("T/1", Answer((1, END), "x", (((1, 0.5), (2, 0.25)),)), passed=True, reason="", exact=False)
READ = Read("a.py", 10, 4.5)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    kept = Kept(tmp_path / "new" / "int8.jsonl", TERMS)
    kept.add(JUDGED)
    kept.add(READ)
    return tmp_path / "new" / "int8.jsonl"


def test_they_come_back_as_they_were(file: Path) -> None:
    kept = Kept(file, TERMS)
    assert (kept.judged, kept.read) == ({"T/1": JUDGED}, {"a.py": READ})


def test_a_broken_line_is_dropped(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-5])
    kept = Kept(file, TERMS)
    assert (kept.judged, kept.read) == ({"T/1": JUDGED}, {})
    kept.add(READ)
    assert Kept(file, TERMS).read == {"a.py": READ}


def test_a_file_without_a_whole_line_begins_anew(file: Path) -> None:
    file.write_bytes(b'{"mod')
    Kept(file, TERMS).add(READ)
    assert Kept(file, TERMS).read == {"a.py": READ}


@pytest.mark.parametrize("terms", [{**TERMS, "seed": 8}, {"model": "m"}, {**TERMS, "more": 1}])
def test_other_terms_are_refused(file: Path, terms: dict[str, str | int]) -> None:
    before = file.read_bytes()
    with pytest.raises(OtherTerms, match=r"int8\.jsonl"):
        Kept(file, terms)
    assert file.read_bytes() == before


def test_without_a_file_they_are_kept_in_memory() -> None:
    kept = Kept(None, TERMS)
    kept.add(READ)
    assert kept.read == {"a.py": READ}
