"""Verification: greedily the target's own sequence, by chance the target's own distribution.

The chances are tried with Pearson's chi-square. A test goes red by accident with a chance of at most
1e-4 for one seed; the seeds are fixed, so a test that is green stays green. That it would go red is
shown with rules that are wrong.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from drafts.draft import ROOT, Draft, Verdict
from drafts.verify import judge_greedy, judge_sampled, probabilities
from tests.drafts.test_trees import path, trees

VOCABULARY = 10
FALSE_ALARM = 1e-4
RUNS = 2_000


@given(trees(), st.integers(0, 5), st.integers(1, 31))
def test_any_draft_gives_the_targets_own_sequence(draft: Draft, seed: int, vocabulary: int) -> None:
    """And goes as deep as the draft knows it."""

    def says(tokens: Sequence[int]) -> int:
        return hash((seed, *tokens)) % vocabulary

    def choice(row: int, tokens: Sequence[int]) -> int:
        assert path(draft, row - 1) == tuple(tokens)
        return says(tokens)

    verdict = judge_greedy(draft, choice)
    sequence: list[int] = []
    for _ in verdict.output:
        sequence.append(says(sequence))
    assert list(verdict.output) == sequence
    assert verdict.output not in {path(draft, node) for node in range(len(draft))}
    parents = [draft.parents[node] for node in verdict.accepted]
    assert parents == [ROOT, *verdict.accepted][: len(parents)]


def test_without_a_draft_the_own_token_is_a_bonus() -> None:
    assert judge_greedy(Draft("d"), lambda row, _: 7 + row) == Verdict(Draft("d"), (), 7)


def random_distributions(seed: int, *, sharpness: float = 1.0) -> torch.Tensor:
    """What is said behind no token, and behind each: float32 ``[1 + VOCABULARY, VOCABULARY]``."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(1 + VOCABULARY, VOCABULARY, generator=generator) * sharpness
    return probabilities(logits)


TARGET, GUESSED = random_distributions(1, sharpness=0.7), random_distributions(2)


def row_of(tokens: Sequence[int]) -> int:
    return tokens[-1] + 1 if tokens else 0


@dataclass(frozen=True)
class Drawn:
    """A draft and what its nodes were drawn from."""

    draft: Draft
    guesses: tuple[torch.Tensor | None, ...] = ()


def likeliest(front: Sequence[int], shape: Sequence[int]) -> Drawn:
    """A tree of ``shape[d]`` children at depth ``d``, the likeliest guesses, sure to be drafted."""
    return grown(front, shape, lambda q, count: q.topk(count).indices.tolist(), drawn=False)


def by_chance(generator: torch.Generator) -> Callable[[Sequence[int], Sequence[int]], Drawn]:
    """Likewise, drawn without replacement."""

    def draw(q: torch.Tensor, count: int) -> list[int]:
        return torch.multinomial(q, count, generator=generator).tolist()

    return lambda front, shape: grown(front, shape, draw, drawn=True)


def grown(
    front: Sequence[int],
    shape: Sequence[int],
    pick: Callable[[torch.Tensor, int], list[int]],
    *,
    drawn: bool,
) -> Drawn:
    tokens: list[int] = []
    parents: list[int] = []
    guesses: list[torch.Tensor | None] = []
    level = [ROOT]
    for count in shape:
        fresh: list[int] = []
        for parent in level:
            q = GUESSED[row_of(front if parent == ROOT else [tokens[parent]])]
            for token in pick(q, count):
                fresh.append(len(tokens))
                tokens.append(token)
                parents.append(parent)
                guesses.append(q if drawn else None)
        level = fresh
    draft = Draft("d", tuple(tokens), tuple(parents), (1.0,) * len(tokens))
    return Drawn(draft, tuple(guesses))


Judge = Callable[[Drawn, Sequence[int], torch.Generator], Verdict]


def ours(drawn: Drawn, front: Sequence[int], generator: torch.Generator) -> Verdict:
    return judge_sampled(
        drawn.draft, lambda _, tokens: TARGET[row_of([*front, *tokens])], generator, guesses=drawn.guesses
    )


