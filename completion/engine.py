"""The engine: a loaded model, its caches, and how a request becomes a completion.

Everything here runs on the engine thread, in steps: generators that pause after every
chunk of prefill and every decoded token, and can be closed at any pause.
"""

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import NamedTuple

from completion.background import Background
from completion.config import CompletionConfig, EngineConfig
from completion.decode import Decoded, Decoder, Limits
from completion.drafting import Drafters
from completion.healing import Vocabulary
from completion.loading import LoadedModel
from completion.memory import cache_budget, free_memory, give_back
from completion.prompt import Prompt, PromptBuilder, cut
from completion.records import Completion, CompletionRequest, Trace
from completion.refreshing import Refresher
from completion.reuse import Planner, owners_of
from completion.room import LEAST_PROMPT, Room, longest_prompt
from completion.sampling import sampler_for
from completion.shapes import rows_at_once
from completion.shortage import Spared, relieved
from completion.stopping import StopRule, rule_for
from completion.trimming import trim
from completion.verifying import Drafting
from completion.window import Layout
from drafts.draft import Source
from drafts.report import DraftReport
from kvcache.audit import largest_error
from kvcache.pool import CachePool
from kvcache.report import ReuseReport

_UNNAMED = "\0unnamed"
"""Owner of the store of requests without a document: dropped behind each."""

_PREDICTION_CHARS = 8_000
"""Of what is expected at the cursor: an answer is shorter, and more takes longer to read than it saves."""

_ITS_SHARE = 4
"""Work in the background may take this part of the caches' budget, beside it."""


@dataclass(frozen=True)
class Task:
    """A request on its way through the engine.

    ``asked_at`` is in seconds of ``time.perf_counter``; ``emit`` gets the text so far, on
    the engine thread.
    """

    request: CompletionRequest
    layout: Layout
    asked_at: float
    emit: Callable[[str], None]


class Times(NamedTuple):
    """When a request was taken up and when its prompt was encoded, in seconds of ``time.perf_counter``."""

    started: float
    encoded: float


