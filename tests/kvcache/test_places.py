"""Places: the store with the least to encode serves; what is far away gets a copy."""

from hypothesis import given
from hypothesis import strategies as st

from kvcache.places import FAR, Choice, Held, choose_place
from kvcache.plan import Plan, plan_reuse
from kvcache.spans import TaggedTokens
from tests.prompts import Parts

LINES = tuple(range(1_000, 2_000))


def at(cursor: int, text: tuple[int, ...] = LINES) -> TaggedTokens:
    """The prompt for a cursor in ``text``."""
    return Parts(prefix=text[:cursor], suffix=text[cursor:], tail=(1,)).prompt


def plan_for(wanted: TaggedTokens, asked: list[Held] | None = None):  # a plan maker
    def make(held: Held) -> Plan:
        if asked is not None:
            asked.append(held)
        return plan_reuse(held.tokens, wanted)

    return make


def choose(held: dict[str, TaggedTokens], wanted: TaggedTokens, *, most: int = 3) -> Choice:
    stores = {name: Held(tokens, len(tokens)) for name, tokens in held.items()}
    return choose_place(stores, plan_for(wanted), new="new", most=most)


cursors = st.lists(st.integers(0, len(LINES)), max_size=4)


@given(cursors, st.integers(0, len(LINES)), st.integers(1, 5))
def test_the_cheapest_place_serves(places: list[int], cursor: int, most: int) -> None:
    held = {f"place {number}": at(where) for number, where in enumerate(places[:most])}
    choice = choose(held, at(cursor), most=most)
    costs = {name: plan_reuse(tokens, at(cursor)).cost for name, tokens in held.items()}
    cheapest = min(costs.values(), default=len(at(cursor)))
    assert choice.plan.cost == cheapest or choice.plan.cost <= 2
    if choice.source is not None:
        assert costs[choice.source] == choice.plan.cost
        assert choice.plan == plan_reuse(held[choice.source], at(cursor))


@given(st.lists(st.integers(0, len(LINES)), min_size=1, max_size=12), st.integers(1, 4))
def test_there_are_never_more_places_than_allowed(visits: list[int], most: int) -> None:
    """A user who jumps around; the stores become what each choice says."""
    held: dict[str, TaggedTokens] = {}
    for number, cursor in enumerate(visits):
        stores = {name: Held(tokens, 0) for name, tokens in held.items()}
        choice = choose_place(stores, plan_for(at(cursor)), new=f"place {number}", most=most)
        held.pop(choice.place, None)
        held[choice.place] = at(cursor)
        assert len(held) <= most


def test_a_far_jump_takes_a_copy_along_and_back_is_cheap() -> None:
    away = choose({"home": at(100)}, at(500))
    assert (away.place, away.source) == ("new", "home")
    assert away.plan.cost > FAR
    back = choose({"home": at(100), "new": at(500)}, at(100))
    assert (back.place, back.source) == ("home", "home")
    assert back.plan.cost == 1


def test_a_near_jump_stays_at_its_place() -> None:
    for step in (1, 40, FAR - 3):
        choice = choose({"home": at(100)}, at(100 + step))
        assert (choice.place, choice.source) == ("home", "home")
        assert choice.plan.cost == step + 3


def test_a_far_jump_without_a_place_left_takes_the_one_used_longest_ago() -> None:
    held = {"old": at(100), "middle": at(400), "last": at(700)}
    assert choose(held, at(900)) == Choice("old", "last", plan_reuse(at(700), at(900)))
    assert choose({"only": at(100)}, at(900), most=1)[:2] == ("only", "only")


def test_the_place_used_last_serves_without_a_look_at_the_others() -> None:
    """Typing costs one plan, however many places there are."""
    asked: list[Held] = []
    stores = {"old": Held(at(100), 0), "last": Held(at(700), 0)}
    choice = choose_place(stores, plan_for(at(700), asked), new="new", most=3)
    assert choice.place == "last"
    assert asked == [stores["last"]]


def test_nothing_held_is_a_new_place() -> None:
    choice = choose({}, at(5))
    assert choice == Choice("new", None, plan_reuse(TaggedTokens(), at(5)))
    assert choice.plan.cost == len(LINES) + 4


def test_how_far_is_far_can_be_said() -> None:
    stores = {"home": Held(at(100), 0)}
    near, far = (choose_place(stores, plan_for(at(110)), new="new", most=3, far=limit) for limit in (13, 12))
    assert (near.place, far.place, far.source) == ("home", "new", "home")