def counts(judge: Judge, shape: Sequence[int], *, drawn: bool, seed: int) -> torch.Tensor:
    """How often which two tokens came out first: ``[VOCABULARY, VOCABULARY]``."""
    generator = torch.Generator().manual_seed(seed)
    propose = by_chance(generator) if drawn else likeliest
    found = torch.zeros(VOCABULARY, VOCABULARY, dtype=torch.float64)
    for _ in range(RUNS):
        output: list[int] = []
        while len(output) < 2:
            output.extend(judge(propose(output, shape), output, generator).output)
        found[output[0], output[1]] += 1
    return found


def alarm(found: torch.Tensor, expected: torch.Tensor) -> float:
    """The chance of counts at least as far from ``expected`` shares by accident (Pearson 1900)."""
    wanted = expected.double().flatten() * found.sum()
    statistic = ((found.flatten() - wanted).square() / wanted).sum()
    freedom = torch.tensor((wanted.numel() - 1) / 2, dtype=torch.float64)
    return float(torch.special.gammaincc(freedom, statistic / 2))


JOINT = TARGET[0, :, None] * TARGET[1:]
"""The chances of two tokens."""

CASES = pytest.mark.parametrize(
    ("shape", "drawn"),
    [((1, 1), False), ((3, 2), False), ((1, 1), True), ((3, 2), True)],
    ids=["sure chain", "sure tree", "drawn chain", "drawn tree"],
)


@CASES
@pytest.mark.parametrize("seed", [3, 4])
def test_the_output_is_distributed_as_the_targets(shape: Sequence[int], drawn: bool, seed: int) -> None:
    found = counts(ours, shape, drawn=drawn, seed=seed)
    assert alarm(found.sum(1), TARGET[0]) > FALSE_ALARM
    assert alarm(found, JOINT) > FALSE_ALARM


def accepts_all(drawn: Drawn, front: Sequence[int], generator: torch.Generator) -> Verdict:
    draft = drawn.draft
    last = len(draft) - 1
    nodes: list[int] = []
    while last != ROOT:
        nodes.insert(0, last)
        last = draft.parents[last]
    return Verdict(draft, tuple(nodes), int(torch.multinomial(TARGET[0], 1, generator=generator)))


def forgets_the_residual(drawn: Drawn, front: Sequence[int], generator: torch.Generator) -> Verdict:
    """Refuses as it should, but then draws from all of the target's distribution."""
    verdict = ours(drawn, front, generator)
    if verdict.is_bonus:
        return verdict
    seen = [*front, *verdict.output[:-1]]
    return replace(verdict, own=int(torch.multinomial(TARGET[row_of(seen)], 1, generator=generator)))


def takes_sure_guesses_for_drawn_ones(
    drawn: Drawn, front: Sequence[int], generator: torch.Generator
) -> Verdict:
    return ours(replace(drawn, guesses=(GUESSED[row_of(front)],)), front, generator)


@CASES
@pytest.mark.parametrize("wrong", [accepts_all, forgets_the_residual])
def test_a_wrong_rule_is_noticed(wrong: Judge, shape: Sequence[int], drawn: bool) -> None:
    assert alarm(counts(wrong, shape, drawn=drawn, seed=3), JOINT) < FALSE_ALARM


def test_sure_guesses_that_are_taken_for_drawn_ones_are_noticed() -> None:
    found = counts(takes_sure_guesses_for_drawn_ones, (1,), drawn=False, seed=3)
    assert alarm(found, JOINT) < FALSE_ALARM


def test_drawn_guesses_may_be_taken_for_sure_ones() -> None:
    """However a guess was found: refusing it by its own chance is right."""

    def judge(drawn: Drawn, front: Sequence[int], generator: torch.Generator) -> Verdict:
        return ours(replace(drawn, guesses=()), front, generator)

    assert alarm(counts(judge, (3, 2), drawn=True, seed=3), JOINT) > FALSE_ALARM