class Engine:
    """The only owner of model, tokenizer and caches."""

    def __init__(
        self,
        loaded: LoadedModel,
        engine: EngineConfig,
        completion: CompletionConfig,
        drafters: Drafters | None = None,
    ) -> None:
        """Raises NoFimTokens when the tokenizer lacks one of its family's markers,
        UnsupportedModel when the model has too few positions for the settings.
        """
        self._completion = completion
        self._chunk = rows_at_once(engine.prefill_chunk, loaded.device.type)
        background_chunk = rows_at_once(engine.refresh_chunk, loaded.device.type)
        budget = engine.cache_bytes or cache_budget(free_memory(loaded.device), loaded.device.type)
        drafters = drafters or Drafters()
        its_budget = drafters.cache_bytes(loaded, budget)
        self.drafting = team = drafters.assemble(loaded, cache_bytes=its_budget, chunk=self._chunk)
        self._loaded = loaded = team.target
        self._chooser = team.chooser
        self._pool = CachePool(
            loaded.shape,
            budget - its_budget,
            dtype=loaded.dtype,
            device=loaded.device,
            rotary=loaded.rotary,
        )
        self._planner = Planner(
            pool=self._pool,
            costs=loaded.forward.costs,
            config=completion,
            movable=loaded.rotary is not None,
            places=engine.places,
            bytes_of=loaded.codec.bytes_of,
        )
        self._refresher = Refresher(self._pool, self._planner, loaded.forward, background_chunk)
        self._room = Room(longest_prompt(completion, loaded.max_positions))
        self._prompts = PromptBuilder(loaded.codec, loaded.family, self._room.tokens)
        self._decoder = Decoder(
            verifier=team.verifier(Vocabulary(loaded.codec.vocabulary())),
            codec=loaded.codec,
            stop_ids=_stop_ids(loaded),
        )
        self._background = Background(
            loaded,
            step_tokens=background_chunk,
            budget_bytes=self._pool.budget_bytes // _ITS_SHARE,
            stop_ids=self._decoder.stop_ids,
        )

    @property
    def loaded(self) -> LoadedModel:
        """The model this engine runs."""
        return self._loaded

    @property
    def decoder(self) -> Decoder:
        """The decoding loop of this model."""
        return self._decoder

    @property
    def background(self) -> Background:
        """The model for jobs that nobody waits for."""
        return self._background

    @property
    def movable(self) -> bool:
        """Whether the model's cached keys can be moved, so that anything can be approximate."""
        return self._loaded.rotary is not None

    @property
    def pool(self) -> CachePool:
        """The caches, to read sizes from."""
        return self._pool

    def complete(self, task: Task) -> Generator[None, None, Completion]:
        """Answer a request, pausing between steps.

        Closing the generator, or an error inside, leaves the document's store whole: it
        holds what was encoded until then. Where memory runs out, caches are dropped and then the
        prompt is shortened; raises OutOfMemory when that is not enough.
        """
        started = time.perf_counter()
        prompt = self.prompt(task.request, task.layout)

        def serve(tokens: int) -> Generator[None, None, Completion]:
            if tokens >= len(prompt.ids):
                return self._serve(task, prompt, started)
            self._room.shorten(tokens)
            return self._serve(task, self.prompt(task.request, task.layout), started)

        def free(spared: Spared) -> None:
            if spared is not Spared.ALL:
                own = owners_of(task.request.document or _UNNAMED)
                self._pool.free(spare=own if spared is Spared.DOCUMENT else None)
                give_back(self._loaded.device)

        return (yield from relieved(serve, free, tokens=len(prompt.ids), least=LEAST_PROMPT))

    def _serve(self, task: Task, prompt: Prompt, started: float) -> Generator[None, None, Completion]:
        """One attempt to answer with ``prompt``."""
        rule = rule_for(task.request)
        room = self._max_tokens(task.request, rule)
        mode = task.request.reuse or self._completion.reuse
        document = task.request.document or _UNNAMED
        try:
            owner, plan = self._planner.take(document, prompt.tokens, mode)
            with self._pool.lease(owner, len(prompt.ids) + room) as store:
                store.apply(plan)
                logits = yield from self._loaded.forward.fill(store, plan.compute, self._chunk)
                encoded, reuse = time.perf_counter(), plan.report(store.exact)
                decoded = yield from self._decoder.steps(
                    store,
                    logits,
                    piece=prompt.piece,
                    rule=rule,
                    limits=Limits(room, encoded + self._completion.time_budget_s),
                    emit=task.emit,
                    drafting=self._drafting(task.request, prompt),
                    sampler=sampler_for(task.request),
                )
                drafts = self._chooser.report() if self._chooser else DraftReport()
        finally:
            if self._chooser:
                self._chooser.end()
            self._pool.release(owners_of(_UNNAMED))
        times = Times(started, encoded)
        return self._answer(task, prompt, reuse=reuse, decoded=decoded, drafts=drafts, times=times)

    def _drafting(self, request: CompletionRequest, prompt: Prompt) -> Drafting | None:
        if self._chooser is None:
            return None
        expected = request.prediction[:_PREDICTION_CHARS]
        predicted = expected and prompt.piece.decode() + expected
        return Drafting(
            self._chooser,
            Source(
                prompt.tokens,
                document=request.document,
                language=request.language,
                predicted=self._loaded.codec.encode(predicted) if predicted else (),
            ),
        )

    def refresh(self, task: Task) -> Generator[None, None, int]:
        """Bring the document's caches to the prompt of ``task`` and make the target's exact, in small steps.

        Returns how many tokens the target encoded.
        """
        prompt = self.prompt(task.request, task.layout)
        document = task.request.document or _UNNAMED
        count = yield from self._refresher.steps(document, prompt.tokens, room=self._completion.max_tokens)
        drafting = self._drafting(task.request, prompt)
        if drafting is not None:
            yield from drafting.chooser.catch_up(drafting.source)
        return count

    def prompt(self, request: CompletionRequest, layout: Layout) -> Prompt:
        """The prompt of a request. Changes nothing but what the codec remembers."""
        parts = cut(request.text, request.cursor, layout, request.context)
        return self._prompts.build(parts, room=self._room.tokens, heal=self._completion.layout == "append")

    def forget(self, document: str) -> None:
        """Drop the document's caches, and what drafts remember of it."""
        self._pool.release(owners_of(document))
        if self._chooser:
            self._chooser.forget(document)

    def audit(self) -> float:
        """Audit the bookkeeping of every store and recompute them all from their tokens.

        Returns the largest absolute difference of a key or value.
        """
        self._pool.audit()
        errors: list[float] = []
        for owner in self._pool.owners:
            with self._pool.lease(owner, 1) as store:
                errors.append(largest_error(store, self._loaded.forward.cold))
        return max(errors, default=0.0)

    def _max_tokens(self, request: CompletionRequest, rule: StopRule) -> int:
        config = self._completion
        default = config.single_line_tokens if rule.single_line else config.max_tokens
        return min(request.max_tokens or default, config.max_tokens)

    def _answer(
        self,
        task: Task,
        prompt: Prompt,
        *,
        reuse: ReuseReport,
        decoded: Decoded,
        drafts: DraftReport,
        times: Times,
    ) -> Completion:
        request = task.request

        def since(moment: float) -> float:
            return (moment - task.asked_at) * 1e3

        trace = Trace(
            model=self._loaded.name,
            device=str(self._loaded.device),
            weights=self._loaded.weights,
            layout=self._completion.layout,
            reuse=reuse,
            generated=len(decoded.ids),
            drafts=drafts,
            queue_ms=since(times.started),
            prompt_ms=(times.encoded - times.started) * 1e3,
            first_token_ms=None if decoded.first_token_at is None else since(decoded.first_token_at),
            total_ms=since(time.perf_counter()),
            finish=decoded.finish,
            prompt_ids=prompt.ids,
            output_ids=tuple(decoded.ids),
        )
        text = trim(decoded.text, before=request.text[: request.cursor], after=request.text[request.cursor :])
        return Completion(text, trace)


def _stop_ids(loaded: LoadedModel) -> frozenset[int]:
    """Every special token ends a completion, and so do the family's own, however they are kept."""
    own = (loaded.codec.find(token) for token in loaded.family.stop)
    return loaded.codec.special_ids.union(token for token in own if token is not None)
