"""Tokens and their roles. The oracle is a list of one role a token."""

from hypothesis import given
from hypothesis import strategies as st

from kvcache.spans import Role, Span, TaggedTokens, common_front, common_runs, tagged
from tests.prompts import Parts, documents, edits, roles

ALL = tuple(Role)
runs_of_tokens = st.lists(
    st.tuples(st.sampled_from(ALL), st.lists(st.integers(0, 9), max_size=4).map(tuple)), max_size=8
)


@st.composite
def neighbours(draw: st.DrawFn) -> tuple[TaggedTokens, TaggedTokens]:
    """A prompt and one that some edits make of it."""
    old = new = draw(documents())
    for edit in draw(st.lists(edits(), max_size=3)):
        new = edit(new)
    return old.prompt, new.prompt


@given(runs_of_tokens)
def test_spans_tile_the_tokens(runs: list[tuple[Role, tuple[int, ...]]]) -> None:
    tokens = tagged(runs)
    assert roles(tokens) == [(token, role) for role, run in runs for token in run]
    assert len(tokens) == len(tokens.ids)
    edges = [0, *(span.stop for span in tokens.spans)]
    assert [span.start for span in tokens.spans] == edges[:-1]
    assert all(span.start < span.stop for span in tokens.spans)
    neighbouring = zip(tokens.spans, tokens.spans[1:], strict=False)
    assert all(left.role is not right.role for left, right in neighbouring)


@given(runs_of_tokens)
def test_parts_and_front_are_those_of_the_list(runs: list[tuple[Role, tuple[int, ...]]]) -> None:
    tokens = tagged(runs)
    for role in ALL:
        first = next((span for span in tokens.spans if span.role is role), None)
        assert tokens.span(role) == first
    assert tuple(token for span in tokens.spans for token in tokens.part(span)) == tokens.ids
    front = [role for _, role in roles(tokens)]
    while front and front[-1] is Role.TAIL:
        front.pop()
    assert tokens.front == len(front)


@given(neighbours())
def test_the_common_front_is_that_of_the_lists(pair: tuple[TaggedTokens, TaggedTokens]) -> None:
    length = common_front(*pair)
    old, new = map(roles, pair)
    assert old[:length] == new[:length]
    assert length == min(len(old), len(new)) or old[length] != new[length]


@given(neighbours())
def test_common_runs_are_equal_in_text_and_role(pair: tuple[TaggedTokens, TaggedTokens]) -> None:
    wanted_roles = (Role.CONTEXT, Role.PREFIX, Role.SUFFIX)
    old, new = map(roles, pair)
    a = b = 0
    for run in common_runs(*pair, wanted_roles):
        assert run.old >= a
        assert run.new >= b
        a, b = run.old + run.length, run.new + run.length
        assert old[run.old : a] == new[run.new : b]
        assert all(role in wanted_roles for _, role in new[run.new : b])


@given(documents())
def test_a_prompt_has_all_of_itself_in_common(parts: Parts) -> None:
    prompt = parts.prompt
    found = list(common_runs(prompt, prompt, ALL[1:4]))
    assert all(run.old == run.new for run in found)
    assert sum(run.length for run in found) == len(parts.context + parts.prefix + parts.suffix)


def test_roles_that_stand_in_another_order_do_not_cross() -> None:
    parts = Parts(prefix=tuple(range(10)), suffix=tuple(range(20, 30)))
    turned = Parts(prefix=parts.prefix, suffix=parts.suffix, suffix_first=True)
    found = list(common_runs(parts.prompt, turned.prompt, (Role.PREFIX, Role.SUFFIX)))
    assert [turned.prompt.ids[run.new] for run in found] == [20]


def test_a_role_is_part_of_a_token() -> None:
    prefix, suffix = tagged([(Role.PREFIX, (1, 2, 3))]), tagged([(Role.SUFFIX, (1, 2, 3))])
    assert common_front(prefix, suffix) == 0
    assert list(common_runs(prefix, suffix, ALL)) == []
    assert prefix.spans == (Span(Role.PREFIX, 0, 3),)
