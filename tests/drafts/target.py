"""A target that needs no model: it says a given text, and judges drafts by it, greedily."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from drafts.draft import ROOT, Draft, Drafter, Source, Verdict

END = 0
"""What the target says behind its text, as often as it is asked."""


@dataclass
class ScriptedTarget:
    """Says ``truth`` token by token, then END. ``said`` is its output so far."""

    truth: Sequence[int]
    said: list[int] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)

    @property
    def passes(self) -> int:
        return len(self.verdicts)

    @property
    def drafted(self) -> int:
        return sum(len(verdict.draft) for verdict in self.verdicts)

    @property
    def accepted(self) -> int:
        return sum(len(verdict.accepted) for verdict in self.verdicts)

    def judge(self, draft: Draft) -> Verdict:
        """One pass: walk the draft's tree along the truth, and add a token of its own."""
        accepted: list[int] = []
        while True:
            own = self._next(len(accepted))
            node = _child(draft, accepted[-1] if accepted else ROOT, own)
            if node is None:
                break
            accepted.append(node)
        verdict = Verdict(draft, tuple(accepted), own)
        self.said.extend(verdict.output)
        self.verdicts.append(verdict)
        return verdict

    def _next(self, ahead: int) -> int:
        at = len(self.said) + ahead
        return self.truth[at] if at < len(self.truth) else END


def _child(draft: Draft, parent: int, token: int) -> int | None:
    """The node behind ``parent`` that says ``token``."""
    nodes = enumerate(zip(draft.parents, draft.tokens, strict=True))
    return next((node for node, said in nodes if said == (parent, token)), None)


def write(drafter: Drafter, source: Source, truth: Sequence[int], *, most: int = 8) -> ScriptedTarget:
    """A whole request, as an engine serves it, until END. What was said must be the truth."""
    for _ in drafter.begin(source):
        pass
    target = ScriptedTarget(truth)
    while END not in target.said:
        draft = drafter.propose(target.said, most)
        check(draft, most)
        drafter.observe(target.judge(draft))
    drafter.end()
    assert target.said[: len(truth)] == list(truth)
    return target


def check(draft: Draft, most: int) -> None:
    """A draft is what its docstring says: parents first, children that differ, chances that are some."""
    assert len(draft.tokens) == len(draft.parents) == len(draft.chances) <= most
    assert all(ROOT <= parent < at for at, parent in enumerate(draft.parents))
    assert len(set(zip(draft.parents, draft.tokens, strict=True))) == len(draft)
    assert all(0 < chance <= 1 for chance in draft.chances)
