"""Counts of a report tile the prompt."""

from kvcache.report import ReuseReport


def test_counts_tile_the_prompt() -> None:
    report = ReuseReport(kept=10, shifted=3, computed=2, repaired=1)
    assert report.prompt == 15
    assert report.exact
    assert not ReuseReport(kept=1, shifted=5, stale=2).exact
