"""Work that yields is told of, and ends where it is asked to."""

import pytest

from drafts.train.progress import Interrupted, Progress, Watch, never, quiet


def counting(closed: list[bool]):
    try:
        yield from range(1, 6)
    finally:
        closed.append(True)
    return "done"


def test_the_result_of_work_is_returned() -> None:
    told: list[Progress] = []
    assert Watch(told.append, never).follow("Counting", counting([]), 5) == "done"
    assert told == [Progress("Counting", number, 5) for number in range(1, 6)]
    assert Watch().follow("Counting", counting([])) == "done"
    assert quiet(told[0]) is None


def test_stopped_work_is_closed() -> None:
    told: list[Progress] = []
    closed: list[bool] = []
    with pytest.raises(Interrupted):
        Watch(told.append, lambda: len(told) == 2).follow("Counting", counting(closed))
    assert (len(told), closed) == (2, [True])
