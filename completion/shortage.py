"""What a request gives up, and in which order, when memory runs out under it.

First the caches of other documents, then its own, then half of the prompt, again and again; only then does
it fail. Which errors say that memory ran out is known here alone.
"""

import logging
from collections.abc import Callable, Generator, Iterator
from enum import Enum, auto
from typing import NamedTuple, TypeVar

import torch

from completion.errors import OutOfMemory

_log = logging.getLogger(__name__)

T = TypeVar("T")

_WORDS = (
    "DefaultCPUAllocator: can't allocate memory",
    "DefaultCPUAllocator: not enough memory",
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
)
"""Of RuntimeErrors that have no class of their own."""


class Spared(Enum):
    """Whose caches stay before an attempt."""

    ALL = auto()
    DOCUMENT = auto()
    """Those of the request's own document."""
    NOTHING = auto()


class Attempt(NamedTuple):
    """A try with prompts of at most ``tokens`` tokens, after all caches but the spared ones were dropped."""

    tokens: int
    spared: Spared


def is_shortage(error: BaseException | None) -> bool:
    """Whether the error, or one that caused it, says that memory ran out, on whichever device."""
    if error is None:
        return False
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    told = isinstance(error, RuntimeError) and any(words in str(error) for words in _WORDS)
    return told or is_shortage(error.__cause__)


def attempts(tokens: int, least: int) -> Iterator[Attempt]:
    """What to try, for a prompt of ``tokens`` tokens that makes no sense with fewer than ``least``."""
    for spared in Spared:
        yield Attempt(tokens, spared)
    while tokens // 2 >= least:
        tokens //= 2
        yield Attempt(tokens, Spared.NOTHING)


def relieved(
    serve: Callable[[int], Generator[None, None, T]],
    free: Callable[[Spared], None],
    *,
    tokens: int,
    least: int,
) -> Generator[None, None, T]:
    """Take the steps of ``serve(tokens)``, and of more attempts where memory runs out within.

    ``free`` drops what is not spared; nothing of the attempt before is alive by then. Raises OutOfMemory
    behind the last attempt, and whatever ``serve`` raises for another reason.
    """
    for attempt in attempts(tokens, least):
        free(attempt.spared)
        try:
            return (yield from serve(attempt.tokens))
        except Exception as error:
            if not is_shortage(error):
                raise
            _log.warning("Memory ran out, with %s tokens: %s", attempt.tokens, str(error).partition("\n")[0])
    raise OutOfMemory(
        "Memory ran out, even without any cache and with a shorter prompt: close other programs that use "
        "the device, or choose a smaller model."
    )
