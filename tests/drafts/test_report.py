"""The counts of a request's drafts."""

import pytest

from drafts.draft import ROOT, Draft, Verdict
from drafts.report import DraftReport, Tally


def test_counts_by_drafter_and_position() -> None:
    tally = Tally(draft_s=0.001, verify_s=0.02)
    chain = Draft.chain("suffix", [5, 6, 7])
    tally.count(Verdict(chain, (0, 1), 9))
    tally.count(Verdict(chain, (0, 1, 2), 9))
    tally.count(Verdict(Draft.chain("model", [5]), (), 4))
    tally.count(Verdict(Draft(""), (), 4))
    report = tally.report()
    assert (report.passes, report.output) == (4, 3 + 4 + 1 + 1)
    assert report.block_efficiency == pytest.approx(9 / 4)
    assert (report.drafted, report.accepted) == (7, 5)
    assert (report.draft_ms, report.verify_ms) == (pytest.approx(1), pytest.approx(20))
    suffix, model = report.drafters
    assert (suffix.drafter, suffix.drafted, suffix.accepted) == ("suffix", 6, 5)
    assert (suffix.recovered, suffix.bonus) == (1, 1)
    assert (suffix.drafted_at, suffix.accepted_at) == ((2, 2, 2), (2, 2, 1))
    assert (model.recovered, model.bonus, model.accepted_at) == (1, 0, (0,))


def test_a_position_is_a_depth() -> None:
    tree = Draft("d", (1, 2, 3, 4), (ROOT, ROOT, 1, 2), (1.0,) * 4)
    tally = Tally()
    tally.count(Verdict(tree, (1, 2), 9))
    assert tally.report().drafters[0].drafted_at == (2, 1, 1)
    assert tally.report().drafters[0].accepted_at == (1, 1, 0)


def test_nothing_was_drafted() -> None:
    assert Tally().report() == DraftReport()
    assert DraftReport().block_efficiency == 0
