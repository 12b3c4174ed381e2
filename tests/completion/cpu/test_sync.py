"""The barrier holds everybody, and no work is handed out twice."""

import threading
from typing import Any

import numba
import numpy as np

from completion.cpu.sync import give_up, meet, new_state, take
from completion.cpu.team import Team
from tests.completion.cpu.calling import from_python

_meet: Any = meet
_take: Any = take
ROUNDS = 500


@numba.njit(nogil=True)
def _in_turns(thread, threads, state, seen):
    """Every thread writes the number of the round, and reads the others' behind the barrier."""
    wrong = 0
    for turn in range(1, ROUNDS + 1):
        seen[thread] = turn
        _meet(state, threads)
        for other in range(threads):
            wrong += seen[other] != turn
        _meet(state, threads)
    return wrong


def test_nobody_passes_before_all_are_there() -> None:
    """Also with more threads than there are cores."""
    team, state, seen = Team(5), new_state(0), np.zeros(5, np.int64)
    wrong: list[int] = []
    team.run(lambda thread: wrong.append(_in_turns(thread, 5, state, seen)))
    team.close()
    assert wrong == [0] * 5
    assert seen.tolist() == [ROUNDS] * 5


def test_one_thread_waits_for_nobody() -> None:
    state = new_state(0)
    from_python(meet)(state, 1)
    assert not state.any()


def test_every_number_is_taken_once() -> None:
    state = new_state(2)
    taken: list[list[int]] = [[], [], []]
    call = from_python(take)
    call(state, 1)  # compiles; the other counter is not touched
    state[:] = 0

    def run(number: int) -> None:
        taken[number].extend(call(state, 0) for _ in range(ROUNDS))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken[0] + taken[1] + taken[2]) == list(range(3 * ROUNDS))
    assert call(state, 1) == 0


def test_nobody_waits_for_who_has_given_up() -> None:
    state = new_state(0)
    call = from_python(meet)
    call(state, 1)  # compiles
    waiting = [threading.Thread(target=call, args=(state, 4)) for _ in range(3)]
    for thread in waiting:
        thread.start()
    waiting[0].join(0.05)
    assert all(thread.is_alive() for thread in waiting)
    give_up(state)
    for thread in waiting:
        thread.join(10)
    assert not any(thread.is_alive() for thread in waiting)
    call(state, 4)  # nor does anybody who comes later
