"""Greedy choice, with and without a restriction."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from completion.sampling import greedy
from tests.completion.tape import Traffic


def test_the_likeliest_wins_and_of_equals_the_lowest_id() -> None:
    assert greedy(torch.tensor([0.0, 2.0, 2.0, 1.0])) == 1


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=12), st.data())
def test_only_allowed_tokens_are_chosen(logits: list[int], data: st.DataObject) -> None:
    allowed = data.draw(st.sets(st.integers(0, len(logits) - 1), min_size=1))
    chosen = greedy(torch.tensor(logits, dtype=torch.float32), list(allowed))
    assert chosen == min(allowed, key=lambda token: (-logits[token], token))


def test_a_choice_reads_one_number() -> None:
    """On a GPU each would be waited for; the logits stay there."""
    for allowed, brought in ((None, 0), ([2, 0], 1)):
        with Traffic() as traffic:
            assert greedy(torch.arange(4.0), allowed) == (3 if allowed is None else 2)
        assert (traffic.brought, traffic.read) == (brought, 1)
