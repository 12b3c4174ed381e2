"""What the language server needs of the completion service, and nothing else of it."""

from collections.abc import Callable
from typing import Protocol

from completion.records import Completion, CompletionRequest, EngineState, ServiceStatus


class CompletionSource(Protocol):
    """``completion.service.CompletionService``, as seen from here; everything on the event loop."""

    def status(self) -> ServiceStatus:
        """Where the engine stands."""
        ...

    async def changed(self, state: EngineState) -> None:
        """Wait until the engine's state is another than ``state``."""
        ...

    async def complete(
        self, request: CompletionRequest, on_partial: Callable[[str], None] | None = None
    ) -> Completion:
        """Answer; cancelling the awaiting task ends the job within one decode step."""
        ...

    def forget(self, document: str) -> None:
        """The document was closed: its cache is given back."""
        ...
