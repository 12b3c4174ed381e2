"""Typing with pauses on the service in this process: a completion behind every edit."""

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from benchmarks.engine import project_text
from benchmarks.traces import Patch, TypingTrace, applied
from completion.records import Completion, CompletionRequest
from completion.service import CompletionService

GAP_S, PAUSE_S, BURST = (0.05, 0.3), (0.6, 1.2), 8
"""From an answer to the next edit, least and most; to every eighth edit, long enough for a refresh."""
ANSWER = 8
"""Tokens of an answer at most."""
_TYPED_AT = 12_000
_TYPED = 1_500


class Stroke(NamedTuple):
    """One edit and its completion. Times count from when the edit was due."""

    edit: int
    first_ms: float | None
    """None: no token was made."""
    queue_ms: float


@dataclass(frozen=True)
class Typist:
    """Replays a recorded session. ``language`` is the documents'."""

    service: CompletionService
    trace: TypingTrace
    language: str

    async def type(self, document: str, edits: range, seconds: float) -> list[Stroke]:
        """Replay ``edits`` for so long at most; the document is opened and asked once before.

        Every answer is awaited. Behind it the document is closed.
        """
        text = self.trace.text_before(edits.start)
        await self._ask(document, text, self.trace.transactions[edits.start][0].position)
        strokes: list[Stroke] = []
        ends = time.perf_counter() + seconds
        for edit in edits:
            due = time.perf_counter() + gap_s(edit)
            if due > ends:
                break
            await asyncio.sleep(due - time.perf_counter())
            patches = self.trace.transactions[edit]
            text = applied(text, patches)
            strokes.append(await self._stroke(edit, document, text, due))
        self.service.forget(document)
        return strokes

    async def _stroke(self, edit: int, document: str, text: str, due: float) -> Stroke:
        late_ms = (time.perf_counter() - due) * 1e3
        trace = (await self._ask(document, text, self.trace.transactions[edit][-1].cursor)).trace
        first = None if trace.first_token_ms is None else trace.first_token_ms + late_ms
        return Stroke(edit, first, trace.queue_ms + late_ms)

    async def _ask(self, document: str, text: str, cursor: int) -> Completion:
        request = CompletionRequest(
            text, cursor, document=document, language=self.language, max_tokens=ANSWER
        )
        return await self.service.complete(request)


def gap_s(edit: int) -> float:
    """Seconds in front of an edit: each time the same, but of no rhythm that the load's steps could keep."""
    return random.Random(edit).uniform(*(GAP_S if edit % BURST else PAUSE_S))


def retyped(text: str | None = None) -> TypingTrace:
    """Somebody types a part of this project's source again, in its middle, key by key."""
    text = text or project_text()
    start, typed = text[:_TYPED_AT] + text[_TYPED_AT + _TYPED :], text[_TYPED_AT : _TYPED_AT + _TYPED]
    return TypingTrace(start, tuple((Patch(_TYPED_AT + at, 0, key),) for at, key in enumerate(typed)))


def paired(*phases: Sequence[Stroke]) -> list[list[Stroke]]:
    """Of each phase the strokes whose edits made a token in all of them."""
    common = set[int].intersection(*({each.edit for each in phase if each.first_ms} for phase in phases))
    return [[each for each in phase if each.edit in common] for phase in phases]
