"""The bookkeeping of one cached sequence: tokens, roles, slots, and what of it is exact. Pure.

Every token has a *position* (its place in the sequence), a *slot* (its place in memory, for
life) and a *birthplace* (the position its key was computed at). A token of a new plan that is
not kept is *missing* until a forward pass has encoded it.

*Exact* is a length: the tokens ``[0, exact)`` equal a cold computation of the sequence, bit for
bit where the order of a sum decides its last bits. A token is encoded exactly when all in front of
it are exact and it sits, as they do, in the slot of its position: attention adds up slot by slot,
and rounded products turn a last bit into a whole step. So the length grows by encoding the token
right behind it, in its own slot, and by nothing else.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from kvcache.branch import Branch
from kvcache.errors import AuditError
from kvcache.matching import Match
from kvcache.plan import Plan
from kvcache.slots import SlotTable
from kvcache.spans import Role, Span, TaggedTokens, tagged


class Move(NamedTuple):
    """A token's key must stand for ``wanted`` now; it was computed at ``born``."""

    slot: int
    born: int
    wanted: int


class Copy(NamedTuple):
    """Keys and values in one slot belong into another."""

    source: int
    target: int


class CachedSequence:
    """Which token sits where. The only writer of this knowledge; its store owns it."""

    def __init__(self, capacity: int) -> None:
        """An empty sequence with room for ``capacity`` tokens."""
        self._table = SlotTable(capacity)
        self._ids: list[int] = []
        self._spans: list[Span] = []
        self._born: list[int] = []
        self._missing: set[int] = set()
        self._exact = 0
        self._branch: Branch | None = None
        """Guesses in free slots, until the next change."""
        self._written = False
        """Whether they are encoded."""
        self._view: TaggedTokens | None = None
        """``tokens`` until the next change."""

    def __len__(self) -> int:
        """Tokens in the sequence."""
        return len(self._ids)

    @property
    def tokens(self) -> TaggedTokens:
        """The tokens and their roles, by position."""
        if self._view is None:
            self._view = TaggedTokens(tuple(self._ids), tuple(self._spans))
        return self._view

    @property
    def table(self) -> SlotTable:
        """The slots, to read."""
        return self._table

    @property
    def exact(self) -> int:
        """How many tokens at the front equal a cold computation."""
        return self._exact

    @property
    def missing(self) -> tuple[int, ...]:
        """Positions that no forward pass has encoded yet, ascending."""
        return tuple(sorted(self._missing))

    def append(self, ids: Sequence[int], role: Role) -> range:
        """Add missing tokens at the end; their positions. Raises CacheFull, changing nothing."""
        fresh = range(len(self._ids), len(self._ids) + len(ids))
        self._table.append(len(ids))
        self._ids.extend(ids)
        self._born.extend(fresh)
        if self._spans and self._spans[-1].role is role:
            self._spans[-1] = self._spans[-1]._replace(stop=fresh.stop)
        elif ids:
            self._spans.append(Span(role, fresh.start, fresh.stop))
        self._missing.update(fresh)
        self._changed()
        return fresh

    def branch(self, ids: Sequence[int], parents: Sequence[int], role: Role) -> Branch:
        """Where guesses behind the sequence are to be encoded; earlier ones are forgotten.

        Raises CacheFull without room; ValueError for parents that do not fit, and while tokens are
        missing, which guesses would see.
        """
        if self._missing:
            raise ValueError("Nothing can be guessed behind tokens that are not encoded.")
        slots = self._table.next_free(len(ids))
        self._branch = Branch(tuple(ids), tuple(parents), len(self._ids), tuple(slots), role)
        self._written = False
        return self._branch

    def guessed(self, branch: Branch) -> None:
        """A forward pass has written keys and values of ``branch``.

        Raises ValueError where the sequence has changed meanwhile.
        """
        if self._branch is not branch:
            raise ValueError("The sequence has changed while guesses behind it were encoded.")
        self._written = True

    def keep(self, path: Sequence[int]) -> list[Copy]:
        """Append the guesses on ``path``, encoded; what has to be copied to their slots.

        The others are forgotten. Raises ValueError, changing nothing, for what is no path, and where
        nothing was guessed or the sequence has changed since.
        """
        branch = self._branch
        if branch is None or not self._written:
            raise ValueError("Nothing was guessed behind this sequence, or it has changed since.")
        branch.check(path)
        fresh = self.append([branch.ids[node] for node in path], branch.role)
        self.encoded(fresh)
        slots = self._table.order[branch.start :]
        pairs = zip((branch.slots[node] for node in path), slots, strict=True)
        return [Copy(source, target) for source, target in pairs if source != target]

    def apply(self, plan: Plan) -> list[Move]:
        """Become the wanted tokens of ``plan``; the keys of the moves returned must be turned.

        What is not kept is missing then. Raises CacheFull or ValueError (a plan for another
        sequence), changing nothing.
        """
        if plan.held != len(self._ids) or self._missing:
            raise ValueError(f"A plan for {plan.held} whole tokens does not fit these {len(self._ids)}.")
        self._table.check_room(len(plan.wanted))
        if plan.unchanged and len(plan.kept) == 1:
            return self._continue(plan)
        places: list[int | None] = [None] * len(plan.wanted)
        for run in plan.kept:
            places[run.new : run.new + run.length] = range(run.old, run.old + run.length)
        self._table.rearrange(places)
        self._born = [at if place is None else self._born[place] for at, place in enumerate(places)]
        self._ids = list(plan.wanted.ids)
        self._spans = list(plan.wanted.spans)
        self._missing = {at for at, place in enumerate(places) if place is None}
        self._exact = min(self._exact, plan.unchanged)
        self._changed(plan.wanted)
        return [
            Move(self._table.order[at], self._born[at], at)
            for at, place in enumerate(places)
            if place is not None and place != at
        ]

    def encoded(self, positions: Iterable[int]) -> None:
        """A forward pass has written keys and values of these ascending ``positions``."""
        self._branch = None
        for position in positions:
            self._missing.discard(position)
            self._born[position] = position
            self._exact += position == self._exact and self._table.slot_of(position) == position

    def truncate(self, length: int) -> None:
        """Forget the tokens from position ``length`` on."""
        self._table.truncate(length)
        del self._ids[length:], self._born[length:]
        self._spans = [
            span._replace(stop=min(span.stop, length)) for span in self._spans if span.start < length
        ]
        self._missing = {position for position in self._missing if position < length}
        self._exact = min(self._exact, length)
        self._changed()

    def drop(self, positions: Iterable[int]) -> list[Move]:
        """Forget the tokens at ``positions`` and all that are missing; the rest closes up."""
        gone = self._missing.union(positions)
        self._missing = set()
        left = [(span, at) for span in self._spans for at in range(span.start, span.stop) if at not in gone]
        wanted = tagged([(span.role, (self._ids[at],)) for span, at in left])
        return self.apply(Plan(wanted, len(self._ids), _as_matches([at for _, at in left])))

    def grow(self, capacity: int) -> None:
        """Room for ``capacity`` tokens; never shrinks."""
        self._table.grow(capacity)
        self._branch = None

    def compact(self) -> None:
        """Give position ``i`` slot ``i``; the store moves the tensors."""
        self._table.compact()
        self._branch = None

    @property
    def in_place(self) -> int:
        """How many tokens at the front sit in the slots of their positions."""
        return self._table.in_place

    def copy(self) -> "CachedSequence":
        """A twin that goes its own way."""
        twin = CachedSequence(1)
        twin._table = self._table.copy()
        twin._ids, twin._spans, twin._born = list(self._ids), list(self._spans), list(self._born)
        twin._missing, twin._exact, twin._view = set(self._missing), self._exact, self._view
        return twin

    def audit(self) -> None:
        """Raise AuditError unless all of it agrees. Changes nothing."""
        self._table.audit()
        count = len(self._ids)
        edges = [0, *(span.stop for span in self._spans)]
        if not len(self._table) == len(self._born) == count == edges[-1]:
            raise AuditError("Tokens, roles and slots disagree.")
        if [span.start for span in self._spans] != edges[:-1] or edges != sorted(set(edges)):
            raise AuditError("The roles do not tile the sequence.")
        if not 0 <= self._exact <= count or any(not 0 <= at < count for at in self._missing):
            raise AuditError("What is exact or missing lies outside of the sequence.")
        if self._exact > self._table.in_place:
            raise AuditError("An exact token sits in the slot of another position.")
        if any(at < self._exact for at in self._missing):
            raise AuditError("A missing token counts as exact.")
        if self.tokens != TaggedTokens(tuple(self._ids), tuple(self._spans)):
            raise AuditError("The tokens as seen from outside are not those held.")

    def _continue(self, plan: Plan) -> list[Move]:
        """The plan keeps a front and nothing else: cheap, whatever the length."""
        self.truncate(plan.unchanged)
        for span in plan.wanted.spans:
            start = max(span.start, plan.unchanged)
            if start < span.stop:
                self.append(plan.wanted.ids[start : span.stop], span.role)
        self._changed(plan.wanted)
        return []

    def _changed(self, view: TaggedTokens | None = None) -> None:
        """Other tokens are held, seen from outside as ``view``: guesses behind the old ones are void."""
        self._branch = None
        self._view = view


def _as_matches(places: Sequence[int]) -> tuple[Match, ...]:
    """Runs of neighbours among the old positions ``places``, packed together."""
    found: list[Match] = []
    for new, old in enumerate(places):
        if found and old == found[-1].old + found[-1].length:
            found[-1] = found[-1]._replace(length=found[-1].length + 1)
        else:
            found.append(Match(old, new, 1))
    return tuple(found)
