"""Picks at each step who drafts and how many tokens: whatever promises most output a second.

A draft of ``w`` tokens is worth ``(1 + expected accepted) / (drafting + pass of 1 + w rows)``. What it
promises is measured: every guess is compared with what the target said in the end, sent or not, so
a drafter that costs nothing needs no trials to show that it has become good. One that runs a model
is tried again now and then, in a hundredth of the time.
"""

import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from drafts.acceptance import Acceptance
from drafts.draft import CostlyDrafter, Draft, Drafter, Source, Verdict
from drafts.report import DraftReport, Tally
from drafts.times import PassTimes

NOBODY = Draft("")
_GAIN = 1.03
"""A draft must promise this much more than none: estimates are noisy."""
_TRIALS = 0.01
"""Of the time, for drafters that seem not to pay."""
_TRIAL_TOKENS = 2
_HOPE = 0.75
"""Acceptance of a model's guess before any was measured."""
_EXPECTED_TOKENS = 16.0
_FOLLOW = 0.1


class _Offer(NamedTuple):
    """The tokens a second that the best part of a draft promises."""

    rate: float
    draft: Draft


@dataclass
class _Request:
    """What belongs to one request."""

    source: Source
    tally: Tally = field(default_factory=Tally)
    ready: list[CostlyDrafter] = field(default_factory=list[CostlyDrafter])
    said: list[int] = field(default_factory=list[int])
    """The output since the first draft could be made."""
    open: list[tuple[int, Draft]] = field(default_factory=list[tuple[int, Draft]])
    """Drafts that were made when so much was said, and not yet compared with what came."""


