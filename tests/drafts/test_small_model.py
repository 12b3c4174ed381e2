"""A smaller model drafts: real models, real stores, the same edits."""

import random

import pytest
import torch

from completion.config import EngineConfig
from completion.forward import Forward
from completion.loading import LoadedModel, load_model
from drafts.draft import Draft, Source
from drafts.small_model import SmallModelDrafter
from drafts.verify import judge_greedy
from kvcache.pool import CachePool
from kvcache.spans import Role, tagged
from kvcache.store import KVStore
from tests.tiny import make_model

BYTES = 1 << 24


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    """Another model with the same tokenizer."""
    directory = make_model(tmp_path_factory.mktemp("small"), seed=5)
    return load_model("small", directory, EngineConfig(weights="float32", device="cpu"))


class Counting(Forward):
    """Counts the tokens that it reads."""

    read = 0

    def encode_at(self, store: KVStore, positions) -> None:
        self.read += len(positions)
        super().encode_at(store, positions)

    def logits(self, store: KVStore, tokens) -> torch.Tensor:
        self.read += len(tokens)
        return super().logits(store, tokens)


def pool_of(model: LoadedModel, budget: int = BYTES) -> CachePool:
    return CachePool(model.shape, budget, dtype=model.dtype, device=model.device, rotary=model.rotary)


def drafter_of(model: LoadedModel, *, pool: CachePool | None = None, stop: frozenset[int] = frozenset()):
    counting = Counting(model.forward._pass, model.shape, dtype=model.dtype, device=model.device)
    pool = pool or pool_of(model)
    drafter = SmallModelDrafter(
        counting, pool, vocabulary=len(model.codec), stop_ids=stop, chunk=16, movable=model.rotary is not None
    )
    return drafter, counting


def source(
    prefix: tuple[int, ...], suffix: tuple[int, ...] = (7, 8, 9), document: str | None = "d"
) -> Source:
    runs = [(Role.MARKER, (1,)), (Role.PREFIX, prefix), (Role.MARKER, (3,)), (Role.SUFFIX, suffix)]
    return Source(tagged([*runs, (Role.MARKER, (2,)), (Role.TAIL, (40, 41))]), document=document)


def cold(model: LoadedModel, ids: list[int], count: int) -> list[int]:
    """What the model itself says behind ``ids``, greedily."""
    store = KVStore(model.shape, 512, dtype=model.dtype, device=model.device)
    said: list[int] = []
    logits = model.forward.logits(store, ids)
    while len(said) < count:
        said.append(int(logits.argmax()))
        logits = model.forward.logits(store, said[-1:])
    return said


PREFIX = tuple(random.Random(1).choices(range(10, 700), k=60))


def test_it_drafts_what_it_would_say_itself(small: LoadedModel) -> None:
    drafter, _ = drafter_of(small)
    asked = source(PREFIX)
    list(drafter.begin(asked))
    draft = drafter.propose([55], 6)
    assert list(draft.tokens) == cold(small, [*asked.prompt.ids, 55], 6)
    assert draft.is_chain
    assert all(0 < chance <= 1 for chance in draft.chances)
    drafter.end()


@pytest.mark.parametrize("accepted", range(7))
def test_it_goes_on_from_what_was_accepted(small: LoadedModel, accepted: int) -> None:
    drafter, counting = drafter_of(small)
    asked = source(PREFIX)
    list(drafter.begin(asked))
    output = [55]
    draft = drafter.propose(output, 6)
    said = [*draft.tokens[:accepted], 99]
    verdict = judge_greedy(draft, lambda _, path: said[len(path)])
    assert len(verdict.accepted) == accepted
    output.extend(verdict.output)
    drafter.observe(verdict)
    before = counting.read
    assert list(drafter.propose(output, 4).tokens) == cold(small, [*asked.prompt.ids, *output], 4)
    assert counting.read - before <= 2 + 3  # the target's own token, at most one accepted, three to go on
    drafter.end()


