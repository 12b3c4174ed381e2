"""The service on a tiny real model: answers, cancellation, closing, failing, stopping."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from completion.config import CompletionConfig, EngineConfig
from completion.errors import BadRequest, DocumentTooLarge, EngineFailed, EngineStopped, OutOfMemory
from completion.records import CompletionRequest, EngineState
from completion.service import CompletionService
from tests.waiting import until

TEXT = "def first(x):\n    return x\n\n\ndef second(y):\n    \n"
CURSOR = len(TEXT) - 1


def request(document: str | None = "doc", text: str = TEXT, cursor: int = CURSOR) -> CompletionRequest:
    return CompletionRequest(text, cursor, document=document, language="python")


def make_service(model: str, **config: float) -> CompletionService:
    engine = EngineConfig(model=model, weights="float32", device="cpu", prefill_chunk=4, threads=1)
    return CompletionService(engine, CompletionConfig(**{"max_tokens": 12, **config}))


@pytest.fixture
async def service(tiny_model_dir: Path) -> AsyncIterator[CompletionService]:
    service = make_service(str(tiny_model_dir))
    await service.start()
    await service.ready()
    yield service
    await service.stop()


async def test_a_request_waits_for_the_model(tiny_model_dir: Path) -> None:
    service = make_service(str(tiny_model_dir))
    assert service.status().state is EngineState.LOADING
    await service.start()
    completion = await service.complete(request())
    assert completion.trace.generated > 0
    await service.ready()
    assert service.status().state is EngineState.READY
    assert service.status().cached_tokens > 0
    await service.stop()
    assert service.status().state is EngineState.STOPPED
    with pytest.raises(EngineStopped):
        await service.complete(request())


async def test_partial_texts_lead_to_the_answer(service: CompletionService) -> None:
    partial: list[str] = []
    completion = await service.complete(request(), partial.append)
    assert partial == sorted(partial, key=len)
    assert completion.trace.generated == 0 or partial


async def test_typing_along_a_document_reuses_its_cache(service: CompletionService) -> None:
    first = await service.complete(request())
    text = TEXT[:CURSOR] + "pass" + TEXT[CURSOR:]
    second = await service.complete(request(text=text, cursor=CURSOR + 4))
    assert second.trace.reuse.kept >= len(first.trace.prompt_ids) - 1
    other = await service.complete(request("other", text, CURSOR + 4))
    assert other.trace.reuse.kept == 0
    assert other.trace.output_ids == second.trace.output_ids


async def test_a_cancelled_request_leaves_everything_whole(service: CompletionService) -> None:
    cold = await service.complete(request(None))
    for pauses in range(12):
        asked = asyncio.create_task(service.complete(request()))
        for _ in range(pauses * 3):
            await asyncio.sleep(0)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
    assert await service.audit() < 1e-3
    assert (await service.complete(request())).trace.output_ids == cold.trace.output_ids
    assert service.status().waiting == 0


async def test_requests_of_one_document_at_once_are_each_answered(tiny_model_dir: Path) -> None:
    """While it is refreshed, closed and audited; the engine thread takes them one behind the other."""
    service = make_service(str(tiny_model_dir), refresh_after_s=0.0)
    await service.start()
    cold = (await service.complete(request(None))).trace.output_ids
    for round_ in range(3):
        asked = [asyncio.create_task(service.complete(request())) for _ in range(4)]
        await until(lambda: service.status().cached_tokens)
        if round_ == 1:
            await service.audit()
        answers = await asyncio.gather(*asked)
        assert all(answer.trace.output_ids == cold for answer in answers)
        assert all(answer.trace.reuse.computed == 1 for answer in answers[1:])
    await until(lambda: not service.refreshing)
    assert await service.audit() < 1e-3
    await service.stop()


async def test_closing_a_document_drops_its_cache(service: CompletionService) -> None:
    asked = asyncio.create_task(service.complete(request()))
    await asyncio.sleep(0)
    asked.cancel()
    service.forget("doc")
    await service.complete(request("other"))
    service.forget("other")
    await service.audit()
    assert service.status().cache_bytes == 0


async def test_bad_requests_are_told(service: CompletionService) -> None:
    with pytest.raises(BadRequest, match="outside the text"):
        await service.complete(request(cursor=len(TEXT) + 1))
    with pytest.raises(BadRequest):
        await service.complete(request(cursor=-1))


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        ({"temperature": -0.1}, "temperature from 0 to 100"),
        ({"temperature": float("nan")}, "temperature from 0 to 100"),
        ({"temperature": 101.0}, "temperature from 0 to 100"),
        ({"top_p": 0.0}, "top_p above 0"),
        ({"top_p": 1.5}, "top_p above 0"),
        ({"seed": -1}, "A seed is a number"),
        ({"seed": 2**63}, "A seed is a number"),
    ],
)
async def test_what_is_no_sampling_is_told(
    service: CompletionService, wish: dict[str, float], sentence: str
) -> None:
    with pytest.raises(BadRequest, match=sentence):
        await service.complete(replace(request(), **wish))


async def test_a_large_document_is_refused(tiny_model_dir: Path) -> None:
    service = make_service(str(tiny_model_dir), max_document_chars=10)
    await service.start()
    with pytest.raises(DocumentTooLarge, match="10"):
        await service.complete(request())
    await service.stop()


async def test_a_model_that_cannot_be_loaded_is_told_to_everybody(tmp_path: Path) -> None:
    service = make_service(str(tmp_path))
    await service.start()
    with pytest.raises(EngineFailed) as early:
        await service.complete(request())
    with pytest.raises(EngineFailed) as late:
        await service.ready()
    assert str(early.value) == str(late.value) == service.status().detail
    assert service.status().state is EngineState.FAILED
    await service.stop()


async def test_a_model_without_memory_fails_the_request_and_nothing_else(service: CompletionService) -> None:
    def run_out(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    layer = service._residence.loaded_engine().loaded.model.model.layers[0]
    hook = layer.register_forward_pre_hook(run_out)
    with pytest.raises(OutOfMemory):
        await service.complete(request())
    hook.remove()
    assert service.status().state is EngineState.READY
    assert (await service.complete(request())).trace.generated > 0
    assert await service.audit() < 1e-3


async def test_stopping_ends_what_waits(service: CompletionService) -> None:
    asked = [asyncio.create_task(service.complete(request(str(number)))) for number in range(3)]
    await asyncio.sleep(0)
    await service.stop()
    ends = await asyncio.gather(*asked, return_exceptions=True)
    assert any(isinstance(end, EngineStopped) for end in ends)
    assert all(isinstance(end, EngineStopped) or not isinstance(end, BaseException) for end in ends)


async def test_the_plain_layout_puts_everything_before_the_cursor_into_the_prefix(
    tiny_model_dir: Path,
) -> None:
    engine = EngineConfig(model=str(tiny_model_dir), weights="float32", device="cpu")
    service = CompletionService(engine, CompletionConfig(layout="plain", max_tokens=4))
    await service.start()
    trace = (await service.complete(request())).trace
    await service.stop()
    assert trace.layout == "plain"
    assert await _spelled(tiny_model_dir, trace.prompt_ids) == f"{TEXT[:CURSOR]}|{TEXT[CURSOR:]}|"


async def _spelled(directory: Path, ids: tuple[int, ...]) -> str:
    from tokenizers import Tokenizer

    from completion.tokens import TextCodec

    codec = TextCodec(Tokenizer.from_file(str(directory / "tokenizer.json")))
    return b"".join(codec.bytes_of(token) or b"|" for token in ids[1:]).decode()


LONG = "".join(f"def f{number}(x):\n    return x + {number}\n\n\n" for number in range(20))


async def test_what_an_edit_left_approximate_is_exact_behind_a_pause(tiny_model_dir: Path) -> None:
    service = make_service(str(tiny_model_dir), refresh_after_s=0.05)
    await service.start()
    await service.ready()
    cursor = LONG.index("def f15")
    await service.complete(request(text=LONG, cursor=cursor))
    edited = LONG[:40] + "# a note\n" + LONG[40:]
    moved = (await service.complete(request(text=edited, cursor=cursor + 9))).trace
    assert not moved.reuse.exact
    assert moved.reuse.shifted > 0
    await until(lambda: not service.refreshing)
    again = (await service.complete(request(text=edited, cursor=cursor + 9))).trace
    assert again.reuse.exact
    assert again.reuse.computed == 1
    cold = (await service.complete(replace(request(None, edited, cursor + 9), reuse="exact"))).trace
    assert again.output_ids[:8] == cold.output_ids[:8]
    assert await service.audit() < 1e-3
    await service.stop()


def tail_length(service: CompletionService, prompt: tuple[int, ...]) -> int:
    """Tokens behind the middle marker."""
    codec = service._residence.loaded_engine().loaded.codec
    return len(prompt) - 1 - prompt.index(codec.special("<|fim_middle|>"))


async def test_a_pause_anchors_a_long_tail_anew(tiny_model_dir: Path) -> None:
    service = make_service(str(tiny_model_dir), refresh_after_s=0.05)
    await service.start()
    await service.ready()
    text, cursor = LONG, len(LONG)
    await service.complete(request(text=text, cursor=cursor))
    text += "a = 1\n" * 9
    grown = (await service.complete(request(text=text, cursor=len(text)))).trace
    assert grown.reuse.exact
    await until(lambda: not service.refreshing)
    text += "b"
    settled = (await service.complete(request(text=text, cursor=len(text)))).trace
    assert settled.reuse.exact
    assert settled.reuse.computed <= 3
    assert tail_length(service, grown.prompt_ids) > 40
    assert tail_length(service, settled.prompt_ids) < 30
    await service.stop()
