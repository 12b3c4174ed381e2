"""The figures of the benchmark are those of their libraries."""

import pytest

from benchmarks.summaries import misses, scores


def test_equal_texts_have_every_point_and_unlike_ones_none() -> None:
    said = ["Reads the whole file into memory ."]
    best, worst = scores(said, said), scores(["zzz"], said)
    assert (best["BLEU-4"], best["ROUGE-L"]) == (100.0, 100.0)
    assert best["METEOR"] > 99
    assert worst["METEOR"] == worst["ROUGE-L"] == 0.0


@pytest.mark.parametrize(("few", "count"), [(2.0, 0), (0.5, 2)])
def test_a_missed_expectation_is_told(few: float, count: int) -> None:
    ways = [
        ("mce", "skeleton", 1.0),
        ("mce", "function", 1.0),
        ("mcsn", "few-shot", few),
        ("mcsn", "zero-shot", 1.0),
        ("repository", "2,000 tokens", 1.0),
        ("repository", "none", 1.0),
    ]
    rows = [{"set": data, "shown": shown, "BLEU-4": each, "METEOR": each} for data, shown, each in ways]
    assert len(list(misses(rows))) == count
