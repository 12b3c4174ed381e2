"""Comparing answers, on the tiny model: the reference agrees with itself, an approximation less."""

import argparse
import inspect

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.agreement import FORCED, Answer, Judge, agreement, similarity
from completion.loading import LoadedModel
from completion.prompt import Cut, Prompt, PromptBuilder
from kvcache.plan import plan_exact, plan_reuse
from kvcache.repair import Budget, repaired

PREFIX = inspect.getsource(argparse)[3_000:4_200]
EDITED = PREFIX.replace("\n", "\n# A line that nobody has seen before.\n", 1)


@pytest.fixture(scope="module")
def judge(tiny: LoadedModel) -> Judge:
    return Judge(tiny)


@pytest.fixture(scope="module")
def builder(tiny: LoadedModel) -> PromptBuilder:
    return PromptBuilder(tiny.codec, tiny.family, 2_000)


def ask(builder: PromptBuilder, prefix: str, tail: str = "    def _get") -> Prompt:
    return builder.build(Cut(prefix, "\n        return None\n", tail))


def full(judge: Judge, prompt: Prompt) -> Answer:
    store = judge.cold(prompt.tokens)
    return judge.answer(store, plan_exact(store.tokens, prompt.tokens, exact=store.exact), prompt)


def test_the_reference_agrees_with_itself_fully(judge: Judge, builder: PromptBuilder) -> None:
    prompt = ask(builder, PREFIX)
    reference = full(judge, prompt)
    itself = agreement(reference, reference)
    assert (itself.first, itself.line, itself.divergence) == (True, True, 0.0)
    store = judge.cold(prompt.tokens)
    plan = plan_exact(store.tokens, prompt.tokens, exact=store.exact)
    again = judge.answer(store, plan, prompt, reference)
    assert torch.equal(again.logits, reference.logits)
    assert again.line == reference.line
    assert again.text == reference.text


def test_an_answer_tells_what_it_cost_and_leaves_the_prompt_alone(
    judge: Judge, builder: PromptBuilder
) -> None:
    before, after = ask(builder, PREFIX), ask(builder, EDITED)
    store = judge.cold(before.tokens)
    plan = plan_reuse(store.tokens, after.tokens)
    answer = judge.answer(store, plan, after, full(judge, after))
    assert store.tokens == after.tokens
    assert not store.missing
    assert answer.encoded == plan.cost < len(after.ids) / 2
    assert answer.ms > 0
    store.audit()


def test_what_moved_is_approximate_until_it_is_refreshed(judge: Judge, builder: PromptBuilder) -> None:
    before, after = ask(builder, PREFIX), ask(builder, EDITED)
    reference = full(judge, after)
    store = judge.cold(before.tokens)
    moved = agreement(
        judge.answer(store, plan_reuse(store.tokens, after.tokens), after, reference), reference
    )
    assert moved.divergence > 1e-4
    stale = len(store) - store.exact
    assert judge.refresh(store) == stale > 0
    assert store.exact == len(after.ids)
    assert judge.refresh(store) == 0
    again = judge.answer(store, plan_exact(store.tokens, after.tokens, exact=store.exact), after, reference)
    exact = agreement(again, reference)
    assert exact.first
    assert exact.line
    assert exact.divergence < 1e-6


@pytest.mark.parametrize("tail", ["    def _get", "    return ", "x", "    if value:\n        "])
def test_the_line_is_the_one_that_decoding_from_this_store_gives(
    judge: Judge, builder: PromptBuilder, tail: str
) -> None:
    """Forced logits spare the decoding of what is equal; they must not change the line."""
    before, after = ask(builder, PREFIX, tail), ask(builder, EDITED, tail)
    base, reference = judge.cold(before.tokens), full(judge, after)
    plan = plan_reuse(base.tokens, after.tokens)
    alone = judge.answer(base.copy(), plan, after)
    compared = judge.answer(base.copy(), plan, after, reference)
    assert compared.line == alone.line
    assert compared.text == alone.text


def test_repair_helps(judge: Judge, builder: PromptBuilder) -> None:
    before, after = ask(builder, PREFIX), ask(builder, EDITED)
    reference = full(judge, after)
    found: list[float] = []
    for budget in (0, 1_000):
        store = judge.cold(before.tokens)
        plan = repaired(plan_reuse(store.tokens, after.tokens), Budget(budget))
        found.append(agreement(judge.answer(store, plan, after, reference), reference).divergence)
    assert found[0] > found[1]


