"""Trees of guesses against sets of paths, which know nothing of nodes and their order."""

import math

from hypothesis import given
from hypothesis import strategies as st

from drafts.draft import ROOT, Draft, Verdict
from drafts.trees import ancestry, cumulative, depths, merge, prune, rooted, rooted_path

CHANCES = (0.125, 0.25, 0.5, 0.75, 1.0)
"""Their products are exact."""

Paths = dict[tuple[int, ...], float]


@st.composite
def trees(draw: st.DrawFn, most: int = 10) -> Draft:
    """Any tree whose siblings differ."""
    tokens: list[int] = []
    parents: list[int] = []
    for node in range(draw(st.integers(0, most))):
        parent = draw(st.integers(ROOT, node - 1))
        taken = {token for token, other in zip(tokens, parents, strict=True) if other == parent}
        tokens.append(draw(st.integers(0, 30).filter(lambda token, taken=taken: token not in taken)))
        parents.append(parent)
    chances = draw(st.lists(st.sampled_from(CHANCES), min_size=len(tokens), max_size=len(tokens)))
    return Draft(draw(st.sampled_from("abc")), tuple(tokens), tuple(parents), tuple(chances))


def path(draft: Draft, node: int) -> tuple[int, ...]:
    """The tokens from the latest one's child to ``node``."""
    return () if node == ROOT else (*path(draft, draft.parents[node]), draft.tokens[node])


def own_chances(draft: Draft) -> Paths:
    return {path(draft, node): draft.chances[node] for node in range(len(draft))}


def product(chances: Paths, which: tuple[int, ...]) -> float:
    return math.prod(chances[which[: length + 1]] for length in range(len(which)))


def check(draft: Draft) -> None:
    """It is a draft: parents in front of their children, siblings differ."""
    assert len(draft.tokens) == len(draft.parents) == len(draft.chances) == len(own_chances(draft))
    assert all(ROOT <= parent < node for node, parent in enumerate(draft.parents))


@given(trees())
def test_depth_chance_and_ancestry_are_those_of_the_paths(draft: Draft) -> None:
    paths = [path(draft, node) for node in range(len(draft))]
    chances = own_chances(draft)
    assert list(depths(draft)) == [len(each) - 1 for each in paths]
    assert list(cumulative(draft)) == [product(chances, each) for each in paths]
    assert [list(row) for row in ancestry(draft)] == [
        [mine[: len(other)] == other for other in paths] for mine in paths
    ]


@given(st.lists(trees(), max_size=4), st.integers(0, 12))
def test_a_merged_tree_holds_the_best_paths_of_all(drafts: list[Draft], most: int) -> None:
    merged = merge(drafts, most)
    check(merged)
    all_paths: Paths = {}
    for draft in drafts:
        for each, chance in own_chances(draft).items():
            all_paths[each] = max(chance, all_paths.get(each, 0.0))
    kept = own_chances(merged)
    assert len(kept) == min(most, len(all_paths))
    assert all(all_paths[each] == chance for each, chance in kept.items())
    got = [product(all_paths, each) for each in kept]
    best = sorted((product(all_paths, each) for each in all_paths), reverse=True)
    assert list(cumulative(merged)) == got == best[:most]


@given(trees(), st.integers(-1, 12))
def test_pruning_keeps_the_best_nodes_in_their_order(draft: Draft, most: int) -> None:
    pruned = prune(draft, most)
    check(pruned)
    chances, order = own_chances(draft), list(own_chances(draft))
    kept = list(own_chances(pruned))
    assert kept == [each for each in order if each in set(kept)]
    assert len(kept) == min(max(most, 0), len(draft))
    gone = [product(chances, each) for each in order if each not in set(kept)]
    assert not gone or not kept or max(gone) <= min(product(chances, each) for each in kept)
    assert pruned.drafter == draft.drafter


@given(st.lists(st.integers(0, 9), max_size=6), st.integers(0, 8))
def test_a_chain_stays_a_chain(tokens: list[int], most: int) -> None:
    draft = Draft.chain("d", tokens)
    assert merge([draft], most) == prune(draft, most) == Draft.chain("d" * bool(tokens), tokens[:most]) or (
        not tokens and len(merge([draft], most)) == 0
    )


def test_drafts_that_agree_share_their_nodes() -> None:
    first = Draft.chain("typed", [1, 2, 3], [0.9, 0.5, 0.5])
    second = Draft.chain("suffix", [1, 2, 4], [0.8, 0.75, 0.25])
    assert merge([first, second], 9) == Draft(
        "typed+suffix", (1, 2, 3, 4), (ROOT, 0, 1, 1), (0.9, 0.75, 0.5, 0.25)
    )


def test_of_equal_chances_the_first_draft_comes_first() -> None:
    merged = merge([Draft.chain("a", [1, 2]), Draft.chain("b", [3, 4])], 3)
    assert (merged.tokens, merged.parents) == ((1, 2, 3), (ROOT, 0, ROOT))


def test_the_rows_of_a_pass_begin_with_the_latest_token() -> None:
    draft = Draft("d", (5, 6, 7), (ROOT, ROOT, 1), (1.0, 1.0, 1.0))
    assert rooted(draft, 9) == ((9, 5, 6, 7), (ROOT, 0, 0, 2))
    assert rooted_path(Verdict(draft, (1, 2), 8)) == (0, 2, 3)
    assert rooted_path(Verdict(draft, (), 8)) == (0,)
