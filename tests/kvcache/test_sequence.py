"""The bookkeeping of a sequence: slots for life, what is exact, and nothing half done."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvcache.errors import AuditError, CacheFull
from kvcache.matching import Match
from kvcache.plan import Plan, plan_cold, plan_reuse
from kvcache.sequence import CachedSequence
from kvcache.spans import Role, Span, TaggedTokens, tagged
from tests.prompts import Parts, documents, edits, histories, roles

CAPACITY = 400


def whole(tokens: TaggedTokens) -> CachedSequence:
    """A sequence that holds ``tokens``, all encoded."""
    sequence = CachedSequence(CAPACITY)
    sequence.apply(plan_cold(TaggedTokens(), tokens))
    sequence.encoded(range(len(tokens)))
    return sequence


@given(documents(), st.data())
def test_encoding_in_order_makes_all_exact(parts: Parts, data: st.DataObject) -> None:
    """After any edit: what is encoded again from the first inexact token on, in its own slot, is exact."""
    sequence = whole(parts.prompt)
    assert sequence.exact == len(parts.prompt)
    for change in data.draw(st.lists(edits(), min_size=1, max_size=3)):
        parts = change(parts)
    plan = plan_reuse(sequence.tokens, parts.prompt)
    sequence.apply(plan)
    assert sequence.exact == plan.unchanged
    sequence.encoded(sequence.missing)
    assert sequence.exact <= sequence.in_place
    sequence.compact()
    while sequence.exact < len(sequence):
        before = sequence.exact
        chunk = range(before, min(before + data.draw(st.integers(1, 9)), len(sequence)))
        sequence.encoded(chunk)
        assert sequence.exact == chunk.stop


@given(documents())
def test_exact_stops_at_the_first_missing_token(parts: Parts) -> None:
    sequence = whole(parts.prompt)
    count = len(sequence)
    sequence.append((1, 2, 3), Role.TAIL)
    sequence.encoded([count + 1, count + 2])
    assert sequence.exact == count
    assert sequence.missing == (count,)
    sequence.encoded([count])
    assert sequence.exact == count + 1


@given(histories(length=8))
def test_a_kept_token_keeps_its_slot(story: list[Parts]) -> None:
    sequence = whole(story[0].prompt)
    for parts in story[1:]:
        before = sequence.table.order
        plan = plan_reuse(sequence.tokens, parts.prompt)
        sequence.apply(plan)
        for run in plan.kept:
            old, new = before[run.old : run.old + run.length], sequence.table.order[run.new :]
            assert new[: run.length] == old
        sequence.encoded(sequence.missing)


@given(documents(), edits())
def test_edit_and_undo_restore_the_slots_of_what_was_kept(parts: Parts, edit: Any) -> None:
    """A token that the edit and its undo keep is in the slot it had before both."""
    sequence = whole(parts.prompt)
    before = sequence.table.order
    there = plan_reuse(sequence.tokens, edit(parts).prompt)
    sequence.apply(there)
    sequence.encoded(sequence.missing)
    back = plan_reuse(sequence.tokens, parts.prompt)
    sequence.apply(back)
    origin = {run.new + at: run.old + at for run in there.kept for at in range(run.length)}
    returned = {
        run.new + at: origin[run.old + at]
        for run in back.kept
        for at in range(run.length)
        if run.old + at in origin
    }
    assert [sequence.table.order[at] for at in returned] == [before[at] for at in returned.values()]
    assert set(returned) >= set(range(min(there.unchanged, back.unchanged)))


def test_undo_of_one_insertion_restores_every_slot() -> None:
    old = Parts(prefix=tuple(range(100, 130)), suffix=tuple(range(200, 230)))
    new = replace(old, prefix=(*old.prefix[:9], 7, *old.prefix[9:]))
    sequence = whole(old.prompt)
    before = sequence.table.order
    sequence.apply(plan_reuse(old.prompt, new.prompt))
    sequence.encoded(sequence.missing)
    moves = sequence.apply(plan_reuse(new.prompt, old.prompt))
    text = [at for at, (_, role) in enumerate(roles(old.prompt)) if role in (Role.PREFIX, Role.SUFFIX)]
    assert [sequence.table.order[at] for at in text] == [before[at] for at in text]
    assert all(move.born == move.wanted for move in moves)


def test_a_plan_for_other_tokens_is_refused_and_changes_nothing() -> None:
    sequence = whole(tagged([(Role.PREFIX, (1, 2, 3))]))
    before = sequence.tokens, sequence.table.order, sequence.exact
    foreign = plan_cold(tagged([(Role.PREFIX, (1, 2))]), tagged([(Role.PREFIX, (4,))]))
    with pytest.raises(ValueError, match="does not fit"):
        sequence.apply(foreign)
    large = tagged([(Role.PREFIX, tuple(range(CAPACITY + 1)))])
    for plan in (plan_cold(sequence.tokens, large), plan_reuse(sequence.tokens, large)):
        with pytest.raises(CacheFull):
            sequence.apply(plan)
    with pytest.raises(CacheFull):
        sequence.append(range(CAPACITY), Role.TAIL)
    assert (sequence.tokens, sequence.table.order, sequence.exact) == before
    sequence.append((9,), Role.TAIL)
    with pytest.raises(ValueError, match="whole"):
        sequence.apply(plan_cold(sequence.tokens, large))


def test_no_room_to_continue_changes_nothing() -> None:
    """A plan that keeps a front takes a short cut; without room it must not have begun."""
    sequence = whole(tagged([(Role.PREFIX, (1, 2, 3))]))
    before = sequence.tokens, sequence.table.order, sequence.exact, sequence.missing
    wanted = tagged([(Role.PREFIX, (1, 2)), (Role.TAIL, tuple(range(CAPACITY)))])
    with pytest.raises(CacheFull):
        sequence.apply(Plan(wanted, 3, (Match(0, 0, 2),)))
    assert (sequence.tokens, sequence.table.order, sequence.exact, sequence.missing) == before


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("_born", [0]),
        ("_exact", 5),
        ("_exact", -1),
        ("_missing", {7}),
        ("_missing", {0}),
        ("_spans", [Span(Role.PREFIX, 0, 1), Span(Role.TAIL, 2, 3)]),
        ("_ids", [1, 2, 4]),
    ],
)
def test_the_audit_sees_what_disagrees(name: str, value: Any) -> None:
    sequence = whole(tagged([(Role.PREFIX, (1, 2, 3))]))
    assert sequence.tokens.ids == (1, 2, 3)
    vars(sequence)[name] = value  # breaking it is the point
    with pytest.raises(AuditError):
        sequence.audit()