def test_more_is_accepted_the_more_children_there_are() -> None:
    """Else refusing everything would pass for right."""
    generator = torch.Generator().manual_seed(0)

    def share(width: int) -> float:
        propose = by_chance(generator)
        verdicts = [ours(propose((), (width,)), (), generator) for _ in range(1_000)]
        return sum(len(verdict.accepted) for verdict in verdicts) / 1_000

    overlap = float(torch.minimum(TARGET[0], GUESSED[0]).sum())
    assert share(1) == pytest.approx(overlap, abs=0.06)  # Leviathan et al. 2023, corollary 3.6; 4 sigma
    assert share(3) > share(1) + 0.1


def test_what_the_target_never_says_is_never_said() -> None:
    target = torch.zeros(VOCABULARY)
    target[[2, 5]] = torch.tensor([0.5, 0.5])
    generator = torch.Generator().manual_seed(0)
    for _ in range(300):
        drawn = by_chance(generator)((), (4,))
        for guesses in (drawn.guesses, ()):
            verdict = judge_sampled(drawn.draft, lambda *_: target, generator, guesses=guesses)
            assert set(verdict.output) <= {2, 5}


def test_a_draft_that_is_the_target_is_always_accepted() -> None:
    generator = torch.Generator().manual_seed(0)
    q = TARGET[0]
    for _ in range(300):
        draft = Draft.chain("d", [int(torch.multinomial(q, 1, generator=generator))])
        assert judge_sampled(draft, lambda *_: q, generator, guesses=[q]).accepted == (0,)


def test_the_same_seed_gives_the_same_verdict() -> None:
    def run(seed: int) -> list[Verdict]:
        generator = torch.Generator().manual_seed(seed)
        return [ours(likeliest((), (3, 2)), (), generator) for _ in range(20)]

    assert run(1) == run(1) != run(2)


@given(trees(), st.integers(0, 50))
def test_a_sure_target_is_followed_as_greedily(draft: Draft, seed: int) -> None:
    """At temperature 0 sampling is greedy decoding."""
    logits = torch.randn(len(draft) + 1, 31, generator=torch.Generator().manual_seed(seed))
    target = probabilities(logits, temperature=0.0)
    generator = torch.Generator().manual_seed(seed)
    assert judge_sampled(draft, lambda row, _: target[row], generator) == judge_greedy(
        draft, lambda row, _: int(logits[row].argmax())
    )


@given(st.integers(0, 1_000), st.floats(0.05, 1.0), st.floats(0.1, 3.0))
def test_the_nucleus_is_the_fewest_likeliest_tokens(seed: int, top_p: float, temperature: float) -> None:
    logits = torch.randn(3, 12, generator=torch.Generator().manual_seed(seed)) * 2
    found = probabilities(logits, temperature, top_p)
    plain = torch.softmax(logits / temperature, -1)
    assert found.dtype == torch.float32
    assert torch.allclose(found.sum(-1), torch.ones(3))
    for ours, full in zip(found, plain, strict=True):
        kept = ours > 0
        share = float(full[kept].sum())
        assert share >= top_p - 1e-5
        assert share - float(full[kept].min()) < top_p + 1e-5
        assert not (~kept).any() or float(full[kept].min()) >= float(full[~kept].max())
        assert torch.allclose(ours[kept], full[kept] / share, atol=1e-6)


def test_temperature_nought_is_the_first_of_the_likeliest() -> None:
    assert probabilities(torch.tensor([1.0, 3.0, 3.0]), 0.0).tolist() == [0.0, 1.0, 0.0]


@pytest.mark.parametrize(("temperature", "top_p"), [(-1, 1), (float("nan"), 1), (1, 0), (1, 1.5)])
def test_what_is_no_sampling_is_refused(temperature: float, top_p: float) -> None:
    with pytest.raises(ValueError, match="no sampling"):
        probabilities(torch.zeros(3), temperature, top_p)
