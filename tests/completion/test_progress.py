"""Progress is a plain value, and nobody has to listen."""

import dataclasses

import pytest

from completion.progress import Progress, quiet


def test_a_step_cannot_be_changed_by_who_hears_of_it() -> None:
    step = Progress("download", 1, 2, "Downloading")
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(step, "done", 2)  # noqa: B010 - a plain assignment is refused by the type checker already


def test_quiet_takes_every_step() -> None:
    assert quiet(Progress("wait", 0, 0, "Waiting")) is None
