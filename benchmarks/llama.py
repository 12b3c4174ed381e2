"""A running ``llama-server`` beside the product: the same model, the same windows, plain layout."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tokenizers import Tokenizer

from completion.config import CompletionConfig
from completion.families import detect_family
from completion.prompt import PromptBuilder, cut
from completion.registry import locate
from completion.tokens import TextCodec
from completion.window import Layout, lay_out

_TIMEOUT_S = 600.0
_ROOM = 8_192


class LlamaError(Exception):
    """The server does not answer, or not like llama-server."""


@dataclass(frozen=True)
class Told:
    """What llama-server says of one request; ``wall_ms`` is what its client saw."""

    prompt: int
    encoded: int
    encode_ms: float
    made: int
    make_ms: float
    wall_ms: float


@dataclass(frozen=True)
class Made:
    """Tokens of llama-server; ``ended``: it stopped at an end token, which is not among them."""

    ids: tuple[int, ...]
    ended: bool


class LlamaServer:
    """The HTTP interface of a llama-server that somebody else started."""

    def __init__(self, url: str) -> None:
        """``url`` such as ``http://127.0.0.1:8080``."""
        self._address = f"{url.rstrip('/')}/completion"

    def complete(self, tokens: Sequence[int], *, make: int, reuse: bool = True) -> Told:
        """Greedily make ``make`` tokens (at least 1) behind ``tokens``. Raises LlamaError."""
        started = time.perf_counter()
        answer = self._ask(tokens, n_predict=make, cache_prompt=reuse, ignore_eos=True)
        wall_ms = 1e3 * (time.perf_counter() - started)
        try:
            times: dict[str, Any] = answer["timings"]
            return Told(
                prompt=len(tokens),
                encoded=times["prompt_n"],
                encode_ms=times["prompt_ms"],
                made=times["predicted_n"],
                make_ms=times["predicted_ms"],
                wall_ms=wall_ms,
            )
        except KeyError as error:
            raise self._other(error) from error

    def go_on(self, tokens: Sequence[int], *, most: int) -> Made:
        """Greedily make up to ``most`` tokens behind ``tokens``, nothing reused. Raises LlamaError."""
        answer = self._ask(tokens, n_predict=most, cache_prompt=False, return_tokens=True)
        try:
            return Made(tuple(answer["tokens"]), answer["stop_type"] == "eos")
        except KeyError as error:
            raise self._other(error) from error

    def _ask(self, tokens: Sequence[int], **options: int | bool) -> dict[str, Any]:
        body = {"prompt": list(tokens), "temperature": 0, **options}
        request = urllib.request.Request(
            self._address, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
                return json.load(answer)
        except (urllib.error.URLError, OSError, ValueError) as error:
            raise self._other(error) from error

    def _other(self, error: Exception) -> LlamaError:
        return LlamaError(f"{self._address} gave no completion of llama-server: {error}")


class PlainPrompts:
    """Prompts of one document in the plain layout, as others build them; windows stay put, as ours do."""

    def __init__(self, model: str | None, config: CompletionConfig | None = None) -> None:
        """``model`` as in the settings: it must be there already."""
        directory = locate(model, models_dir=None, has_gpu=False).directory
        codec = TextCodec(Tokenizer.from_file(str(directory / "tokenizer.json")))
        self._config = config or CompletionConfig()
        self._prompts = PromptBuilder(codec, detect_family(codec.special_tokens), _ROOM)
        self._layout: Layout | None = None

    def ids(self, text: str, cursor: int) -> tuple[int, ...]:
        """The prompt at ``cursor``; the windows follow from the last call's."""
        self._layout = lay_out(text, cursor, self._layout, self._config)
        plain = replace(self._layout, anchor=cursor)
        return self._prompts.build(cut(text, cursor, plain), heal=False).ids


class Rival:
    """llama-server asked what the product was asked."""

    def __init__(self, url: str, model: str | None) -> None:
        self._server = LlamaServer(url)
        self._prompts = PlainPrompts(model)

    def ask(self, text: str, cursor: int) -> Told:
        """One token at ``cursor``, the cache as the last request left it."""
        return self._server.complete(self._prompts.ids(text, cursor), make=1)
