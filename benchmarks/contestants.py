"""The engines whose quality is measured beside the reference: the product's, and llama.cpp's."""

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TypeVar

from benchmarks.infills import CONFIG, END, TOKENS, Answer, Infill, Reader, first_line
from benchmarks.llama import LlamaError, LlamaServer
from benchmarks.reference import nats
from completion.config import EngineConfig, Weights
from completion.engine import Engine, Task
from completion.loading import load_model
from completion.records import FinishReason
from completion.window import lay_out
from kvcache.store import KVStore, rounded_capacity

_CHUNK = 128
"""Tokens whose logits are looked at in one pass."""

_T = TypeVar("_T")


class OtherPrompt(Exception):
    """The product asked its model something else than the reference was asked."""


class Product:
    """The product's engine with one kind of weights."""

    def __init__(self, name: str, directory: Path, weights: Weights) -> None:
        config = EngineConfig(weights=weights)
        self._loaded = load_model(name, directory, config)
        self._engine = Engine(self._loaded, config, CONFIG)

    def answer(self, infill: Infill) -> Answer:
        """The completion of a document that nobody has seen. Raises OtherPrompt."""
        request = infill.request
        layout = lay_out(request.text, request.cursor, None, CONFIG)
        done = _result(self._engine.complete(Task(request, layout, 0.0, lambda _: None)))
        if done.trace.prompt_ids != infill.prompt.ids:
            raise OtherPrompt(f"{infill.case.name}: the product built another prompt than the reference got.")
        end = (END,) if done.trace.finish == FinishReason.END_TOKEN else ()
        return Answer(done.trace.output_ids + end, first_line(infill, done.text))

    def nats(self, window: Sequence[int]) -> float:
        """As ``Reference.nats``, ``_CHUNK`` tokens a pass over one store."""
        own = self._loaded
        capacity = rounded_capacity(len(window))
        store = KVStore(own.shape, capacity, dtype=own.dtype, device=own.device, rotary=own.rotary)
        total = 0.0
        for start in range(0, len(window) - 1, _CHUNK):
            end = min(start + _CHUNK, len(window) - 1)
            logits = own.forward.every_logits(store, window[start:end])
            total += nats(logits, window[start + 1 : end + 1])
        return total


class Llama:
    """A running llama-server; it tells no likelihoods, so it has no perplexity here."""

    def __init__(self, url: str, reader: Reader) -> None:
        self._server = LlamaServer(url)
        self._reader = reader

    def answer(self, infill: Infill) -> Answer:
        """Greedy tokens behind the same prompt, cut where the product cuts.

        Raises LlamaError when it does not answer, or gives up before the answer ends.

        It heals no token boundary: a piece in front of the cursor is put behind the prompt as it stands.
        """
        piece = self._reader.codec.encode(infill.prompt.piece.decode())
        made = self._server.go_on(infill.prompt.ids + piece, most=TOKENS - len(piece))
        listener = self._reader.listen(infill)
        for token in (*piece, *made.ids, *((END,) if made.ended else ())):
            if not listener.hear(token):
                return listener.answer()
        raise LlamaError(f"{infill.case.name}: llama-server ended the answer after {len(made.ids)} tokens.")

    def nats(self, window: Sequence[int]) -> None:
        """Not told."""


def _result(steps: Generator[None, None, _T]) -> _T:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value
