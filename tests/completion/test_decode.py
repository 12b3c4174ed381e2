"""Decoding: the tokens of transformers' own greedy search, healed, stopped and whole."""

import time
from dataclasses import replace

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM

from completion.decode import Decoded, Decoder, Limits
from completion.engine import Engine
from completion.loading import LoadedModel
from completion.records import FinishReason
from completion.stopping import Stop, StopRule
from kvcache.store import KVStore
from tests.steps import run, run_some

relaxed = settings(
    deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
prompts = st.lists(st.integers(0, 700), min_size=1, max_size=20).map(tuple)


class NoRule(StopRule):
    """Never stops, so that all tokens can be seen."""

    def __init__(self) -> None:
        super().__init__(before="", after="")

    def check(self, text: str, *, final: bool = False) -> Stop | None:
        return None


@pytest.fixture
def decoder(engine: Engine) -> Decoder:
    return replace(engine.decoder, stop_ids=frozenset())


def decode(
    tiny: LoadedModel, decoder: Decoder, prompt: tuple[int, ...], *, piece: bytes = b"", tokens: int = 10
) -> tuple[Decoded, KVStore, list[str]]:
    store = KVStore(tiny.shape, 64, dtype=tiny.dtype, device=tiny.device)
    emitted: list[str] = []
    limits = Limits(tokens, time.perf_counter() + 60)
    logits = tiny.forward.logits(store, prompt)
    steps = decoder.steps(store, logits, piece=piece, rule=NoRule(), limits=limits, emit=emitted.append)
    return run(steps), store, emitted


@relaxed
@given(prompts)
def test_tokens_equal_transformers_generate(
    tiny: LoadedModel, decoder: Decoder, prompt: tuple[int, ...]
) -> None:
    done, store, _ = decode(tiny, decoder, prompt)
    reference = AutoModelForCausalLM.from_pretrained(tiny.model.name_or_path, attn_implementation="sdpa")
    ids = torch.tensor([prompt])
    out = reference.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=10, do_sample=False)
    assert done.ids == out[0, len(prompt) :].tolist()
    assert store.ids == (*prompt, *done.ids[:-1])


@relaxed
@given(prompts, st.sampled_from(["    ", " ret", "_x", "\t", "é", " zzzz"]))
def test_healed_tokens_spell_the_piece(
    tiny: LoadedModel, decoder: Decoder, prompt: tuple[int, ...], piece: str
) -> None:
    done, store, emitted = decode(tiny, decoder, prompt, piece=piece.encode(), tokens=16)
    spelled = b"".join(tiny.codec.bytes_of(token) for token in done.ids)
    assert spelled.startswith(piece.encode())
    whole = spelled.decode(errors="replace")
    assert whole.startswith(piece + done.text)
    assert all(whole.startswith(piece + text) for text in emitted)
    assert "\n" in whole[len(piece + done.text) :] or whole == piece + done.text
    store.audit()


def test_text_grows_as_it_is_emitted(tiny: LoadedModel, decoder: Decoder) -> None:
    done, _, emitted = decode(tiny, decoder, (1, 2, 3))
    assert emitted == sorted(set(emitted), key=len)
    assert len(emitted) > 3
    assert emitted[-1].startswith(done.text)


@relaxed
@given(st.integers(0, 12))
def test_closing_leaves_prompt_and_some_tokens(tiny: LoadedModel, decoder: Decoder, count: int) -> None:
    whole, *_ = decode(tiny, decoder, (1, 2, 3))
    store = KVStore(tiny.shape, 64, dtype=tiny.dtype, device=tiny.device)
    logits = tiny.forward.logits(store, (1, 2, 3))
    limits = Limits(10, time.perf_counter() + 60)
    steps = decoder.steps(store, logits, piece=b"", rule=NoRule(), limits=limits, emit=lambda _: None)
    run_some(steps, count)
    store.audit()
    assert store.ids == (1, 2, 3, *whole.ids[: min(count, 9)])


def test_an_end_token_ends(tiny: LoadedModel, decoder: Decoder) -> None:
    whole, *_ = decode(tiny, decoder, (1, 2, 3))
    end = whole.ids[4]
    done, store, _ = decode(tiny, replace(decoder, stop_ids=frozenset({end})), (1, 2, 3))
    assert done.finish is FinishReason.END_TOKEN
    assert done.ids == whole.ids[: whole.ids.index(end)]
    assert end not in store.ids[3:]


def test_time_ends(tiny: LoadedModel, decoder: Decoder) -> None:
    store = KVStore(tiny.shape, 64, dtype=tiny.dtype, device=tiny.device)
    logits = tiny.forward.logits(store, (1, 2, 3))
    limits = Limits(10, time.perf_counter())
    done = run(decoder.steps(store, logits, piece=b"", rule=NoRule(), limits=limits, emit=lambda _: None))
    assert done.finish is FinishReason.TIME
    assert len(done.ids) == 1


def test_a_rule_ends_and_cuts(tiny: LoadedModel, decoder: Decoder) -> None:
    class AfterFour(NoRule):
        def check(self, text: str, *, final: bool = False) -> Stop | None:
            return Stop(2, FinishReason.LINE) if len(text) > 4 else None

    store = KVStore(tiny.shape, 64, dtype=tiny.dtype, device=tiny.device)
    logits = tiny.forward.logits(store, (1, 2, 3))
    limits = Limits(10, time.perf_counter() + 60)
    done = run(decoder.steps(store, logits, piece=b"", rule=AfterFour(), limits=limits, emit=lambda _: None))
    assert done.finish is FinishReason.LINE
    assert len(done.text) == 2


def test_a_budget_cuts_between_lines(tiny: LoadedModel, decoder: Decoder) -> None:
    """Whatever is decoded, what a budget breaks off ends with a whole line, if there is one."""
    broken = 0
    for first in range(0, 600, 20):
        done, _, emitted = decode(tiny, decoder, (first, 5), tokens=12)
        lines = emitted[-1].rstrip("\n").split("\n") if emitted else [""]
        if done.finish is FinishReason.TOKENS and len(lines) > 1 and "\n".join(lines[:-1]).strip():
            assert done.text == "\n".join(lines[:-1])
            broken += 1
    assert broken
