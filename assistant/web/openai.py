"""``POST /v1/completions`` with a suffix, and ``GET /v1/models``, as OpenAI has them."""

import secrets
import time
from typing import Any, Literal

import msgspec
from litestar import Response, get, post
from litestar.handlers import BaseRouteHandler

from assistant.errors import BadParams
from assistant.web.exchange import Exchange, HttpRequest, as_json
from assistant.web.questions import Body, Count, Question, event, hit_a_limit, question, read
from completion.records import Completion, Trace


class Part(msgspec.Struct, frozen=True):
    """A piece of predicted text."""

    text: str
    type: Literal["text"] = "text"


class Prediction(msgspec.Struct, frozen=True):
    """Text that the caller expects."""

    content: str | list[Part]
    type: Literal["content"] = "content"

    @property
    def text(self) -> str:
        """All of it."""
        return self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)


class StreamOptions(msgspec.Struct, frozen=True):
    """What a stream holds beside the text."""

    include_usage: bool | None = None


class Completions(Body, frozen=True):
    """The body. What would make another answer and is not to be had here is refused."""

    prompt: str | list[str] = ""
    suffix: str | None = None
    max_tokens: Count | None = None
    prediction: Prediction | None = None
    user: str | None = None
    """Whose cache is used, beside that of the route."""
    stream_options: StreamOptions | None = None
    n: int | None = None
    best_of: int | None = None
    echo: bool | None = None
    logprobs: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logit_bias: dict[str, float] | None = None


def completion_routes(exchange: Exchange) -> list[BaseRouteHandler]:
    """Both routes."""
    started = int(time.time())

    @get("/v1/models", sync_to_thread=False)
    def models() -> dict[str, Any]:
        entry = {"id": exchange.model, "object": "model", "created": started, "owned_by": "splice"}
        return {"object": "list", "data": [entry] if exchange.model else []}

    @post("/v1/completions", status_code=200, request_max_body_size=exchange.max_bytes)
    async def completions(request: HttpRequest) -> Response[Any]:
        body = read(Completions, await exchange.body(request))
        asked = question_of(body)
        answer = Answer(body, f"cmpl-{secrets.token_hex(12)}", int(time.time()))
        if body.max_tokens == 0:
            return as_json(answer.chunk(exchange.model, "", "length"))
        if body.stream:
            return await exchange.stream(request, asked, lambda piece: answer.events(exchange.model, piece))
        return await exchange.answer(request, asked, lambda completion: answer.whole(completion, asked))

    return [models, completions]


def question_of(body: Completions) -> Question:
    """What the body asks. Raises ``BadParams``, or ``NotText``."""
    prompt = body.prompt
    if isinstance(prompt, list):
        if len(prompt) != 1:
            raise BadParams(f"One prompt is answered at a time, not {len(prompt)}.")
        prompt = prompt[0]
    _refuse_what_is_missing(body)
    return question(
        body,
        prompt,
        body.suffix or "",
        document=f"http /v1/completions {body.user or ''}",
        max_tokens=body.max_tokens,
        prediction=body.prediction.text if body.prediction else "",
    )


def _refuse_what_is_missing(body: Completions) -> None:
    several = [name for name in ("n", "best_of") if (getattr(body, name) or 1) != 1]
    others = ("echo", "logprobs", "presence_penalty", "frequency_penalty", "logit_bias")
    asked = several + [name for name in others if getattr(body, name)]
    if asked:
        raise BadParams(f"`{asked[0]}` is not to be had here; leave it out.")


class Answer(msgspec.Struct, frozen=True):
    """How the answer to ``body`` is told."""

    body: Completions
    id: str
    created: int

    def chunk(self, model: str, text: str, reason: str | None) -> dict[str, Any]:
        """A choice, whole or a piece; ``reason`` why it ends here."""
        choice = {"index": 0, "text": text, "logprobs": None, "finish_reason": reason}
        head = {"id": self.id, "object": "text_completion", "created": self.created, "model": model}
        return {**head, "choices": [choice]}

    def whole(self, completion: Completion, asked: Question) -> dict[str, Any]:
        """The answer in one piece."""
        trace = completion.trace
        chunk = self.chunk(trace.model, asked.outside(completion.text), _reason(completion))
        return {**chunk, "usage": usage_of(trace)}

    def events(self, model: str, piece: str | Completion) -> bytes:
        """A piece of the stream; behind the last one its end."""
        if isinstance(piece, str):
            return event(self.chunk(model, piece, None))
        last = self.chunk(piece.trace.model, "", _reason(piece))
        events = event(last)
        if self.body.stream_options and self.body.stream_options.include_usage:
            events += event({**last, "choices": [], "usage": usage_of(piece.trace)})
        return events + b"data: [DONE]\n\n"


def _reason(completion: Completion) -> str:
    return "length" if hit_a_limit(completion) else "stop"


def usage_of(trace: Trace) -> dict[str, Any]:
    """Tokens, of which some were cached, and some predicted by the caller."""
    typed = next((each for each in trace.drafts.drafters if each.drafter == "typed"), None)
    accepted, drafted = (typed.accepted, typed.drafted) if typed else (0, 0)
    return {
        "prompt_tokens": trace.reuse.prompt,
        "completion_tokens": trace.generated,
        "total_tokens": trace.reuse.prompt + trace.generated,
        "prompt_tokens_details": {"cached_tokens": trace.reuse.kept + trace.reuse.shifted},
        "completion_tokens_details": {
            "accepted_prediction_tokens": accepted,
            "rejected_prediction_tokens": drafted - accepted,
        },
    }
