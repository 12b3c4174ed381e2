"""The protocol is narrow enough that a few lines fulfil it."""

from completion.summaries.sources import Neighbourhood, SummaryIndex
from tests.completion.summaries.test_subjects import Index


def test_an_index_fits() -> None:
    index: SummaryIndex = Index()
    beside: Neighbourhood = index.neighbours("shop.py")
    assert list(beside.imports) == ["tax.py"]
