"""``POST /infill`` as llama.cpp's server has it, for editors that speak to it already."""

from collections.abc import Sequence
from typing import Any, cast

import msgspec
from litestar import Response, post
from litestar.handlers import BaseRouteHandler

from assistant.web.exchange import Exchange, HttpRequest, as_json
from assistant.web.questions import Body, Count, Question, event, hit_a_limit, question, read
from completion.records import Completion, FinishReason, Trace


class Extra(msgspec.Struct, frozen=True):
    """A piece of another file."""

    filename: str = ""
    text: str = ""


class Infill(Body, frozen=True):
    """The body, with llama.cpp's names. ``prompt`` stands between the prefix and the cursor."""

    input_prefix: str = ""
    input_suffix: str = ""
    input_extra: list[Extra] | None = None
    prompt: str = ""
    n_predict: Count | None = None
    cache_prompt: bool | None = None
    """False: nothing that was asked before has any part in the answer."""
    id_slot: int | None = None
    """Whose cache is used: one editor, one slot."""
    response_fields: list[str] | None = None
    """Only these come back; ``timings/prompt_n`` is one of the timings, under this name."""


def infill_route(exchange: Exchange) -> BaseRouteHandler:
    """The route."""

    @post("/infill", status_code=200, request_max_body_size=exchange.max_bytes)
    async def infill(request: HttpRequest) -> Response[Any]:
        body = read(Infill, await exchange.body(request))
        asked = question_of(body)
        if asked is None:
            return as_json(only(_answer("", exchange.model, body), body.response_fields))
        if body.stream:
            return await exchange.stream(request, asked, lambda piece: event(_part(piece, body)))
        return await exchange.answer(request, asked, lambda completion: _whole(completion, asked, body))

    return infill


def question_of(body: Infill) -> Question | None:
    """What the body asks; None for no tokens, which editors ask for to warm a cache. Raises ``NotText``."""
    asked = question(
        body,
        body.input_prefix + body.prompt,
        body.input_suffix,
        document=None if body.cache_prompt is False else f"http /infill {body.id_slot or 0}",
        max_tokens=body.n_predict,
        context=context_of(body.input_extra or ()),
    )
    return None if body.n_predict == 0 else asked


def context_of(extra: Sequence[Extra]) -> str:
    """The pieces as one block in front of the document, in an order that does not depend on theirs.

    An editor sends what it has in the order of their use; the block stays what it was, and so does the cache.
    """
    pieces = sorted({(each.filename, each.text) for each in extra if each.text.strip()})
    return "".join(
        f"{name}\n{text.rstrip()}\n\n" if name else f"{text.rstrip()}\n\n" for name, text in pieces
    )


def only(answer: dict[str, Any], paths: Sequence[str] | None) -> dict[str, Any]:
    """The fields of ``answer`` at ``paths`` (``a/b``), each under its path; all without paths."""
    if paths is None:
        return answer
    found: dict[str, Any] = {}
    for path in paths:
        at: Any = answer
        for key in path.split("/"):
            at = cast("dict[str, Any]", at).get(key) if isinstance(at, dict) else None
        if at is not None:
            found[path] = at
    return found


def _whole(completion: Completion, asked: Question, body: Infill) -> dict[str, Any]:
    answer = _answer(asked.outside(completion.text), completion.trace.model, body, completion)
    return only(answer, body.response_fields)


def _part(piece: str | Completion, body: Infill) -> dict[str, Any]:
    if isinstance(piece, str):
        return only({"index": 0, "content": piece, "stop": False}, body.response_fields)
    return only(_answer("", piece.trace.model, body, piece), body.response_fields)


def _answer(content: str, model: str, body: Infill, completion: Completion | None = None) -> dict[str, Any]:
    shown = {"index": 0, "content": content, "id_slot": body.id_slot or 0, "stop": True, "model": model}
    if completion is None:
        return {**shown, "stop_type": "limit", "tokens_predicted": 0, "tokens_evaluated": 0}
    trace = completion.trace
    return {
        **shown,
        "stop_type": _stop_type(completion),
        "tokens_predicted": trace.generated,
        "tokens_evaluated": trace.reuse.prompt,
        "tokens_cached": trace.reuse.kept + trace.reuse.shifted,
        "truncated": False,
        "timings": _timings(trace),
    }


def _stop_type(completion: Completion) -> str:
    if hit_a_limit(completion):
        return "limit"
    return "word" if completion.trace.finish is FinishReason.STRING else "eos"


def _timings(trace: Trace) -> dict[str, Any]:
    predicted_ms = max(trace.total_ms - trace.queue_ms - trace.prompt_ms, 0.0)
    return {
        **_pace("prompt", trace.reuse.computed, trace.prompt_ms),
        **_pace("predicted", trace.generated, predicted_ms),
        "draft_n": trace.drafts.drafted,
        "draft_n_accepted": trace.drafts.accepted,
    }


def _pace(name: str, tokens: int, milliseconds: float) -> dict[str, Any]:
    return {
        f"{name}_n": tokens,
        f"{name}_ms": round(milliseconds, 3),
        f"{name}_per_token_ms": round(milliseconds / tokens, 3) if tokens else 0.0,
        f"{name}_per_second": round(1e3 * tokens / milliseconds, 3) if milliseconds else 0.0,
    }
