"""What goes into a completion and what comes out: plain values, no behaviour."""

from dataclasses import dataclass, field
from enum import StrEnum

from completion.config import Reuse
from drafts.report import DraftReport
from kvcache.report import ReuseReport


class Trigger(StrEnum):
    """Why a completion was asked for (LSP 3.18 ``InlineCompletionTriggerKind``)."""

    INVOKED = "invoked"
    AUTOMATIC = "automatic"


class FinishReason(StrEnum):
    """Why decoding ended."""

    END_TOKEN = "end_token"
    LINE = "line"
    """A single line was asked for and is complete."""
    BLOCK = "block"
    """The indentation fell below that of the cursor's block."""
    SUFFIX = "suffix"
    """The text began to repeat what follows the cursor."""
    REPETITION = "repetition"
    STRING = "string"
    """A string of the request's ``stop`` came."""
    TOKENS = "tokens"
    TIME = "time"


@dataclass(frozen=True)
class CompletionRequest:
    """One question: what belongs at ``cursor``?

    ``text`` uses ``\\n`` as its only line end; ``cursor`` counts code points.
    ``document`` names whose cache is used: requests of equal ``document`` follow each
    other in one store; None is answered without keeping anything.
    """

    text: str
    cursor: int
    document: str | None = None
    language: str = "plaintext"
    trigger: Trigger = Trigger.AUTOMATIC
    single_line: bool | None = None
    """None: decided from the text around the cursor."""
    max_tokens: int | None = None
    """None: ``CompletionConfig.max_tokens``."""
    context: str = ""
    """A block of the repository that is shown in front of the document."""
    reuse: Reuse | None = None
    """None: ``CompletionConfig.reuse``."""
    prediction: str = ""
    """What the caller expects at the cursor, such as the rest of an earlier answer: a draft, nothing more."""
    temperature: float = 0.0
    """0: the likeliest tokens. Above: tokens by chance, the logits divided by it."""
    top_p: float = 1.0
    """Sampling is from the fewest likeliest tokens that have this share together."""
    seed: int | None = None
    """Of the chance: the same seed gives the same text for the same prompt. None: another one each time."""
    stop: tuple[str, ...] = ()
    """The text ends before the first of these strings that it holds."""


@dataclass(frozen=True)
class ContextPiece:
    """Some lines of another file that stood in front of the document."""

    path: str
    """Relative to the workspace folder."""
    first_line: int
    last_line: int
    """Counted from 1; both are shown."""
    why: str
    """``symbols``: it defines a name in scope. ``edited``: a moment ago. ``similar``: a search found it."""
    score: float


@dataclass(frozen=True)
class Trace:
    """What one completion cost, for the side panel, the benchmarks and the telemetry.

    Times are milliseconds since the request reached the service; ``first_token_ms`` is None
    when no token was generated.
    """

    model: str
    device: str
    weights: str
    layout: str
    """``append`` (tail behind the middle token) or ``plain``."""
    reuse: ReuseReport
    drafts: DraftReport
    generated: int
    queue_ms: float
    prompt_ms: float
    first_token_ms: float | None
    total_ms: float
    finish: FinishReason
    context: tuple[ContextPiece, ...] = ()
    """What of the repository stood in front of the document, in order."""
    prompt_ids: tuple[int, ...] = field(default=(), repr=False)
    output_ids: tuple[int, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Completion:
    """The answer: ``text`` is inserted at the request's cursor (may be empty)."""

    text: str
    trace: Trace


class EngineState(StrEnum):
    """Where the engine stands."""

    LOADING = "loading"
    READY = "ready"
    UNLOADED = "unloaded"
    """Let go to free its memory; the next request brings it back."""
    FAILED = "failed"
    STOPPED = "stopped"


FOLLOWS_EDITS = "follows edits"
PREFIX_ONLY = "Edits reuse the exact common prefix of the prompt only."
UNKNOWN_CACHE = "unknown until the model is loaded"


@dataclass(frozen=True)
class ServiceStatus:
    """What ``/status``, ``splice doctor`` and the playground show."""

    state: EngineState
    detail: str
    """A sentence: what is being loaded, or why it failed."""
    model: str | None = None
    device: str | None = None
    weights: str | None = None
    cache: str = UNKNOWN_CACHE
    """What becomes of the cache behind an edit: ``FOLLOWS_EDITS``, or why not and ``PREFIX_ONLY``."""
    cache_bytes: int = 0
    cache_budget_bytes: int = 0
    """What ``cache_bytes`` never exceeds; 0 until the model is loaded."""
    cached_tokens: int = 0
    waiting: int = 0
    drafters: tuple[str, ...] = ()
    """Who drafts; empty until the model is loaded, and where nobody does."""
    draft_refused: str = ""
    """Why the draft that the settings name is left out; empty where it is not."""
