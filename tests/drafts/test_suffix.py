"""The drafter knows the document, what was said in it, and what is being said."""

import random
import time
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drafts.draft import Draft, Source, Verdict
from drafts.suffix import LEAD, OUTPUT_ROOM, SuffixDrafter, SuffixSettings
from drafts.suffix_guess import Limits
from drafts.suffix_index import Origin
from kvcache.spans import Role, TaggedTokens, tagged
from tests.drafts.target import ScriptedTarget, write

Tokens = tuple[int, ...]

MARK = (90_001,)
tokens = st.lists(st.integers(1, 3), max_size=12).map(tuple)


def noise(count: int, seed: int) -> Tokens:
    generator = random.Random(seed)
    return tuple(generator.randrange(10, 90_000) for _ in range(count))


def prompt(before: Tokens = (), after: Tokens = (), context: Tokens = (), tail: Tokens = ()) -> TaggedTokens:
    return tagged(
        [
            (Role.MARKER, MARK),
            (Role.CONTEXT, context),
            (Role.PREFIX, before),
            (Role.MARKER, MARK),
            (Role.SUFFIX, after),
            (Role.MARKER, MARK),
            (Role.TAIL, tail),
        ]
    )


def begun(source: Source, drafter: SuffixDrafter | None = None) -> SuffixDrafter:
    drafter = drafter or SuffixDrafter()
    list(drafter.begin(source))
    return drafter


def held(drafter: SuffixDrafter) -> dict[Origin, Tokens]:
    return {source: drafter._index.tokens(source) for source in drafter._index.sources}


LINE, OTHER = noise(20, 1), noise(20, 2)


@pytest.mark.parametrize("part", ["before", "after", "context"])
def test_each_part_of_the_prompt_is_drafted_from(part: str):
    texts = {"before": noise(50, 3), part: noise(50, 4) + LINE + noise(50, 5)}
    source = Source(prompt(**texts, tail=LINE[:6]), "a.py")
    draft = begun(source).propose((), 7)
    assert draft.drafter == SuffixDrafter.name == "suffix"
    assert draft.tokens == LINE[6:13]


def test_prefix_and_tail_are_one_text():
    text = noise(40, 3)
    source = Source(
        prompt(before=text + LINE[:3], tail=LINE[3:] + noise(9, 4) + text[-2:] + LINE[:2]), "a.py"
    )
    assert begun(source).propose((), 5).tokens == LINE[2:7]


def test_markers_are_no_text():
    """What stands in front of a marker is not followed by what stands behind it."""
    source = Source(prompt(before=OTHER, after=LINE, tail=(*OTHER[-3:],)), "a.py")
    assert all(MARK[0] not in text for text in held(begun(source)).values())
    assert begun(Source(prompt(before=OTHER, after=LINE), "a.py")).propose((), 5) == Draft("suffix")


def test_the_output_is_followed_and_repeats_itself():
    drafter = begun(Source(prompt(before=noise(30, 3)), "a.py"))
    assert len(drafter.propose(LINE, 5)) == 0
    assert drafter.propose(LINE + OTHER + LINE[:4], 5).tokens == LINE[4:9]


def test_an_output_that_says_something_else_is_taken_as_it_is():
    drafter = begun(Source(prompt(before=noise(30, 3)), "a.py"))
    drafter.propose(LINE + OTHER, 5)
    assert drafter.propose(LINE[:4], 5) == Draft("suffix")
    assert held(drafter) == {Origin("a.py", "before"): noise(30, 3) + LINE[:4]}


def test_text_that_repeats_is_written_in_few_passes():
    before = noise(300, 3)
    truth = before[20:120] + noise(5, 4) + before[150:250]
    target = write(SuffixDrafter(), Source(prompt(before=before), "a.py"), truth, most=16)
    assert target.passes * 4 <= len(truth)


def test_a_past_completion_is_drafted_from_its_first_token_on():
    drafter = SuffixDrafter()
    source = Source(prompt(before=noise(30, 3)), "a.py")
    write(drafter, source, LINE)
    assert held(drafter) == {
        Origin("a.py", "before"): noise(30, 3),
        Origin("a.py", "completion", 1): (*noise(30, 3)[-LEAD:], *LINE, 0),
    }
    assert begun(source, drafter).propose((), 8).tokens == LINE[:8]


def test_the_last_verdict_counts_as_said():
    drafter = begun(Source(prompt(before=(7, 8)), "a.py"))
    drafter.observe(Verdict(drafter.propose((), 4), (), 9))
    drafter.end()
    assert held(drafter)[Origin("a.py", "completion", 1)] == (7, 8, 9)


def test_nothing_said_nothing_kept():
    drafter = begun(Source(prompt(before=(7, 8)), "a.py"))
    drafter.end()
    assert held(drafter) == {Origin("a.py", "before"): (7, 8)}


