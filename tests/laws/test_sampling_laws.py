"""What is sampled has the target's own distribution, drafts or not: through the engine's own decoding.

A real model with a vocabulary of ten answers one prompt many times. How often which two tokens came first
is compared with what the model's own logits say (Pearson's chi-square). For one seed a right program goes
red with a chance of at most 1e-4; the seeds are fixed, so what is green stays green.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import pytest
import torch
from transformers import AutoModelForCausalLM, Qwen2Config

from completion.decode import Decoder, Limits
from completion.forward import Forward
from completion.healing import Vocabulary
from completion.passes import TransformersPass
from completion.records import CompletionRequest
from completion.sampling import Sampler, sampler_for
from completion.stopping import Stop, StopRule
from completion.verifying import Drafting, Verifier
from drafts.chooser import Chooser
from drafts.draft import Draft, Source
from drafts.report import DraftReport
from drafts.verify import probabilities
from kvcache.hf import ATTENTION, cache_shape, register_attention
from kvcache.spans import Role, tagged
from kvcache.store import KVStore
from tests.drafts.test_chooser import Lucky
from tests.drafts.test_verify import FALSE_ALARM, alarm
from tests.steps import run

SPELLED = (b"a", b"b", b"ab", b"ba", b"aa", b"c", b"bc", b"ca", b"cc", b"cb")
"""The ten tokens."""
PROMPT = (3, 1, 4, 1, 5)
RUNS = 1_200


class Letters:
    """As much of a codec as decoding asks for."""

    def bytes_of(self, token: int) -> bytes:
        return SPELLED[token]


class Never(StopRule):
    def check(self, text: str, *, final: bool = False) -> Stop | None:
        return None


@dataclass(frozen=True)
class Ten:
    """The model, and a store with the prompt, which every run leaves as it was."""

    forward: Forward
    store: KVStore
    logits: torch.Tensor

    def decode(self, sampler: Sampler, drafting: Drafting | None, *, piece: bytes, tokens: int) -> list[int]:
        verifier = Verifier(
            self.forward, Vocabulary((word, at) for at, word in enumerate(SPELLED)), SPELLED.__getitem__
        )
        decoder = Decoder(verifier=verifier, codec=Letters(), stop_ids=frozenset())
        steps = decoder.steps(
            self.store,
            self.logits,
            piece=piece,
            rule=Never(before="", after=""),
            limits=Limits(tokens, time.perf_counter() + 60),
            emit=lambda _: None,
            drafting=drafting,
            sampler=sampler,
        )
        ids = run(steps).ids
        self.store.truncate(len(PROMPT))
        return ids

    def behind(self, *tokens: int) -> torch.Tensor:
        """The model's logits behind the prompt and ``tokens``."""
        logits = self.forward.logits(self.store, tokens)
        self.store.truncate(len(PROMPT))
        return logits


@pytest.fixture(scope="module")
def ten() -> Ten:
    register_attention()
    torch.manual_seed(5)
    config = Qwen2Config(
        vocab_size=len(SPELLED),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=128,
        initializer_range=0.35,
        tie_word_embeddings=False,
    )
    model = AutoModelForCausalLM.from_config(config, attn_implementation=ATTENTION).eval()
    cpu, shape = torch.device("cpu"), cache_shape(config, 4)
    forward = Forward(TransformersPass(model), shape, dtype=torch.float32, device=cpu)
    store = KVStore(shape, 64, dtype=torch.float32, device=cpu)
    return Ten(forward, store, forward.logits(store, PROMPT))


def shares(asked: Sampler, logits: torch.Tensor, allowed: Sequence[int]) -> torch.Tensor:
    masked = torch.full_like(logits, float("-inf"))
    masked[list(allowed)] = logits[list(allowed)]
    return probabilities(masked, asked.temperature, asked.top_p)


class Guesses(Lucky):
    """Some of them wrong."""

    def propose(self, output: Sequence[int], most: int) -> Draft:
        draft = super().propose(output, most)
        return replace(draft, tokens=tuple(token % len(SPELLED) for token in draft.tokens))


