"""Fakes with a script and a memory, for races that a real model cannot be told to show."""

import asyncio
from collections.abc import Callable

from completion.records import (
    Completion,
    CompletionRequest,
    EngineState,
    FinishReason,
    ServiceStatus,
    Trace,
)
from drafts.report import DraftReport
from kvcache.report import ReuseReport

TRACE = Trace(
    model="scripted",
    device="cpu",
    weights="none",
    layout="append",
    reuse=ReuseReport(kept=3, computed=2),
    drafts=DraftReport(),
    generated=1,
    queue_ms=0.0,
    prompt_ms=1.0,
    first_token_ms=2.0,
    total_ms=3.0,
    finish=FinishReason.LINE,
    prompt_ids=(1, 2, 3),
    output_ids=(4,),
)


class ScriptedSource:
    """A completion service that answers when the test says so.

    Every ``complete`` waits until ``answer`` or ``fail`` is called; ``partial`` hands in text so far.
    """

    def __init__(self) -> None:
        self._state = EngineState.READY
        self._turned = asyncio.Event()
        self.detail = "scripted"
        self.requests: list[CompletionRequest] = []
        self.cancelled: list[CompletionRequest] = []
        self.forgotten: list[str] = []
        self._partials: list[Callable[[str], None] | None] = []
        self._answers: list[asyncio.Future[str]] = []

    def status(self) -> ServiceStatus:
        return ServiceStatus(self.state, self.detail)

    @property
    def state(self) -> EngineState:
        return self._state

    @state.setter
    def state(self, state: EngineState) -> None:
        self._state = state
        self._turned.set()
        self._turned = asyncio.Event()

    async def changed(self, state: EngineState) -> None:
        while self._state is state:
            await self._turned.wait()

    async def complete(
        self, request: CompletionRequest, on_partial: Callable[[str], None] | None = None
    ) -> Completion:
        answer = asyncio.get_running_loop().create_future()
        self.requests.append(request)
        self._partials.append(on_partial)
        self._answers.append(answer)
        try:
            return Completion(await answer, TRACE)
        except asyncio.CancelledError:
            self.cancelled.append(request)
            raise

    def forget(self, document: str) -> None:
        self.forgotten.append(document)

    def partial(self, text: str, *, job: int = -1) -> None:
        on_partial = self._partials[job]
        assert on_partial is not None
        on_partial(text)

    def answer(self, text: str, *, job: int = -1) -> None:
        self._answers[job].set_result(text)

    def fail(self, error: Exception, *, job: int = -1) -> None:
        self._answers[job].set_exception(error)
