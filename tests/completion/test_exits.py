"""Drafting with the target's own layers changes no token, and spares the target what it has done."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from completion.cpu.passes import CpuPass
from completion.exits import ExitPass
from drafts.adapter import Adapter
from drafts.draft import Source
from drafts.early_exit import EarlyExit
from drafts.train.exit_model import ExitModel
from kvcache.plan import plan_reuse
from kvcache.rows import Rows
from kvcache.spans import Role, tagged
from kvcache.store import KVStore
from tests.completion.cpu.models import CONFIGS, make
from tests.completion.cpu.test_passes import TOKENS, pass_of, store_of

PROMPT = TOKENS[:30]
LENGTH = 40
WORDS = torch.arange(0, 150, 2)


class Counted:
    """Passes of a model, and how many rows have gone through which of its layers."""

    def __init__(self, passes: CpuPass) -> None:
        self._passes = passes
        self.rows = {"whole": 0, "shallow": 0, "deep": 0}

    def encode(self, store: KVStore, rows: Rows) -> None:
        self.rows["whole"] += len(rows.ids)
        self._passes.encode(store, rows)

    def last_logits(self, store: KVStore, rows: Rows) -> torch.Tensor:
        self.rows["whole"] += len(rows.ids)
        return self._passes.last_logits(store, rows)

    def every_logits(self, store: KVStore, rows: Rows) -> torch.Tensor:
        self.rows["whole"] += len(rows.ids)
        return self._passes.every_logits(store, rows)

    def shallow(self, store: KVStore, rows: Rows, layers: int) -> torch.Tensor:
        self.rows["shallow"] += len(rows.ids)
        return self._passes.shallow(store, rows, layers)

    def deep(self, store: KVStore, rows: Rows, hidden: torch.Tensor, layers: int) -> torch.Tensor:
        self.rows["deep"] += len(rows.ids)
        return self._passes.deep(store, rows, hidden, layers)

    def exit(self, adapter: Adapter) -> Any:
        return self._passes.exit(adapter)


@pytest.fixture(scope="module")
def model() -> Any:
    return make(CONFIGS["qwen2"])


@pytest.fixture(scope="module")
def plain(model: Any) -> CpuPass:
    return pass_of(model)


def exits_of(plain: CpuPass, layers: int = 2) -> tuple[ExitPass, Counted]:
    counted = Counted(plain)
    adapter = ExitModel(plain.frozen(layers, name="t", words=WORDS)).adapter()
    return ExitPass(counted, adapter), counted


def append(passes: Any, store: KVStore, tokens: Sequence[int]) -> torch.Tensor:
    with torch.inference_mode(), store.appending(tokens) as rows:
        return passes.every_logits(store, rows)


def prompted(passes: Any, store: KVStore) -> int:
    """Encode the prompt; the first token behind it."""
    return int(append(passes, store, PROMPT)[-1].argmax())


def greedy(passes: CpuPass, store: KVStore) -> list[int]:
    output = [prompted(passes, store)]
    while len(output) < LENGTH:
        output.append(int(append(passes, store, output[-1:])[0].argmax()))
    return output


def drafted(exits: ExitPass, store: KVStore, windows: Callable[[], int], least: float) -> list[int]:
    """As :func:`greedy`, with drafts of as many tokens as ``windows`` says each time."""
    output = [prompted(exits, store)]
    exits.follow(store)
    drafter = EarlyExit(exits, least_chance=least)
    list(drafter.begin(Source(tagged([(Role.PREFIX, PROMPT)]))))
    while len(output) < LENGTH:
        tokens = list(drafter.propose(output, windows()).tokens)
        held = len(store)
        said = append(exits, store, [output[-1], *tokens]).argmax(dim=-1).tolist()
        count = next((at for at, token in enumerate(tokens) if token != said[at]), len(tokens))
        store.truncate(held + 1 + count)
        output += said[: count + 1]
    store.truncate(len(PROMPT) + LENGTH - 1)
    return output[:LENGTH]


@pytest.mark.parametrize("layers", [1, 2])
@settings(
    deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(windows=st.lists(st.integers(0, 6), min_size=1), least=st.sampled_from([0.0, 0.02, 0.1, 1.0]))
def test_output_is_that_without_drafts(
    model: Any, plain: CpuPass, layers: int, windows: list[int], least: float
) -> None:
    """Token for token; and the cache holds the same bits."""
    alone, store = store_of(model), store_of(model)
    wanted = greedy(plain, alone)
    turns = iter(windows * LENGTH)
    exits, _ = exits_of(plain, layers)
    assert drafted(exits, store, lambda: next(turns), least) == wanted
    store.audit()
    assert store.ids == alone.ids
    assert store.exact == len(store)
    assert all(torch.equal(*pair) for pair in zip(store.read(), alone.read(), strict=True))


def begin(exits: ExitPass, store: KVStore, tokens: Sequence[int]) -> None:
    """Draft behind each of ``tokens``."""
    exits.follow(store)
    with exits.drafting() as guess:
        for token in tokens:
            assert guess(token).shape == (len(WORDS),)


@pytest.mark.parametrize("asked", [[7], [7, 8], [7, 8, 9], [7, 8, 9, 10]])
def test_no_row_goes_through_the_first_layers_twice(model: Any, plain: CpuPass, asked: list[int]) -> None:
    """The last drafted token has not gone through any: it alone is made up for."""
    exits, counted = exits_of(plain)
    store, alone = store_of(model), store_of(model)
    prompted(exits, store)
    begin(exits, store, [7, 8, 9])
    assert len(store) == len(PROMPT) == exits.held
    counted.rows.update(whole=0, shallow=0, deep=0)
    logits = append(exits, store, asked)
    assert counted.rows == {"whole": 0, "shallow": max(0, len(asked) - 3), "deep": len(asked)}
    prompted(plain, alone)
    assert torch.equal(logits, append(plain, alone, asked))


def test_one_token_needs_the_other_layers_only(model: Any, plain: CpuPass) -> None:
    """A draft that came to nothing costs the step behind it no second run of the first layers."""
    exits, counted = exits_of(plain)
    store, alone = store_of(model), store_of(model)
    prompted(exits, store)
    begin(exits, store, [7])
    counted.rows.update(whole=0, shallow=0, deep=0)
    with torch.inference_mode(), store.appending([7]) as rows:
        logits = exits.last_logits(store, rows)
    assert counted.rows == {"whole": 0, "shallow": 0, "deep": 1}
    prompted(plain, alone)
    assert torch.equal(logits, append(plain, alone, [7])[0])


def other_pass(exits: ExitPass, store: KVStore) -> None:
    append(exits, store, [3])
    store.truncate(len(PROMPT))


def encode_again(exits: ExitPass, store: KVStore) -> None:
    with torch.inference_mode(), store.encoding([2]) as rows:
        exits.encode(store, rows)


def other_text(_: ExitPass, store: KVStore) -> None:
    store.apply(plan_reuse(store.tokens, tagged([(Role.TAIL, (*PROMPT[:-1], 5))])))


def larger_store(_: ExitPass, store: KVStore) -> None:
    store.grow(512)


def shorter(_: ExitPass, store: KVStore) -> None:
    store.truncate(len(PROMPT) - 1)


@pytest.mark.parametrize("event", [other_pass, encode_again, other_text, larger_store, shorter])
def test_what_happened_in_between_lets_it_be_forgotten(
    model: Any, plain: CpuPass, event: Callable[[ExitPass, KVStore], None]
) -> None:
    exits, counted = exits_of(plain)
    store = store_of(model)
    prompted(exits, store)
    begin(exits, store, [7, 8])
    event(exits, store)
    counted.rows.update(whole=0, shallow=0, deep=0)
    append(exits, store, [7, 8])
    assert counted.rows == {"whole": 2, "shallow": 0, "deep": 0}


def test_another_store_or_other_tokens_are_computed_whole(model: Any, plain: CpuPass) -> None:
    exits, counted = exits_of(plain)
    store, other = store_of(model), store_of(model)
    prompted(exits, store)
    prompted(exits, other)
    for asked, onto in (([7, 8], other), ([8, 7], store)):
        begin(exits, store, [7, 8])
        counted.rows.update(whole=0, shallow=0, deep=0)
        append(exits, onto, asked)
        assert counted.rows == {"whole": 2, "shallow": 0, "deep": 0}
        onto.truncate(len(PROMPT))


def test_a_draft_that_is_broken_off_leaves_nothing(model: Any, plain: CpuPass) -> None:
    exits, counted = exits_of(plain)
    store = store_of(model)
    prompted(exits, store)
    with pytest.raises(IndexError, match="no token 150"):
        begin(exits, store, [7, 150])
    store.audit()
    assert store.ids == PROMPT
    assert store.exact == len(PROMPT)
    counted.rows.update(whole=0, shallow=0, deep=0)
    append(exits, store, [7])
    assert counted.rows == {"whole": 1, "shallow": 0, "deep": 0}


def test_without_a_store_there_is_nothing_to_draft_behind(model: Any, plain: CpuPass) -> None:
    exits, _ = exits_of(plain)
    store = store_of(model)
    assert exits.held == -1
    exits.follow(store)
    assert exits.held == 0
    del store
    assert exits.held == -1
    with pytest.raises(RuntimeError, match="no store"), exits.drafting():
        pass
