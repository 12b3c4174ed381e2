"""Summaries by the tiny model: streamed, cancelled, cached, from the leaves up."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from completion.background import Background
from completion.loading import LoadedModel
from completion.summaries.cache import SummaryCache
from completion.summaries.levels import Budget, Level, Subject
from completion.summaries.summarizer import Summarizer, write_text
from tests.steps import run, run_some


@pytest.fixture
def work(tiny: LoadedModel) -> Background:
    return Background(tiny, step_tokens=64, budget_bytes=1 << 30, stop_ids=tiny.codec.special_ids)


def leaf(name: str, lines: int = 2) -> Subject:
    return Subject(Level.FUNCTION, name, "python", own=f"def {name}(a):\n" + "    a += 1\n" * lines)


BRANCH = Subject(Level.CLASS, "C", "python", own="class C:", parts=(leaf("f"), leaf("g")))


def test_what_is_streamed_grows_into_what_is_returned(work: Background) -> None:
    seen: list[str] = []
    prompt = work.codec.encode("def parse(self):")
    text = run(write_text(work, prompt, 12, seen.append))
    assert text
    assert all(later.startswith(earlier) for earlier, later in pairwise(seen))
    assert text.startswith(seen[-1])


def test_text_is_what_the_background_writes(work: Background) -> None:
    prompt = work.codec.encode("def parse(self):")
    with work.store(60) as store:
        ids = run(work.write(store, prompt, 8))
    whole = b"".join(map(work.codec.bytes_of, ids)).decode(errors="replace")
    assert whole.startswith(run(write_text(work, prompt, 8)).rstrip("\ufffd"))


@pytest.mark.parametrize("steps", [1, 3, 9])
def test_a_cancelled_summary_leaves_nothing_and_an_equal_one_is_equal(
    work: Background, tmp_path: Path, steps: int
) -> None:
    writer = Summarizer("tiny")
    whole = run(writer.summarize(leaf("f"), work))
    cached = replace(writer, cache=SummaryCache(tmp_path / "cache"))
    run_some(cached.summarize(leaf("f"), work), steps)
    assert work.nbytes == 0
    assert not (tmp_path / "cache").exists()
    assert run(cached.summarize(leaf("f"), work)) == whole


def test_an_equal_request_costs_no_token_and_a_changed_one_does(work: Background, tmp_path: Path) -> None:
    writer = Summarizer("tiny", SummaryCache(tmp_path))
    first = run(writer.summarize(BRANCH, work))
    before, seen = work.encoded, list[str]()
    assert run(writer.summarize(BRANCH, work, seen.append)) == first
    assert (work.encoded, seen) == (before, [first.text])
    other = run(writer.summarize(replace(BRANCH, own="class C(D):"), work))
    assert work.encoded > before
    assert other.digest != first.digest
    assert run(replace(writer, model="other").summarize(BRANCH, work)).digest != first.digest


def test_a_part_that_changes_makes_the_whole_stale(work: Background, tmp_path: Path) -> None:
    writer = Summarizer("tiny", SummaryCache(tmp_path))
    first = run(writer.summarize(BRANCH, work))
    known = replace(leaf("f"), known="Adds one.")
    assert run(writer.summarize(replace(BRANCH, parts=(known, leaf("g"))), work)).digest != first.digest


def test_more_parts_than_fit_are_reduced_in_groups(work: Background, tmp_path: Path) -> None:
    parts = tuple(replace(leaf(f"f{number}"), known=f"Adds {number} to it. " * 4) for number in range(12))
    budget = Budget(own=60, context=80, examples=0)
    writer = Summarizer("tiny", SummaryCache(tmp_path), budget)
    whole = Subject(Level.REPOSITORY, "shop", "", parts=parts)
    made = run(writer.summarize(whole, work))
    assert made.level == "repository"
    assert len(list(tmp_path.iterdir())) > 2
    assert work.nbytes == 0
