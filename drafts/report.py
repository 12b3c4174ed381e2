"""What drafts did for a request: the counts of its telemetry."""

from collections import Counter
from dataclasses import dataclass, field

from drafts.draft import Verdict
from drafts.trees import depths


@dataclass(frozen=True)
class DrafterReport:
    """The counts of one drafter. ``accepted_at[i]`` of the ``drafted_at[i]`` tokens at position ``i``."""

    drafter: str
    drafted: int
    accepted: int
    recovered: int
    """Drafts of which the target refused a token and gave its own."""
    bonus: int
    """Drafts that were accepted whole, with one token more."""
    drafted_at: tuple[int, ...]
    accepted_at: tuple[int, ...]


@dataclass(frozen=True)
class DraftReport:
    """The counts of one request. Times are milliseconds.

    ``passes`` are those of the target behind its first token, ``output`` the tokens they gave.
    """

    passes: int = 0
    output: int = 0
    draft_ms: float = 0.0
    verify_ms: float = 0.0
    drafters: tuple[DrafterReport, ...] = ()

    @property
    def drafted(self) -> int:
        """Tokens drafted."""
        return sum(each.drafted for each in self.drafters)

    @property
    def accepted(self) -> int:
        """Tokens drafted and accepted."""
        return sum(each.accepted for each in self.drafters)

    @property
    def block_efficiency(self) -> float:
        """Output tokens per pass of the target; 0 without passes."""
        return self.output / self.passes if self.passes else 0.0


@dataclass
class Tally:
    """Counts up to a report."""

    draft_s: float = 0.0
    verify_s: float = 0.0
    _passes: int = 0
    _output: int = 0
    _counts: dict[str, Counter[str]] = field(default_factory=dict[str, Counter[str]])
    _drafted_at: dict[str, Counter[int]] = field(default_factory=dict[str, Counter[int]])
    _accepted_at: dict[str, Counter[int]] = field(default_factory=dict[str, Counter[int]])

    def count(self, verdict: Verdict) -> None:
        """Add a pass of the target."""
        self._passes += 1
        self._output += len(verdict.output)
        draft, accepted = verdict.draft, len(verdict.accepted)
        if not draft.tokens:
            return
        counts = self._counts.setdefault(draft.drafter, Counter())
        counts.update(drafted=len(draft), accepted=accepted)
        counts["bonus" if verdict.is_bonus else "recovered"] += 1
        self._drafted_at.setdefault(draft.drafter, Counter()).update(depths(draft))
        self._accepted_at.setdefault(draft.drafter, Counter()).update(range(accepted))

    def report(self) -> DraftReport:
        """The counts so far."""
        return DraftReport(
            passes=self._passes,
            output=self._output,
            draft_ms=self.draft_s * 1e3,
            verify_ms=self.verify_s * 1e3,
            drafters=tuple(self._of(name) for name in self._counts),
        )

    def _of(self, name: str) -> DrafterReport:
        counts, deepest = self._counts[name], max(self._drafted_at[name]) + 1
        return DrafterReport(
            drafter=name,
            drafted=counts["drafted"],
            accepted=counts["accepted"],
            recovered=counts["recovered"],
            bonus=counts["bonus"],
            drafted_at=tuple(self._drafted_at[name][at] for at in range(deepest)),
            accepted_at=tuple(self._accepted_at[name][at] for at in range(deepest)),
        )