def drafting(truth: Sequence[int], rate: float) -> Drafting:
    chooser = Chooser([Guesses(list(truth), rate)], window=3, force=True)
    return Drafting(chooser, Source(tagged([(Role.PREFIX, PROMPT)])))


class Counted(NamedTuple):
    """How often which two tokens came at two places: ``[10, 10]``."""

    found: torch.Tensor
    drafted: int
    accepted: int


def counts(
    ten: Ten,
    asked: Sampler,
    guessing: Drafting | None,
    *,
    at: int,
    piece: bytes = b"",
    runs: int = RUNS,
) -> Counted:
    found = torch.zeros(10, 10, dtype=torch.float64)
    drafted = accepted = 0
    for _ in range(runs):
        ids = ten.decode(asked, guessing, piece=piece, tokens=4)
        found[ids[at], ids[at + 1]] += 1
        report = DraftReport() if guessing is None else guessing.chooser.report()
        drafted, accepted = drafted + report.drafted, accepted + report.accepted
    return Counted(found, drafted, accepted)


def assert_distributed(found: torch.Tensor, chances: torch.Tensor) -> None:
    possible = chances > 0
    assert not found[~possible].any()
    assert alarm(found[possible], chances[possible]) > FALSE_ALARM


def sampler(temperature: float, top_p: float, seed: int = 1) -> Sampler:
    made = sampler_for(CompletionRequest("", 0, temperature=temperature, top_p=top_p, seed=seed))
    assert made is not None
    return made


ALL = range(10)


@pytest.mark.parametrize(("temperature", "top_p"), [(1.5, 1.0), (0.8, 0.8)])
@pytest.mark.parametrize("rate", [None, 1.0, 0.6], ids=["no drafts", "drafts", "drafts, some of them absurd"])
def test_the_output_is_distributed_as_the_targets(
    ten: Ten, temperature: float, top_p: float, rate: float | None
) -> None:
    """The second and third token, which are drafted, whatever the first was."""
    asked = sampler(temperature, top_p)
    chances = torch.zeros(10, 10)
    for first, share in enumerate(shares(asked, ten.logits, ALL)):
        for second, other in enumerate(shares(asked, ten.behind(first), ALL)):
            chances[second] += share * other * shares(asked, ten.behind(first, second), ALL)
    likely = [int(ten.logits.argmax())]
    likely.append(int(ten.behind(*likely).argmax()))
    likely.append(int(ten.behind(*likely).argmax()))
    counted = counts(ten, asked, None if rate is None else drafting([*likely, 4], rate), at=1)
    assert_distributed(counted.found, chances)
    if rate is not None:
        assert 0 < counted.accepted < counted.drafted


def test_a_piece_is_spelled_whatever_is_drawn(ten: Ten) -> None:
    """``ab``: the first token is ``a`` (then one that starts with ``b``) or ``ab``, in the model's shares."""
    asked = sampler(2.0, 1.0)
    starts = [at for at, word in enumerate(SPELLED) if word in {b"a", b"ab"}]
    goes_on = [at for at, word in enumerate(SPELLED) if word.startswith(b"b")]
    front = shares(asked, ten.logits, starts)
    chances = torch.stack(
        [
            front[first] * shares(asked, ten.behind(first), goes_on if SPELLED[first] == b"a" else ALL)
            for first in ALL
        ]
    )
    counted = counts(ten, asked, drafting([0, 1, 5], 0.7), at=0, piece=b"ab", runs=600)
    assert_distributed(counted.found, chances)


@pytest.mark.parametrize("seed", [0, 2**63 - 1])
def test_the_same_seed_gives_the_same_tokens_with_drafts_and_without(ten: Ten, seed: int) -> None:
    def tokens(guessing: Drafting | None) -> list[int]:
        return ten.decode(sampler(1.5, 0.95, seed), guessing, piece=b"", tokens=20)

    said = tokens(None)
    assert said == tokens(None) == tokens(drafting(said, 0.5)) == tokens(drafting([1] * 20, 1.0))
    assert said != ten.decode(sampler(1.5, 0.95, seed - 1 if seed else 1), None, piece=b"", tokens=20)
