"""A team runs a task on all its threads, tells what went wrong, and keeps nothing."""

import gc
import threading
import time
import weakref

import pytest

from completion.cpu.team import Team


class Thing:
    """Something that can be kept by mistake."""


def test_every_thread_has_its_turn_again_and_again() -> None:
    team = Team(3)
    for _ in range(20):
        seen: list[tuple[int, int]] = []
        team.run(lambda thread, seen=seen: seen.append((thread, threading.get_ident())))
        assert sorted(number for number, _ in seen) == [0, 1, 2]
        assert len({ident for _, ident in seen}) == 3
    team.close()


@pytest.mark.parametrize("who", [0, 2])
def test_what_a_thread_raises_is_raised_here(who: int) -> None:
    team = Team(3)

    def task(thread: int) -> None:
        if thread == who:
            raise ValueError(f"thread {who}")

    with pytest.raises(ValueError, match=f"thread {who}"):
        team.run(task)
    team.run(lambda _: None)
    team.close()


def test_a_sleeping_team_keeps_nothing_and_costs_nothing() -> None:
    team, thing = Team(2), Thing()
    gone = weakref.ref(thing)
    team.run(lambda _, thing=thing: None)
    del thing
    gc.collect()
    assert gone() is None
    before = time.process_time()
    time.sleep(0.3)
    assert time.process_time() - before < 0.1
    team.close()


def test_closing_ends_the_threads() -> None:
    before = threading.active_count()
    team = Team(4)
    team.run(lambda _: None)
    assert threading.active_count() == before + 3
    team.close()
    assert threading.active_count() == before
    team.close()


def test_a_healthy_task_is_not_blamed_for_the_one_before() -> None:
    """All threads raise; one error is told, and none is left for later."""
    team, told = Team(4), []

    def task(thread: int) -> None:
        raise ValueError(thread)

    for _ in range(3):
        with pytest.raises(ValueError, match=r"\d"):
            team.run(task)
    team.run(told.append)
    assert sorted(told) == [0, 1, 2, 3]
    team.close()


@pytest.mark.parametrize("who", [0, 1])
def test_who_waits_for_a_thread_that_raised_is_told(who: int) -> None:
    given_up = threading.Event()
    team = Team(3, on_error=given_up.set)

    def task(thread: int) -> None:
        if thread == who:
            raise KeyboardInterrupt
        assert given_up.wait(10)

    with pytest.raises(KeyboardInterrupt):
        team.run(task)
    team.close()


def test_closing_does_not_wait_for_ever() -> None:
    """The engine's thread may still compute when the process ends."""
    team = Team(2)
    begun, go, done = threading.Event(), threading.Event(), threading.Event()

    def task(thread: int) -> None:
        begun.set()
        go.wait(20)

    def run() -> None:
        team.run(task)
        done.set()

    caller = threading.Thread(target=run)
    caller.start()
    began = time.monotonic()
    assert begun.wait(10)
    team.close()
    assert time.monotonic() - began < 10
    go.set()
    assert done.wait(10)
    caller.join()
    with pytest.raises(RuntimeError, match="closed"):
        team.run(task)
