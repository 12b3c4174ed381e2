"""One pass over a draft: what the target would have said, and a store that holds just that."""

import random
import time
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from completion.decode import Decoded, Decoder, Limits
from completion.engine import Engine
from completion.loading import LoadedModel
from completion.records import CompletionRequest, FinishReason
from completion.sampling import Sampler, sampler_for
from completion.stopping import Stop, StopRule
from completion.verifying import Drafting
from drafts.chooser import Chooser
from drafts.draft import Source
from drafts.typed import TypedDrafter
from kvcache.spans import Role, tagged
from kvcache.store import KVStore
from tests.drafts.test_chooser import Lucky
from tests.steps import run, run_some

relaxed = settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
prompts = st.lists(st.integers(0, 700), min_size=1, max_size=20).map(tuple)


samplings = st.builds(
    lambda temperature, top_p, seed: CompletionRequest(
        "", 0, temperature=temperature, top_p=top_p, seed=seed
    ),
    st.sampled_from([0.3, 1.0, 3.0]),
    st.sampled_from([0.7, 1.0]),
    st.integers(0, 2**63 - 1),
)


class AtLength(StopRule):
    """Stops behind so many characters, which may be in the middle of what was accepted."""

    def __init__(self, length: int) -> None:
        super().__init__(before="", after="")
        self._length = length

    def check(self, text: str, *, final: bool = False) -> Stop | None:
        return Stop(self._length, FinishReason.LINE) if len(text) >= self._length else None


def decode(
    tiny: LoadedModel,
    decoder: Decoder,
    prompt: Sequence[int],
    *,
    drafting: Drafting | None,
    piece: bytes = b"",
    stop: int = 10_000,
    tokens: int = 14,
    sampler: Sampler | None = None,
) -> tuple[Decoded, KVStore, list[str]]:
    store = KVStore(tiny.shape, 128, dtype=tiny.dtype, device=tiny.device)
    emitted: list[str] = []
    limits = Limits(tokens, time.perf_counter() + 60)
    logits = tiny.forward.logits(store, prompt)
    steps = decoder.steps(
        store,
        logits,
        piece=piece,
        rule=AtLength(stop),
        limits=limits,
        emit=emitted.append,
        drafting=drafting,
        sampler=sampler,
    )
    return run(steps), store, emitted


def drafting(truth: Sequence[int], rate: float, window: int) -> Drafting:
    chooser = Chooser([Lucky(list(truth), rate)], window=window, force=True)
    return Drafting(chooser, Source(tagged([(Role.PREFIX, (1, 2))])))


@relaxed
@given(
    prompt=prompts,
    rate=st.sampled_from([0.0, 0.5, 0.9, 1.0]),
    window=st.integers(1, 12),
    piece=st.sampled_from([b"", b" ret", b"_x", b"    "]),
    stop=st.integers(1, 60),
    tokens=st.integers(1, 14),
    asked=st.one_of(st.none(), samplings),
)
def test_drafts_change_nothing_but_the_passes(
    tiny: LoadedModel,
    engine: Engine,
    prompt: tuple[int, ...],
    rate: float,
    window: int,
    piece: bytes,
    stop: int,
    tokens: int,
    asked: CompletionRequest | None,
) -> None:
    """The law: token for token and in length; text, reason and store as well.

    Sampled, too: a token takes one draw of the seed, drafted or not.
    """
    decoder = engine.decoder
    plain, store, emitted = decode(
        tiny,
        decoder,
        prompt,
        drafting=None,
        piece=piece,
        stop=stop,
        tokens=tokens,
        sampler=asked and sampler_for(asked),
    )
    drafted, other, also = decode(
        tiny,
        decoder,
        prompt,
        drafting=drafting(plain.ids, rate, window),
        piece=piece,
        stop=stop,
        tokens=tokens,
        sampler=asked and sampler_for(asked),
    )
    assert (drafted.ids, drafted.text, drafted.finish) == (plain.ids, plain.text, plain.finish)
    assert emitted == also
    assert other.ids == store.ids
    assert other.exact == store.exact == len(other)
    other.audit()
    mine, theirs = other.read(), store.read()
    for own, reference in zip(mine, theirs, strict=True):
        assert (own - reference).abs().max() < 1e-4


@relaxed
@given(prompt=prompts, steps=st.integers(0, 6), rate=st.sampled_from([0.5, 1.0]))
def test_cancelled_anywhere_the_store_holds_what_was_said(
    tiny: LoadedModel, engine: Engine, prompt: tuple[int, ...], steps: int, rate: float
) -> None:
    plain, _, _ = decode(tiny, engine.decoder, prompt, drafting=None)
    store = KVStore(tiny.shape, 128, dtype=tiny.dtype, device=tiny.device)
    logits = tiny.forward.logits(store, prompt)
    limits = Limits(14, time.perf_counter() + 60)
    generator = engine.decoder.steps(
        store,
        logits,
        piece=b"",
        rule=AtLength(10_000),
        limits=limits,
        emit=lambda _: None,
        drafting=drafting(plain.ids, rate, 5),
    )
    run_some(generator, steps)
    generator.close()
    said = [*prompt, *plain.ids]
    assert list(store.ids) == said[: len(store)]
    assert len(prompt) <= len(store) <= len(said)
    store.audit()
    assert not store.missing


def test_good_drafts_save_passes(tiny: LoadedModel, engine: Engine) -> None:
    prompt = tuple(random.Random(4).choices(range(700), k=12))
    decoder = engine.decoder
    plain, _, _ = decode(tiny, decoder, prompt, drafting=None)
    asked = drafting(plain.ids, 1.0, 12)
    decode(tiny, decoder, prompt, drafting=asked)
    assert asked.chooser.report().passes == 1  # 13 tokens behind the first: 12 drafted ones and its own


def test_an_error_in_a_pass_leaves_a_whole_store(
    tiny: LoadedModel, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompt = (5, 6, 7)
    plain, _, _ = decode(tiny, engine.decoder, prompt, drafting=None)
    store = KVStore(tiny.shape, 128, dtype=tiny.dtype, device=tiny.device)
    logits = tiny.forward.logits(store, prompt)
    monkeypatch.setattr(tiny.forward, "every_logits", _fail)
    steps = engine.decoder.steps(
        store,
        logits,
        piece=b"",
        rule=AtLength(10_000),
        limits=Limits(14, time.perf_counter() + 60),
        emit=lambda _: None,
        drafting=drafting(plain.ids, 1.0, 4),
    )
    with pytest.raises(RuntimeError, match="fails"):
        run(steps)
    assert store.ids == prompt
    store.audit()


def _fail(*_: object) -> None:
    raise RuntimeError("The pass fails.")


def test_a_prediction_saves_passes(tiny: LoadedModel, engine: Engine) -> None:
    prompt = tuple(random.Random(4).choices(range(700), k=12))
    plain, _, _ = decode(tiny, engine.decoder, prompt, drafting=None)
    chooser = Chooser([TypedDrafter()], window=12, force=True)
    source = Source(tagged([(Role.PREFIX, prompt)]), predicted=tuple(plain.ids))
    told, _, _ = decode(tiny, engine.decoder, prompt, drafting=Drafting(chooser, source))
    assert told.ids == plain.ids
    assert chooser.report().passes == 1
    assert chooser.report().accepted >= len(plain.ids) - 3
