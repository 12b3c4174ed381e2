"""A recipe's stages share its steps; what cannot be cooked is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drafts.errors import BadRecipe
from drafts.train.loop import Pace
from drafts.train.recipe import Recipe


@given(st.integers(1, 10_000), st.booleans(), st.integers(0, 1))
def test_stages_follow_each_other_to_the_last_step(steps: int, from_layers: bool, prompts: int) -> None:
    stages = Recipe("tiny", Pace(steps), from_layers=from_layers, prompts=prompts).stages()
    ends = [stage.until for stage in stages]
    assert ends == sorted(ends)
    assert ends[-1] == steps
    names = [stage.name for stage in stages]
    assert names == [*["pre-train"][from_layers:], "code", *["align"][:prompts]]


def test_the_last_layer_is_an_exit() -> None:
    assert Recipe("nested", Pace(1), exits=(3, 1, 3)).all_exits == (1, 3, 4)
    assert Recipe("tiny", Pace(1)).all_exits == (4,)


@pytest.mark.parametrize(
    "change",
    [{"pace": Pace(0)}, {"words": 255}, {"rows": 0}, {"length": 16}, {"length": 64, "most": 33}, {"most": 0}],
    ids=str,
)
def test_impossible_recipes_are_refused(change) -> None:
    Recipe("tiny", Pace(1)).check()
    with pytest.raises(BadRecipe):
        Recipe(**{"kind": "tiny", "pace": Pace(1)} | change).check()


def test_two_recipes_can_be_compared_as_json() -> None:
    import json

    one = Recipe("tiny", Pace(5), exits=(1, 2)).as_json()
    assert json.loads(json.dumps(one)) == one
    assert one != Recipe("tiny", Pace(6), exits=(1, 2)).as_json()