def test_the_answer_spells_the_half_word_and_the_text_leaves_it_out(
    judge: Judge, builder: PromptBuilder, tiny: LoadedModel
) -> None:
    prompt = ask(builder, PREFIX)
    assert prompt.piece
    reference = full(judge, prompt)
    spelled = b"".join(tiny.codec.bytes_of(token) for token in reference.line)
    assert spelled.startswith(prompt.piece)
    assert reference.text in spelled[len(prompt.piece) :].decode("utf-8", "replace")
    assert "\n" not in reference.text


def test_a_line_ends_with_the_token_that_ends_it(
    judge: Judge, builder: PromptBuilder, tiny: LoadedModel
) -> None:
    """Line ends in front of all text do not count; a special token ends it too."""
    answers = [
        full(judge, ask(builder, PREFIX, f"    def {name}(")) for name in ("a", "_get", "run", "parse")
    ]
    ended = 0
    for each in answers:
        spelled = [tiny.codec.bytes_of(token) for token in each.line]
        assert each.line == each.continuation[: len(each.line)]
        assert b"\n" not in b"".join(spelled[:-1]).lstrip(b"\n")
        ends = b"\n" in b"".join(spelled).lstrip(b"\n") or each.line[-1] in tiny.codec.special_ids
        assert ends or each.line == each.continuation
        ended += ends
    assert ended


def test_distributions_are_those_of_a_cold_computation_along_the_continuation(
    judge: Judge, builder: PromptBuilder, tiny: LoadedModel
) -> None:
    """Row ``i`` is what the model says behind the prompt and ``i`` tokens of the continuation."""
    prompt = ask(builder, PREFIX)
    reference = full(judge, prompt)
    assert len(reference.continuation) >= FORCED
    assert reference.logits.shape == (len(reference.continuation), len(tiny.codec))
    ids = torch.tensor([prompt.ids + reference.continuation[:-1]])
    causal = torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool).tril()[None, None]
    with torch.inference_mode():
        whole = tiny.model(input_ids=ids, attention_mask=causal, use_cache=False).logits[0]
    out = whole[len(prompt.ids) - 1 :]
    assert torch.allclose(out, reference.logits, atol=1e-4)


def answer(line: tuple[int, ...], logits: list[list[float]]) -> Answer:
    return Answer(line, "", torch.tensor(logits), (0,) * len(logits), 1, 1.0)


def test_divergence_is_that_of_kullback_and_leibler() -> None:
    truth = answer((1, 2), [[0.0, 0.0], [0.0, 0.0]])
    other = answer((1, 3), [[0.0, 0.0], [torch.tensor(3.0).log().item(), 0.0]])
    found = agreement(other, truth)
    # 0.5 log(0.5 / 0.75) + 0.5 log(0.5 / 0.25), over two tokens
    assert found.divergence == pytest.approx(0.5 * torch.tensor(4 / 3).log().item() / 2)
    assert (found.first, found.line) == (True, False)


def test_an_empty_line_is_never_right_at_first() -> None:
    assert not agreement(answer((), [[0.0, 1.0]]), answer((), [[0.0, 1.0]])).first


@pytest.mark.parametrize(
    ("left", "right", "value"),
    [
        ("", "", 1.0),
        ("abc", "abc", 1.0),
        ("abc", "", 0.0),
        ("abc", "xyz", 0.0),
        ("kitten", "sitting", 1 - 3 / 7),
        ("flaw", "lawn", 0.5),
        ("ab", "ba", 0.0),
    ],
)
def test_similarity_of_known_pairs(left: str, right: str, value: float) -> None:
    assert similarity(left, right) == pytest.approx(value)


def distance(left: str, right: str) -> int:
    """The definition, word for word."""
    if not left or not right:
        return len(left) + len(right)
    return min(
        distance(left[1:], right) + 1,
        distance(left, right[1:]) + 1,
        distance(left[1:], right[1:]) + (left[0] != right[0]),
    )


@given(st.text("ab", max_size=5), st.text("ab", max_size=5))
def test_similarity_is_edit_distance_over_length(left: str, right: str) -> None:
    longest = max(len(left), len(right))
    assert similarity(left, right) == pytest.approx(1 - distance(left, right) / longest if longest else 1)
