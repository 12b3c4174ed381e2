"""How many tokens a prompt may have: by model and settings, and by what memory allows at the moment."""

import logging
import time
from collections.abc import Callable

from completion.config import CompletionConfig
from completion.errors import UnsupportedModel

_log = logging.getLogger(__name__)

LEAST_PROMPT = 128
"""With fewer tokens a prompt says nothing."""

_CONTEXT_TOKENS = 8_192
"""Prompts never exceed this, nor the model's own positions."""

_CHARS_PER_TOKEN = 3
"""Of code, about; fewer where names are unusual."""

_SHORT_FOR_S = 60.0


def longest_prompt(completion: CompletionConfig, positions: int) -> int:
    """Tokens of a prompt at most, for a model of so many positions. Warns of windows that hold more.

    Raises UnsupportedModel when the answer's tokens leave too few for a prompt.
    """
    room = min(_CONTEXT_TOKENS, positions - completion.max_tokens)
    if room < LEAST_PROMPT:
        raise UnsupportedModel(
            f"completion.max_tokens is {completion.max_tokens}; of the model's {positions} "
            "positions that leaves too few for a prompt."
        )
    most = (completion.prefix_chars + completion.suffix_chars) // _CHARS_PER_TOKEN
    if most > room:
        _log.warning(
            "completion.prefix_chars and completion.suffix_chars may need %s tokens; there is room for %s: "
            "what is farthest from the cursor is left out of long prompts.",
            f"{most:,}",
            f"{room:,}",
        )
    return room


class Room:
    """How long prompts may be: shorter for a minute after memory ran out, so that not each request tries.

    Written by the engine, on its thread.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        """``most`` tokens usually; ``clock`` tells seconds."""
        self._most = most
        self._clock = clock
        self._short = most
        self._until = float("-inf")

    @property
    def tokens(self) -> int:
        """The most tokens of a prompt now."""
        return self._short if self._clock() < self._until else self._most

    def shorten(self, tokens: int) -> None:
        """Let prompts have at most ``tokens`` tokens for a while."""
        self._short, self._until = tokens, self._clock() + _SHORT_FOR_S