@settings(deadline=None)
@given(tokens, tokens, tokens, tokens)
def test_of_a_document_without_a_name_nothing_is_kept(
    before: Tokens, after: Tokens, context: Tokens, truth: Tokens
):
    drafter = SuffixDrafter()
    write(drafter, Source(prompt(before, after, context)), truth)
    assert held(drafter) == {}
    assert len(drafter._index) == 0


def test_a_document_is_forgotten_with_its_completions():
    drafter = SuffixDrafter()
    write(drafter, Source(prompt(before=LINE, after=OTHER), "a.py"), noise(9, 3))
    write(drafter, Source(prompt(before=OTHER), "b.py"), noise(9, 4))
    drafter.forget("a.py")
    assert {source.document for source in held(drafter)} == {"b.py"}
    assert [origin.document for origin in drafter._past] == ["b.py"]
    drafter.forget("b.py")
    assert held(drafter) == {}


def test_the_oldest_completions_go():
    drafter = SuffixDrafter(SuffixSettings(completions=2))
    for seed in range(4):
        write(drafter, Source(prompt(before=LINE), "a.py"), noise(5, seed))
    kept = [source.number for source in held(drafter) if source.part == "completion"]
    assert kept == [3, 4]


def test_ones_own_document_comes_first():
    drafter = SuffixDrafter()
    write(drafter, Source(prompt(before=LINE[:10] + OTHER), "a.py"), ())
    write(drafter, Source(prompt(before=LINE), "b.py"), ())
    assert (
        begun(Source(prompt(before=LINE[:10] + OTHER, tail=LINE[:8]), "a.py"), drafter)
        .propose(LINE[8:10], 5)
        .tokens
        == OTHER[:5]
    )


def test_memory_stays_within_the_bound_and_keeps_the_document():
    drafter = SuffixDrafter(SuffixSettings(held_tokens=OUTPUT_ROOM + 500))
    for seed in range(6):
        source = Source(prompt(before=noise(300, seed), after=noise(100, 50 + seed)), f"{seed}.py")
        begun(source, drafter)
        drafter.propose(noise(900, 90 + seed), 4)
        assert len(drafter._index) <= OUTPUT_ROOM + 500
        assert held(drafter)[Origin(f"{seed}.py", "before")] == noise(300, seed) + noise(900, 90 + seed)
        assert Origin(f"{seed}.py", "after") in held(drafter)
        drafter.end()
    too_long = Source(prompt(before=noise(2_000, 7)), "long.py")
    assert (
        begun(too_long, drafter).propose(noise(2_000, 7)[1_500:1_550], 3).tokens
        == noise(2_000, 7)[1_550:1_553]
    )


def test_a_request_that_was_closed_while_it_began_does_no_harm():
    drafter = SuffixDrafter()
    beginning = drafter.begin(Source(prompt(before=LINE, after=OTHER), "a.py"))
    next(beginning)
    beginning.close()
    drafter.end()
    write(drafter, Source(prompt(before=LINE, after=OTHER), "a.py"), LINE)


def test_before_a_request_nothing_is_drafted():
    assert SuffixDrafter().propose((), 4) == Draft("suffix")


@settings(deadline=None)
@given(tokens, tokens, tokens, st.integers(0, 6), st.integers(1, 2))
def test_whatever_is_held_the_output_is_the_truth(
    before: Tokens, after: Tokens, truth: Tokens, most: int, branches: int
):
    drafter = SuffixDrafter(SuffixSettings(limits=Limits(branches=branches)))
    for name in ("a.py", "b.py", "a.py", None):
        target = write(drafter, Source(prompt(before, after), name), truth, most=most)
        assert target.passes <= len(truth) + 1


def test_the_same_requests_get_the_same_drafts():
    def drafts() -> list[Verdict]:
        drafter, verdicts = SuffixDrafter(), list[Verdict]()
        for seed in range(5):
            before = (noise(50, seed % 2) + noise(30, seed)) * 2
            target: ScriptedTarget = write(drafter, Source(prompt(before), "a.py"), before[20:60])
            verdicts += target.verdicts
        return verdicts

    assert drafts() == drafts()


PATHOLOGICAL = {"text": noise(4_000, 1) * 2, "zeros": (15, 0) * 4_000, "one token": (5,) * 8_000}


@pytest.mark.parametrize("before", PATHOLOGICAL.values(), ids=PATHOLOGICAL)
def test_a_proposal_takes_well_under_a_millisecond(before: Tokens):
    drafter = begun(Source(prompt(before), "a.py"))
    times: list[float] = []
    output: list[int] = []
    for at in range(100):
        output.append(before[at])
        started = time.thread_time()
        drafter.propose(output, 16)
        times.append(time.thread_time() - started)
    assert median(times) < 1e-3