class Chooser:
    """Every drafter there is, behind one. Lives on the engine thread, serves one request at a time."""

    def __init__(
        self,
        free: Sequence[Drafter],
        costly: Sequence[CostlyDrafter] = (),
        *,
        window: int,
        force: bool = False,
    ) -> None:
        """``free`` drafters cost next to nothing. ``window`` bounds a draft.

        ``force``: send every guess, for comparison.
        """
        self._free = tuple(free)
        self._costly = tuple(costly)
        self._window = window
        self._force = force
        self._times = PassTimes()
        self._acceptance = Acceptance()
        self._expected: dict[str, float] = {}
        self._busy_s = 0.0
        self._tried_s = 0.0
        self._request: _Request | None = None

    def begin(self, source: Source) -> Generator[None, None, None]:
        """Get ready for a request, pausing; may be closed at a pause, as long as ``end`` follows."""
        self._request = request = _Request(source)
        for drafter in self._free:
            yield from drafter.begin(source)
        for model in self._costly:
            pays, pending = self._pays_to_begin(model, source), model.pending_s(source)
            if not pays and self._tried_s + pending >= _TRIALS * self._busy_s:
                continue
            started = time.perf_counter()
            request.ready.append(model)
            yield from model.begin(source)
            spent = time.perf_counter() - started
            request.tally.draft_s += spent
            self._tried_s += 0.0 if pays else spent

    def catch_up(self, source: Source) -> Generator[None, None, None]:
        """Let the models read a prompt while nobody waits, so that the next request may use them at once.

        Pauses; a request in between has its way, and what was read is kept.
        """
        for model in self._costly:
            if self._request is None and model.pending_s(source):
                try:
                    yield from model.begin(source)
                finally:
                    if self._request is None:
                        model.end()

    def propose(self, output: Sequence[int], most: int) -> Draft:
        """The draft that promises most, of at most ``most`` tokens; empty where none pays."""
        request, most = self._request, min(most, self._window)
        if request is None or most < 1:
            return NOBODY
        started = time.perf_counter()
        best = _Offer(self._worth(1.0, 0), NOBODY)
        for drafter in self._free:
            best = max(best, self._offer(drafter.propose(output, most), request), key=_rate)
        best = self._ask_models(output, most, best)
        request.tally.draft_s += time.perf_counter() - started
        return best.draft

    def observe(self, verdict: Verdict, seconds: float) -> None:
        """The target has judged a draft, or said a token without one, in a pass of ``seconds``."""
        self._times.note(1 + len(verdict.draft), seconds)
        self._busy_s += seconds
        request = self._request
        if request is None:
            return
        request.tally.verify_s += seconds
        request.tally.count(verdict)
        request.said.extend(verdict.output)
        for drafter in (*self._free, *request.ready):
            drafter.observe(verdict)
        self._compare(request, over=False)

    def end(self) -> None:
        """The request is over, however it ended."""
        request, self._request = self._request, None
        if request is None:
            return
        self._compare(request, over=True)
        language = request.source.language
        before = self._expected.get(language, _EXPECTED_TOKENS)
        self._expected[language] = before + _FOLLOW * (len(request.said) - before)
        for drafter in (*self._free, *request.ready):
            drafter.end()

    def forget(self, document: str) -> None:
        """The document was closed."""
        for drafter in (*self._free, *self._costly):
            drafter.forget(document)

    def report(self) -> DraftReport:
        """What drafts did for the request that runs; nothing where none does."""
        return self._request.tally.report() if self._request else DraftReport()

    def _offer(self, draft: Draft, request: _Request, spent_s: float = 0.0) -> _Offer:
        """The best part of a chain."""
        if not draft.tokens:
            return _Offer(0.0, draft)
        request.open.append((len(request.said), draft))
        if self._force:
            return _Offer(float("inf"), draft)
        best, expected, cumulative = _Offer(0.0, NOBODY), 1.0, 1.0
        for count, stated in enumerate(draft.chances, 1):
            cumulative *= self._acceptance.by_chance(draft.drafter, request.source.language, stated)
            expected += cumulative
            rate = self._worth(expected, count, spent_s)
            if rate > best.rate:
                best = _Offer(rate, Draft.chain(draft.drafter, draft.tokens[:count], draft.chances[:count]))
        return best._replace(rate=best.rate / _GAIN)

    def _ask_models(self, output: Sequence[int], most: int, best: _Offer) -> _Offer:
        request = self._request
        for model in request.ready if request else ():
            hoped = self._hope(model, request.source.language, most) if request else 0.0
            on_trial = hoped <= best.rate * _GAIN and not self._force
            if request is None or (on_trial and not self._may_try()):
                continue
            started = time.perf_counter()
            floor = 0.0 if self._force else self._floor(model, max(hoped, best.rate))
            draft = model.guess(output, min(most, _TRIAL_TOKENS) if on_trial else most, floor)
            spent = time.perf_counter() - started
            offer = self._offer(draft, request, 0.0)  # spent by now, whatever is sent
            if on_trial:
                self._tried_s += spent
            best = max(best, offer, key=_rate)
        return best

    def _floor(self, model: CostlyDrafter, rate: float) -> float:
        """The chance below which a token is not worth its time, where ``rate`` tokens come a second."""
        return (model.token_s + self._times.seconds(2) - self._times.seconds(1)) * rate

    def _hope(self, model: CostlyDrafter, language: str, most: int) -> float:
        """The tokens a second that a model's guesses promise, before they are made."""
        best, expected, cumulative = 0.0, 1.0, 1.0
        for position in range(most):
            cumulative *= self._acceptance.by_position(model.name, language, position, prior=_HOPE)
            expected += cumulative
            best = max(best, self._worth(expected, position + 1, (position + 1) * model.token_s))
        return best

    def _pays_to_begin(self, model: CostlyDrafter, source: Source) -> bool:
        if self._force:
            return True
        pending = model.pending_s(source)
        with_it, without = self._hope(model, source.language, self._window), self._worth(1.0, 0)
        if not without:
            return False  # nothing was measured so far
        tokens = self._expected.get(source.language, _EXPECTED_TOKENS)
        return tokens / without > (tokens / with_it + pending) * _GAIN

    def _worth(self, tokens: float, drafted: int, spent_s: float = 0.0) -> float:
        """Tokens a second of a step that gives ``tokens``; 0 before any pass was measured."""
        seconds = self._times.seconds(1 + drafted)
        return tokens / (seconds + spent_s) if seconds else 0.0

    def _may_try(self) -> bool:
        return self._tried_s < _TRIALS * self._busy_s

    def _compare(self, request: _Request, *, over: bool) -> None:
        """Compare drafts with what the target said instead, as soon as it has said enough."""
        left: list[tuple[int, Draft]] = []
        for at, draft in request.open:
            truth = request.said[at : at + len(draft)]
            if over or len(truth) == len(draft):
                self._acceptance.note(draft, request.source.language, truth)
            else:
                left.append((at, draft))
        request.open = left


def _rate(offer: _Offer) -> float:
    return offer.rate