def test_the_store_ends_at_what_was_said(small: LoadedModel) -> None:
    pool = pool_of(small)
    drafter, _ = drafter_of(small, pool=pool)
    asked = source(PREFIX)
    list(drafter.begin(asked))
    draft = drafter.propose([55], 6)
    drafter.observe(judge_greedy(draft, lambda _, path: [*draft.tokens[:2], 99][len(path)]))
    drafter.end()
    (held,) = pool.held("d").values()
    assert held.tokens.ids == (*asked.prompt.ids, 55, *draft.tokens[:2])
    pool.audit()


def test_an_edit_costs_what_changed(small: LoadedModel) -> None:
    """The keys behind the edit are turned, as the target's are."""
    drafter, counting = drafter_of(small)
    list(drafter.begin(source(PREFIX)))
    drafter.end()
    before = counting.read
    edited = source((*PREFIX[:20], 11, *PREFIX[20:]))
    assert drafter.pending_s(edited) > 0
    list(drafter.begin(edited))
    assert counting.read - before < 12
    drafter.propose([55], 1)
    drafter.end()
    assert drafter.pending_s(edited) < drafter.pending_s(source(PREFIX, document="other"))


def test_it_stops_where_it_is_unsure(small: LoadedModel) -> None:
    drafter, _ = drafter_of(small)
    list(drafter.begin(source(PREFIX)))
    whole = drafter.guess([55], 8, 0.0)
    together = whole.chances[0] * whole.chances[1]
    assert drafter.guess([55], 8, together * 0.999).tokens == whole.tokens[:2]
    assert not drafter.guess([55], 8, 1.1).tokens
    assert drafter.token_s > 0
    drafter.end()


def test_it_never_drafts_an_end_nor_a_padding_id(small: LoadedModel) -> None:
    plain, _ = drafter_of(small)
    list(plain.begin(source(PREFIX)))
    tokens = plain.propose([55], 4).tokens
    plain.end()
    ending, _ = drafter_of(small, stop=frozenset({tokens[2]}))
    list(ending.begin(source(PREFIX)))
    assert ending.propose([55], 4).tokens == tokens[: tokens.index(tokens[2])]
    ending.end()
    narrow = SmallModelDrafter(
        small.forward, pool_of(small), vocabulary=tokens[0], stop_ids=frozenset(), chunk=8, movable=True
    )
    list(narrow.begin(source(PREFIX)))
    assert all(token < tokens[0] for token in narrow.propose([55], 4).tokens)
    narrow.end()


def test_closing_it_in_the_middle_of_a_prompt_leaves_a_whole_store(small: LoadedModel) -> None:
    pool = pool_of(small)
    drafter, _ = drafter_of(small, pool=pool)
    begun = drafter.begin(source(PREFIX))
    next(begun)
    begun.close()
    drafter.end()
    assert not drafter.propose([55], 4).tokens
    list(drafter.begin(source(PREFIX)))
    assert list(drafter.propose([55], 3).tokens) == cold(small, [*source(PREFIX).prompt.ids, 55], 3)
    drafter.end()
    pool.audit()


def test_without_room_it_drafts_nothing(small: LoadedModel, caplog: pytest.LogCaptureFixture) -> None:
    drafter, _ = drafter_of(small, pool=pool_of(small, 1))
    list(drafter.begin(source(PREFIX)))
    assert drafter.propose([55], 4) == Draft("small_model")
    assert "Nothing is drafted" in caplog.text
    drafter.end()


def test_a_document_that_was_closed_leaves_nothing(small: LoadedModel) -> None:
    pool = pool_of(small)
    drafter, _ = drafter_of(small, pool=pool)
    for document in ("d", "dd", None):
        list(drafter.begin(source(PREFIX, document=document)))
        drafter.end()
    drafter.forget("d")
    assert [owner.split("\0")[0] for owner in pool.owners] == ["dd"]  # nothing is kept without a name


def test_who_was_paused_does_not_go_on_in_another_request(small: LoadedModel) -> None:
    """An idle reading is paused, a request comes and goes; then somebody drives the reading on."""
    pool = pool_of(small)
    drafter, _ = drafter_of(small, pool=pool)
    reading = drafter.begin(source(PREFIX))
    next(reading)
    other = source((*PREFIX, 12, 13))
    list(drafter.begin(other))
    assert list(reading) == []
    assert list(drafter.propose([55], 3).tokens) == cold(small, [*other.prompt.ids, 55], 3)
    drafter.end()
    pool.audit()
