"""What says that memory ran out, and what is given up in which order."""

import gc
import weakref
from collections.abc import Generator

import pytest
import torch

from completion.errors import CorruptModel, OutOfMemory
from completion.shortage import Attempt, Spared, attempts, is_shortage, relieved
from tests.steps import run, run_some

OUT = torch.OutOfMemoryError("CUDA out of memory.")


def test_errors_that_say_so_are_known() -> None:
    with pytest.raises(RuntimeError) as told:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert is_shortage(told.value)
    assert is_shortage(OUT)
    assert is_shortage(MemoryError())
    assert is_shortage(RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`"))
    assert not is_shortage(RuntimeError("crash"))
    assert not is_shortage(ValueError("CUDA error: out of memory"))
    assert not is_shortage(None)


def test_an_error_that_a_shortage_caused_is_one() -> None:
    with pytest.raises(CorruptModel) as told:
        raise CorruptModel("cannot be opened") from OUT
    assert is_shortage(told.value)


def test_caches_go_before_the_prompt_does() -> None:
    assert list(attempts(700, 128)) == [
        Attempt(700, Spared.ALL),
        Attempt(700, Spared.DOCUMENT),
        Attempt(700, Spared.NOTHING),
        Attempt(350, Spared.NOTHING),
        Attempt(175, Spared.NOTHING),
    ]
    assert [attempt.tokens for attempt in attempts(100, 128)] == [100, 100, 100]


class Device:
    """Has room for so many tokens, and remembers what was tried on it."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.log: list[object] = []

    def serve(self, tokens: int) -> Generator[None, None, int]:
        self.log.append(tokens)
        yield
        if tokens > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return tokens

    def answer(self, tokens: int) -> Generator[None, None, int]:
        return relieved(self.serve, self.log.append, tokens=tokens, least=128)


def test_what_fits_is_served_at_once() -> None:
    device = Device(1_000)
    assert run(device.answer(1_000)) == 1_000
    assert device.log == [Spared.ALL, 1_000]


def test_what_does_not_fit_is_tried_with_less_and_less() -> None:
    device = Device(300)
    assert run(device.answer(1_000)) == 250
    assert device.log[1::2] == [1_000, 1_000, 1_000, 500, 250]
    assert device.log[2::2] == [Spared.DOCUMENT, Spared.NOTHING, Spared.NOTHING, Spared.NOTHING]


def test_what_fits_in_no_way_fails_with_a_sentence() -> None:
    device = Device(10)
    with pytest.raises(OutOfMemory, match="close other programs"):
        run(device.answer(1_000))


def test_other_errors_are_not_tried_again() -> None:
    def broken(_: int) -> Generator[None, None, int]:
        yield
        raise RuntimeError("crash")

    log: list[Spared] = []
    with pytest.raises(RuntimeError, match="crash"):
        run(relieved(broken, log.append, tokens=500, least=128))
    assert log == [Spared.ALL]


def test_closing_is_no_shortage() -> None:
    device = Device(10)
    run_some(device.answer(1_000), 1)
    assert device.log == [Spared.ALL, 1_000]


def test_nothing_of_a_failed_attempt_is_alive_when_memory_is_freed() -> None:
    class Activations:
        """Something large."""

    made: list[weakref.ref[Activations]] = []

    def serve(_: int) -> Generator[None, None, None]:
        yield
        large = Activations()
        made.append(weakref.ref(large))
        raise torch.OutOfMemoryError("CUDA out of memory.")

    def free(_: Spared) -> None:
        assert all(each() is None for each in made)

    gc.disable()
    try:
        with pytest.raises(OutOfMemory):
            run(relieved(serve, free, tokens=500, least=128))
    finally:
        gc.enable()
    assert len(made) == 4
