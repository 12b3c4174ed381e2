"""Greedy choice and choice by chance, with and without a restriction."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from completion.records import CompletionRequest
from completion.sampling import greedy, sampler_for
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


def test_a_greedy_request_has_no_sampler() -> None:
    assert sampler_for(CompletionRequest("", 0, top_p=0.5, seed=3)) is None


def test_a_seed_makes_the_chance_and_no_seed_another_each_time() -> None:
    def draws(seed: int | None) -> list[float]:
        sampler = sampler_for(CompletionRequest("", 0, temperature=1.0, seed=seed))
        assert sampler is not None
        return torch.rand(4, generator=sampler.generator).tolist()

    before = torch.random.get_rng_state()
    assert draws(5) == draws(5) != draws(6)
    assert draws(None) != draws(None)
    assert torch.equal(torch.random.get_rng_state(), before)


@given(st.integers(0, 10**6), st.data())
def test_a_distribution_knows_allowed_tokens_only(seed: int, data: st.DataObject) -> None:
    """What is left of the model's own shares, as if there were no other tokens; top_p is of these."""
    logits = torch.randn(12, generator=torch.Generator().manual_seed(seed)) * 3
    allowed = data.draw(st.lists(st.integers(0, 11), min_size=1, unique=True))
    sampler = sampler_for(CompletionRequest("", 0, temperature=0.7, top_p=data.draw(st.floats(0.05, 1))))
    assert sampler is not None
    found = sampler.distribution(logits, allowed)
    others = [token for token in range(12) if token not in allowed]
    assert not found[others].any()
    assert found[sorted(allowed)] == pytest.approx(sampler.distribution(logits[sorted(allowed)]), abs=1e-6)
    assert float(found.sum()) == pytest.approx(1.0, abs=1e-5)
