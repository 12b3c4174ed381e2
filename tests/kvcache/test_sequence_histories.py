"""Everything that can happen to a sequence, in any order, against a list of plain tokens.

The list is the oracle: each token remembers what it was encoded with, so what is exact can be
computed from first sources.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kvcache.branch import Branch
from kvcache.errors import CacheFull
from kvcache.plan import Plan, plan_cold, plan_exact, plan_reuse
from kvcache.sequence import CachedSequence, Move
from kvcache.spans import Role
from tests.branches import parents, path_to, paths
from tests.prompts import Parts, edits, roles

CAPACITY = 120


@dataclass
class Token:
    """What a simple model knows of a cached token."""

    id: int
    role: Role
    slot: int
    born: int = -1
    seen: int | None = None
    """A number for itself and all it was encoded with; None while it is missing."""


def encoding_of(front: tuple[int | None, ...], token: Token) -> int:
    """Equal for equal tokens encoded behind equally encoded tokens."""
    return hash((front, token.id))


@dataclass
class Model:
    """The slow truth: a list, and for each token what it saw."""

    tokens: list[Token] = field(default_factory=list[Token])

    def encode(self, positions: list[int]) -> None:
        for at in positions:
            front = tuple(token.seen for token in self.tokens[:at])
            self.tokens[at].seen = encoding_of(front, self.tokens[at])
            self.tokens[at].born = at

    @property
    def exact(self) -> int:
        """How many tokens at the front are what a cold computation makes of them."""
        cold = Model([replace(token, seen=None) for token in self.tokens])
        cold.encode(list(range(len(cold.tokens))))
        pairs = zip(self.tokens, cold.tokens, strict=True)
        return next(
            (at for at, (ours, truth) in enumerate(pairs) if ours.seen != truth.seen), len(self.tokens)
        )

    @property
    def missing(self) -> list[int]:
        return [at for at, token in enumerate(self.tokens) if token.seen is None]


class Histories(RuleBasedStateMachine):
    """Anything that can happen to a sequence, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.sequence = CachedSequence(CAPACITY)
        self.model = Model()
        self.parts = Parts()
        self.branch: Branch | None = None

    def take_over(self, plan: Plan, moves: list[Move]) -> None:
        """Do to the model what ``plan`` says, and check that ``moves`` are the tokens that moved."""
        old, slots = self.model.tokens, self.sequence.table.order
        kept = {run.new + at: run.old + at for run in plan.kept for at in range(run.length)}
        new: list[Token] = []
        for at, (token, role) in enumerate(roles(plan.wanted)):
            new.append(replace(old[kept[at]]) if at in kept else Token(token, role, slots[at]))
        self.model.tokens = new
        assert moves == [Move(new[at].slot, new[at].born, at) for at, place in kept.items() if at != place]

    @precondition(lambda self: not self.sequence.missing)
    @rule(edits=st.lists(edits(), max_size=2), kind=st.sampled_from(["reuse", "reuse", "exact", "cold"]))
    def edit(self, edits: list[Any], kind: str) -> None:
        for change in edits:
            self.parts = change(self.parts)
        held, wanted = self.sequence.tokens, self.parts.prompt
        makers: dict[str, Callable[[], Plan]] = {
            "reuse": lambda: plan_reuse(held, wanted),
            "exact": lambda: plan_exact(held, wanted, exact=self.sequence.exact),
            "cold": lambda: plan_cold(held, wanted),
        }
        plan = makers[kind]()
        if len(wanted) > self.sequence.table.capacity:
            with pytest.raises(CacheFull):
                self.sequence.apply(plan)
            return
        self.take_over(plan, self.sequence.apply(plan))

    @rule(ids=st.lists(st.integers(0, 9), max_size=6), role=st.sampled_from(tuple(Role)))
    def append(self, ids: list[int], role: Role) -> None:
        start = len(self.sequence)
        if start + len(ids) > self.sequence.table.capacity:
            return
        assert self.sequence.append(ids, role) == range(start, start + len(ids))
        slots = self.sequence.table.order[start:]
        self.model.tokens += [Token(token, role, slot) for token, slot in zip(ids, slots, strict=True)]

    @rule(where=st.floats(0, 1))
    def truncate(self, where: float) -> None:
        length = round(where * len(self.sequence))
        self.sequence.truncate(length)
        del self.model.tokens[length:]

    @rule(share=st.floats(0, 1))
    def encode_what_is_missing(self, share: float) -> None:
        """A forward pass over some of what is missing, from the first on."""
        missing = self.model.missing
        chunk = missing[: round(share * len(missing))]
        self.sequence.encoded(chunk)
        self.model.encode(chunk)

    @precondition(lambda self: not self.sequence.missing)
    @rule(data=st.data())
    def repair(self, data: st.DataObject) -> None:
        """Encode again what is there already, anywhere."""
        count = len(self.sequence)
        chosen = sorted(data.draw(st.sets(st.integers(0, max(0, count - 1)), max_size=min(8, count))))
        self.sequence.encoded(chosen)
        self.model.encode(chosen)

    @rule(data=st.data())
    def drop(self, data: st.DataObject) -> None:
        """A forward pass failed: its tokens go, and all that is missing."""
        count = len(self.sequence)
        chosen = data.draw(st.sets(st.integers(0, max(0, count - 1)), max_size=min(4, count)))
        moves = self.sequence.drop(chosen)
        gone = chosen.union(self.model.missing)
        left = [(at, token) for at, token in enumerate(self.model.tokens) if at not in gone]
        self.model.tokens = [token for _, token in left]
        assert moves == [
            Move(token.slot, token.born, new) for new, (old, token) in enumerate(left) if new != old
        ]

    @precondition(lambda self: not self.sequence.missing)
    @rule(behind=parents(6), data=st.data())
    def guess(self, behind: tuple[int, ...], data: st.DataObject) -> None:
        """Guesses are encoded, which changes nothing; perhaps some are kept, now or later."""
        if len(behind) > self.sequence.table.free:
            return
        self.branch = self.sequence.branch(range(len(behind)), behind, Role.TAIL)
        assert set(self.branch.slots).isdisjoint(self.sequence.table.order)
        with pytest.raises(ValueError, match="Nothing was guessed"):
            self.sequence.keep(())
        self.sequence.guessed(self.branch)
        if data.draw(st.booleans()):
            self.keep(data)

    @precondition(lambda self: self.branch and self.sequence._branch is self.branch)
    @rule(data=st.data())
    def keep(self, data: st.DataObject) -> None:
        """As if the tokens on the path had been appended and encoded."""
        branch = self.branch
        assert branch
        path = path_to(branch.parents, data.draw(paths(len(branch.ids))))
        slots = self.sequence.table.next_free(len(path))
        copies = self.sequence.keep(path)
        assert copies == [
            (branch.slots[node], slot)
            for node, slot in zip(path, slots, strict=True)
            if branch.slots[node] != slot
        ]
        start = len(self.model.tokens)
        self.model.tokens += [Token(node, Role.TAIL, slot) for node, slot in zip(path, slots, strict=True)]
        self.model.encode(list(range(start, start + len(path))))
        with pytest.raises(ValueError, match="Nothing was guessed"):
            self.sequence.keep(())

    @rule()
    def compact(self) -> None:
        self.sequence.compact()
        for at, token in enumerate(self.model.tokens):
            token.slot = at

    @rule(capacity=st.integers(1, 2 * CAPACITY))
    def grow(self, capacity: int) -> None:
        before = self.sequence.table.capacity
        self.sequence.grow(capacity)
        assert self.sequence.table.capacity == max(before, capacity)

    @rule()
    def go_on_with_a_twin(self) -> None:
        twin = self.sequence.copy()
        self.sequence.truncate(len(self.sequence) // 2)
        self.sequence.append([99], Role.TAIL)
        self.sequence.encoded([0])
        self.sequence.compact()
        self.sequence = twin

    @invariant()
    def tokens_roles_and_slots_are_the_models(self) -> None:
        assert roles(self.sequence.tokens) == [(token.id, token.role) for token in self.model.tokens]
        assert list(self.sequence.table.order) == [token.slot for token in self.model.tokens]
        assert list(self.sequence.missing) == self.model.missing
        assert len(self.sequence) == len(self.model.tokens)

    @invariant()
    def nothing_counts_as_exact_that_is_not(self) -> None:
        assert self.sequence.exact <= self.model.exact

    @invariant()
    def the_audit_is_content(self) -> None:
        self.sequence.audit()


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
