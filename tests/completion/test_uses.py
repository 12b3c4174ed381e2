"""The lines that use a name which an edit touched. The oracle reads words with a regular expression."""

import re
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from completion.uses import use_sites
from kvcache.plan import Plan, plan_cold, plan_reuse
from kvcache.spans import Role, TaggedTokens, tagged

SOURCE = "limit = 10\ndef area(w):\n    return w * limit\n\nother = 3\nprint(area(2), limitless)\n"
WORDS = re.compile(r"[^\W\d]\w{2,}")


def ids(text: str) -> tuple[int, ...]:
    """One token a byte: simple to check, and no name is one token."""
    return tuple(text.encode())


def spell(token: int) -> bytes:
    return bytes([token]) if token < 256 else b""


def prompt(prefix: str, suffix: str = "", tail: str = "") -> TaggedTokens:
    return tagged(
        [
            (Role.MARKER, (256,)),
            (Role.PREFIX, ids(prefix)),
            (Role.MARKER, (257,)),
            (Role.SUFFIX, ids(suffix)),
            (Role.MARKER, (258,)),
            (Role.TAIL, ids(tail)),
        ]
    )


def shown(plan: Plan) -> list[str]:
    """The text of the use sites, in their order."""
    wanted = plan.wanted.ids
    return [
        b"".join(spell(wanted[at]) for at in site).decode(errors="replace") for site in use_sites(plan, spell)
    ]


def change(old: str, new: str, *, suffix: str = "") -> Plan:
    return plan_reuse(prompt(old, suffix, "x"), prompt(new, suffix, "x"))


def test_a_renamed_constant_is_found_where_it_is_used() -> None:
    plan = change(SOURCE.replace("limit =", "bound ="), SOURCE)
    assert [line.strip() for line in shown(plan)] == ["return w * limit"]


def test_a_changed_letter_touches_the_whole_name() -> None:
    """Only the ``a`` of ``area`` is new to the cache; ``print(area(2))`` is a use."""
    plan = change(SOURCE.replace("def area", "def brea"), SOURCE)
    assert [line.strip() for line in shown(plan)] == ["print(area(2), limitless)"]


def test_a_longer_name_and_a_name_in_front_are_no_uses() -> None:
    plan = change(
        "limits = 1\nx = limit\nvalue = 1\n" + "-" * 20, "limits = 1\nx = limit\nlimit = 1\n" + "-" * 20
    )
    assert shown(plan) == []


def test_uses_behind_the_cursor_count_and_the_last_comes_first() -> None:
    suffix = "first(value)\n\nsecond(value)\n"
    plan = change("other = 1\n" + "." * 20 + "\n", "value = 1\n" + "." * 20 + "\n", suffix=suffix)
    assert [line.strip() for line in shown(plan)] == ["second(value)", "first(value)"]


def test_a_name_that_many_lines_use_is_no_particular_one() -> None:
    few, many = "f(self)\n" * 8, "f(self)\n" * 9
    assert len(shown(change("abc = 1\n", "self = 1\n", suffix=few))) == 8
    assert shown(change("abc = 1\n", "self = 1\n", suffix=many)) == []


def test_a_large_change_is_new_code_and_read_for_nothing() -> None:
    """A kept island of numbers between the changes lets both be seen apart."""
    large = "".join(f"name{number} = 1\n" for number in range(9))
    plan = change("0123456789" * 3, large + "0123456789" * 3, suffix="use(name3)\n")
    assert shown(plan) == []
    assert use_sites(plan_cold(TaggedTokens(), prompt("", "")), spell) == ()


def test_what_is_typed_at_the_cursor_is_no_change_of_a_name() -> None:
    old, new = prompt(SOURCE, "use(value)\n"), prompt(SOURCE, "use(value)\n", "value")
    assert use_sites(plan_reuse(old, new), spell) == ()


lines = st.lists(st.sampled_from(["foo = 1", "bar(foo)", "baz", "foobar(é)", "x + bar", ""]), max_size=10)


def words_touched(text: str, start: int, stop: int) -> Iterator[str]:
    for word in WORDS.finditer(text):
        if word.start() < stop and word.end() > start:
            yield word[0]


@given(lines, st.sampled_from(["foo", "bar", "quux", "\n"]), st.integers(0, 10))
def test_sites_are_whole_lines_with_a_touched_name(rows: list[str], come: str, where: int) -> None:
    """Against words read off the text: every site holds one, every line behind with one is a site."""
    before = "\n".join(rows[:where])
    after = "\n".join(rows[where:]).replace("é", "e")
    before = before.replace("é", "e")
    plan = plan_reuse(prompt(before + after, tail="-"), prompt(before + come + after, tail="-"))
    text = b"".join(map(spell, plan.wanted.ids)).decode()
    edges = [len(b"".join(map(spell, plan.wanted.ids[:at]))) for at in range(len(plan.wanted) + 1)]
    gaps = [gap for gap in plan.gaps if edges[gap.start] < edges[gap.stop] and gap.stop < len(plan.wanted)]
    names = {word for gap in gaps for word in words_touched(text, edges[gap.start], edges[gap.stop])}
    for line in shown(plan):
        assert names & set(WORDS.findall(line))
    first = edges[gaps[0].stop] if gaps else len(text)
    behind = text[text.find("\n", first) + 1 :] if "\n" in text[first:] else ""
    expected = [line for line in behind.split("\n") if names & set(WORDS.findall(line))]
    found = [line.strip("\n") for line in shown(plan)][::-1]
    assert all(line in found for line in expected) or len(expected) > 8
