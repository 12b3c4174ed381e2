"""The ledger of a resumed run is that of the run."""

from drafts.card import Measured
from drafts.train.ledger import Ledger


def test_a_row_has_the_mean_since_the_row_before() -> None:
    ledger = Ledger()
    assert (ledger.recent, ledger.measured) == (None, ())
    ledger.close(0, "a", [Measured(1.0, 0.5, (1.0, 1.0))])
    ledger.add(2.0)
    ledger.add(4.0)
    assert ledger.recent == 3.0
    ledger.close(2, "a")
    assert [(row.step, row.loss) for row in ledger.rows] == [(0, None), (2, 3.0)]
    assert ledger.measured == (Measured(1.0, 0.5, (1.0, 1.0)),)


def test_a_ledger_goes_on_where_it_was_kept() -> None:
    one, other = Ledger(), Ledger()
    one.close(0, "a")
    one.add(2.0)
    other.restore(one.state())
    for ledger in (one, other):
        ledger.add(5.0)
        ledger.close(2, "b")
    assert one.rows == other.rows
