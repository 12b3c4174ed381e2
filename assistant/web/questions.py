"""From a body of HTTP to a request for the model, and back: what all routes of completions share. Pure."""

import json
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import msgspec

from assistant.errors import BadParams, NotText
from assistant.textform import is_text, line_end, to_inside, to_outside
from completion.records import Completion, CompletionRequest, FinishReason
from completion.trimming import trim

Count = Annotated[int, msgspec.Meta(ge=-2, le=2**31 - 1)]
"""Tokens; below 0: as many as the settings allow."""
Seed = Annotated[int, msgspec.Meta(ge=-1, le=2**63 - 1)]
"""-1: another one each time."""
StopStrings = Annotated[list[str], msgspec.Meta(max_length=64)]

_LIMITS = frozenset({FinishReason.TOKENS, FinishReason.TIME})


class Body(msgspec.Struct, frozen=True):
    """What both kinds of body have; whatever else one holds is read past. A field may be null."""

    temperature: float | None = None
    """None: 0, the likeliest text."""
    top_p: float | None = None
    seed: Seed | None = None
    stop: StopStrings | str | None = None
    stream: bool | None = None
    language: str | None = None
    """Of our own: LSP's language id."""


B = TypeVar("B", bound=Body)


def read(kind: type[B], data: bytes) -> B:
    """The body of a request. Raises ``BadParams`` naming the field that does not fit."""
    try:
        return msgspec.convert(json.loads(data), kind)
    except msgspec.ValidationError as error:
        raise BadParams(f"The body does not fit: {error}.") from error
    except (ValueError, RecursionError) as error:
        raise BadParams(f"The body is no JSON: {error}.") from error


@dataclass(frozen=True)
class Question:
    """A request, and how the document it was made of ends its lines."""

    request: CompletionRequest
    line_end: str

    def outside(self, text: str) -> str:
        """``text`` of an answer, as it is inserted into the caller's document."""
        return to_outside(text, self.line_end)

    def sure(self, text: str) -> str:
        """What of ``text``, the answer so far, will stay: its whole lines, as far as no stop string begins.

        A guess in one case: where lines repeat themselves, the answer ends with the first of them.
        """
        request = self.request
        held = max(map(len, request.stop), default=1) - 1
        whole = text[: max(text.rfind("\n", 0, len(text) - held), 0)]
        return trim(whole, before=request.text[: request.cursor], after=request.text[request.cursor :])


def question(
    body: Body,
    before: str,
    after: str,
    *,
    document: str | None,
    max_tokens: int | None,
    context: str = "",
    prediction: str = "",
) -> Question:
    """What belongs between ``before`` and ``after``?

    ``document`` names whose cache is used. Where there is a seed, or no document, nothing that was asked
    before has any part in the answer. Raises ``NotText``.
    """
    if not (is_text(before) and is_text(after)):
        raise NotText("The document is no text: it holds NUL or mostly control characters.")
    head, stop = to_inside(before), body.stop or ()
    seed = None if body.seed is None or body.seed < 0 else body.seed
    request = CompletionRequest(
        head + to_inside(after),
        len(head),
        document=None if seed is not None else document,
        language=body.language or "plaintext",
        max_tokens=None if max_tokens is None or max_tokens < 0 else max_tokens,
        context=to_inside(context),
        reuse="exact",
        prediction=to_inside(prediction),
        temperature=body.temperature or 0.0,
        top_p=1.0 if body.top_p is None else body.top_p,
        seed=seed,
        stop=tuple(to_inside(each) for each in ([stop] if isinstance(stop, str) else stop) if each),
    )
    return Question(request, line_end(before + after))


def hit_a_limit(completion: Completion) -> bool:
    """Whether a budget broke the answer off."""
    return completion.trace.finish in _LIMITS


def encoded(content: Any) -> bytes:
    """JSON, which may hold lone surrogates."""
    return json.dumps(content).encode("ascii")


def event(content: Any) -> bytes:
    """One server-sent event (HTML standard, section 9.2.5)."""
    return b"data: " + encoded(content) + b"\n\n"
