"""The words of speculative decoding: drafted, accepted, recovered, bonus, output."""

from drafts.draft import ROOT, Draft, Verdict


def test_a_chain_is_a_tree_of_one_branch() -> None:
    draft = Draft.chain("d", [7, 8, 9])
    assert (draft.parents, draft.chances) == ((ROOT, 0, 1), (1.0, 1.0, 1.0))
    assert draft.is_chain
    assert len(draft) == 3
    assert not Draft("d", (7, 8), (ROOT, ROOT), (0.5, 0.5)).is_chain


def test_nothing_is_a_chain() -> None:
    assert len(Draft("d")) == 0
    assert Draft("d").is_chain


def test_the_output_is_what_was_accepted_and_the_targets_own_token() -> None:
    fork = Draft("d", (7, 8, 9), (ROOT, ROOT, 1), (0.5, 0.4, 0.3))
    assert Verdict(fork, (1, 2), 4).output == (8, 9, 4)
    assert Verdict(fork, (), 4).output == (4,)


def test_a_bonus_comes_where_nothing_was_refused() -> None:
    fork = Draft("d", (7, 8, 9), (ROOT, ROOT, 1), (0.5, 0.4, 0.3))
    assert Verdict(fork, (0,), 4).is_bonus  # a leaf
    assert not Verdict(fork, (1,), 4).is_bonus
    assert not Verdict(fork, (), 4).is_bonus
    assert Verdict(Draft("d"), (), 4).is_bonus
