"""From a prompt to a store and a plan: the place, the mode, the budget of repair."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from completion.config import CompletionConfig
from completion.costs import StepCosts
from completion.loading import LoadedModel
from completion.reuse import Place, Planner, owners_of
from kvcache.places import FAR
from kvcache.plan import plan_cold, plan_exact, plan_reuse
from kvcache.pool import CachePool
from kvcache.repair import Budget, repaired
from kvcache.spans import TaggedTokens
from tests.prompts import Parts

LINES = tuple(range(100, 700))
STORE = 1024


def at(cursor: int, text: tuple[int, ...] = LINES, tail: tuple[int, ...] = (1, 2)) -> TaggedTokens:
    return Parts(prefix=text[:cursor], suffix=text[cursor:], tail=tail).prompt


@pytest.fixture
def planner(tiny: LoadedModel) -> Planner:
    """Three places, repair of 20 tokens, and a budget of four stores."""
    pool = CachePool(
        tiny.shape,
        4 * STORE * tiny.shape.token_bytes,
        dtype=tiny.dtype,
        device=tiny.device,
        rotary=tiny.rotary,
    )
    return Planner(
        pool=pool,
        costs=StepCosts(1e-3),
        config=CompletionConfig(repair_tokens=20),
        movable=True,
        places=3,
        bytes_of=lambda token: b"%d " % token,
    )


def serve(planner: Planner, wanted: TaggedTokens, *, mode: str = "auto", document: str = "doc") -> Place:
    """Take a place and bring its store to ``wanted``, with keys and values of nothing."""
    place = planner.take(document, wanted, mode)  # type: ignore[arg-type] # a mode's name
    with planner.pool.lease(place.owner, STORE) as store:
        store.apply(place.plan)
        with store.encoding(place.plan.compute):
            pass
        assert store.tokens == wanted
        store.audit()
    return place


def test_the_first_request_computes_everything(planner: Planner) -> None:
    for mode in ("auto", "exact", "recompute"):
        place = serve(planner, at(50), mode=mode, document=mode)
        assert place.owner.startswith(owners_of(mode))
        assert place.plan.kept == ()
        assert place.plan.cost == len(at(50))


@given(st.text("ab", min_size=1, max_size=3), st.text("ab", min_size=1, max_size=3))
def test_owners_of_one_document_are_not_those_of_another(left: str, right: str) -> None:
    assert f"{owners_of(left)}0".startswith(owners_of(right)) == (left == right)


def test_a_document_is_never_served_from_another_ones_store(planner: Planner) -> None:
    serve(planner, at(50), document="a")
    place = serve(planner, at(50), document="ab")
    assert place.plan.kept == ()
    assert serve(planner, at(50), document="a").plan.cost == 1


def test_an_edit_is_planned_as_reuse_with_repair(planner: Planner) -> None:
    home = serve(planner, at(400))
    text = (*LINES[:50], 7, *LINES[50:])
    held = at(400)
    place = serve(planner, at(401, text))
    assert place.owner == home.owner
    bare = plan_reuse(held, at(401, text))
    assert (place.plan.kept, place.plan.wanted) == (bare.kept, bare.wanted)
    assert place.plan.repaired == 20
    assert place.plan == repaired(bare, Budget(20))


def test_uses_of_a_changed_name_are_repaired(planner: Planner) -> None:
    """One token renamed; the line far behind it that names the same is encoded again."""
    planner = replace(planner, bytes_of=lambda token: b"name" if token in (5, 6) else b" = 1\n")
    text = (*LINES[:300], 5, *LINES[300:])
    serve(planner, at(500, text))
    renamed = (*text[:20], 5, *text[21:])
    place = serve(planner, at(500, renamed))
    use = renamed.index(5, 21) + 1
    assert use in place.plan.compute
    assert use not in repaired(plan_reuse(at(500, text), at(500, renamed)), Budget(20)).compute


def test_exact_keeps_nothing_that_is_stale(planner: Planner) -> None:
    serve(planner, at(400))
    text = (*LINES[:50], 7, *LINES[50:])
    serve(planner, at(401, text))
    place = serve(planner, at(401, text), mode="exact")
    assert place.plan.unchanged == 1 + 50  # the new line sits in a slot that is not its position's
    assert place.plan == plan_exact(at(401, text), at(401, text), exact=place.plan.unchanged)
    assert serve(planner, at(401, text), mode="exact").plan.cost == 1


def test_recompute_keeps_nothing_and_needs_no_further_store(planner: Planner) -> None:
    home = serve(planner, at(400))
    place = serve(planner, at(400), mode="recompute")
    assert place == Place(home.owner, plan_cold(at(400), at(400)))
    assert planner.pool.owners == (home.owner,)


def test_keys_that_cannot_move_leave_the_exact_front(planner: Planner) -> None:
    fixed = replace(planner, movable=False)
    serve(fixed, at(400))
    wanted = at(401, (*LINES[:50], 7, *LINES[50:]))
    place = fixed.take("doc", wanted, "auto")
    assert place.plan == plan_exact(at(400), wanted, exact=len(at(400)))
    assert place.plan.repairs == ()


def test_a_jump_takes_a_copy_along_and_the_way_back_is_cheap(planner: Planner) -> None:
    home = serve(planner, at(100))
    away = serve(planner, at(400))
    assert away.owner != home.owner
    assert planner.pool.owners == (home.owner, away.owner)
    assert away.plan.unchanged > 0
    assert serve(planner, at(100)) == Place(home.owner, plan_reuse(at(100), at(100)))


def test_there_are_never_more_places_than_allowed(planner: Planner) -> None:
    for cursor in (10, 200, 400, 590, 100, 300, 500):
        serve(planner, at(cursor))
        assert len(planner.pool.owners) <= 3
    assert len(planner.pool.owners) == 3


def test_without_room_for_a_copy_the_source_itself_moves(planner: Planner, tiny: LoadedModel) -> None:
    pool = CachePool(
        tiny.shape,
        STORE * tiny.shape.token_bytes,
        dtype=tiny.dtype,
        device=tiny.device,
        rotary=tiny.rotary,
    )
    narrow = replace(planner, pool=pool)
    home = serve(narrow, at(100))
    away = serve(narrow, at(400))
    assert away.owner == home.owner
    assert away.plan.kept
    assert pool.owners == (home.owner,)


@pytest.mark.parametrize("mode", ["auto", "exact", "recompute"])
def test_a_store_in_use_is_left_alone(planner: Planner, mode: str) -> None:
    """Whoever comes while the only store of a document is leased gets a place beside it."""
    home = serve(planner, at(400))
    with planner.pool.lease(home.owner, STORE) as leased:
        place = serve(planner, at(400), mode=mode)
        assert place.owner != home.owner
        assert place.plan.kept == ()
        assert leased.tokens == at(400)


def test_how_far_a_copy_is_worth_it_can_be_said(planner: Planner) -> None:
    home = serve(planner, at(100))
    assert planner.take("doc", at(110), "auto", far=FAR).owner == home.owner
    assert planner.take("doc", at(110), "auto", far=2).owner != home.owner


@pytest.mark.parametrize(
    ("per_row_s", "tokens"), [(1.0, 8), (0.060 / 50, 50), (1e-6, 128)], ids=["slow", "usual", "fast"]
)
def test_time_becomes_tokens_at_the_speed_of_the_device(
    planner: Planner, per_row_s: float, tokens: int
) -> None:
    config = CompletionConfig(repair_ms=60.0 + 1e-6)
    planner = replace(planner, costs=StepCosts(per_row_s), config=config)
    serve(planner, at(400))
    text = (*LINES[:50], 7, *LINES[50:])
    assert planner.take("doc", at(401, text), "auto").plan.repaired == tokens
