"""Counting without a model: every rule against a slower way to say the same."""

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from benchmarks import replay
from benchmarks.__main__ import main
from benchmarks.replay import Count, Seen, count, full, llama_cpp, pie, prefix, seen
from benchmarks.traces import Patch, TypingTrace, applied
from completion.config import CompletionConfig
from completion.window import Layout
from tests.tiny import make_tokenizer

SOURCE = "".join(f"def part_{number}(first):\n    return first + {number}\n\n" for number in range(40))
CONFIG = CompletionConfig(prefix_chars=900, suffix_chars=300)

few = st.lists(st.integers(0, 2), max_size=24).map(tuple)


def scanned(old: Sequence[int], new: Sequence[int], least: int) -> int:
    """llama.cpp's own loop (server.cpp), token by token."""
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    at = head
    while at < len(old) and head < len(new):
        run = 0
        while at + run < len(old) and head + run < len(new) and old[at + run] == new[head + run]:
            run += 1
        if run >= least:
            head, at = head + run, at + run
        else:
            at += 1
    return len(new) - min(head, len(new) - 1)


def longest_common(old: Sequence[int], new: Sequence[int]) -> int:
    """Length of the longest common subsequence: nobody can keep more in order."""
    row = [0] * (len(new) + 1)
    for left in old:
        before = 0
        for at, right in enumerate(new, 1):
            before, row[at] = row[at], before + 1 if left == right else max(row[at], row[at - 1])
    return row[-1]


@given(few, few.filter(bool), st.integers(1, 5))
@example((5, 1, 1, 2, 3), (1, 2, 3), 3)
def test_llama_cpp_finds_what_its_loop_finds(old: tuple[int, ...], new: tuple[int, ...], least: int) -> None:
    assert llama_cpp(old, new, least=least) == scanned(old, new, least)


def test_llama_cpp_finds_nothing_behind_an_insertion_and_much_behind_a_deletion() -> None:
    held = tuple(range(1_000))
    assert llama_cpp(held, (*held[:100], 5_000, *held[100:])) == 901
    assert llama_cpp(held, held[:100] + held[110:]) == 1
    assert llama_cpp(held, held[:740] + held[746:]) == 994 - 740


@given(few, few.filter(bool))
def test_rules_keep_no_more_than_there_is(old: tuple[int, ...], new: tuple[int, ...]) -> None:
    head = next((at for at, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), None)
    common = min(len(old), len(new)) if head is None else head
    assert full(old, new) == len(new)
    assert prefix(old, new) == max(1, len(new) - common)
    assert max(1, len(new) - longest_common(old, new)) <= pie(old, new) <= prefix(old, new)
    assert 1 <= llama_cpp(old, new, least=2) <= prefix(old, new)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    make_tokenizer().save(str(file))
    return file


def session() -> TypingTrace:
    """Typing, deleting, a jump upwards and back, an edit in two places."""
    text, edits = SOURCE, []

    def edit(*patches: Patch) -> None:
        nonlocal text
        edits.append(patches)
        text = applied(text, patches)

    def line(number: int) -> int:
        return len("\n".join(text.split("\n")[:number]))

    for number in (60, 30, 61):
        at = line(number)
        for char in "\n    value = first":
            edit(Patch(at, 0, char))
            at += 1
        edit(Patch(at - 5, 5, ""))
    edit(Patch(line(35), 0, "\n# A note."), Patch(line(62), 0, "\n    return 1"))
    for _ in range(3):
        edit(Patch(line(62), 1, ""))
    return TypingTrace(SOURCE, tuple(edits))


def counted(tokenizer: Path, *, last: int = len(session().transactions), **options: object) -> Count:
    return count(session(), 0, last, tokenizer=tokenizer, **{"config": CONFIG, **options})


def test_every_rule_counts_every_request(tokenizer: Path) -> None:
    found = counted(tokenizer)
    assert [each.name for each in found.rules] == [*replay.RULES, "Splice, 8 repaired", "Splice, 32 repaired"]
    edits = len(session().transactions)
    assert all(len(each.encoded) == len(each.prompt) == edits for each in found.rules)
    assert len(found.seen) == edits + 1
    whole = found.rules[0]
    assert whole.encoded == whole.prompt
    for each in found.rules:
        assert all(1 <= cost <= prompt for cost, prompt in zip(each.encoded, each.prompt, strict=True))


def test_other_rules_go_from_each_plain_prompt_to_the_next(tokenizer: Path) -> None:
    codec = replay.TextCodec(replay.Tokenizer.from_file(str(tokenizer)))
    before, behind, middle = map(codec.special, ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"))
    texts = [(SOURCE, session().transactions[0][0].position)]
    for patches in session().transactions:
        texts.append((applied(texts[-1][0], patches), patches[-1].cursor))
    prompts: list[tuple[int, ...]] = []
    for text, cursor in texts:
        left = text[:cursor].splitlines(keepends=True)[-257:]
        right = text[cursor:].splitlines(keepends=True)[:65]
        ids = codec.encode("".join(left)), codec.encode("".join(right))
        prompts.append((before, *ids[0], behind, *ids[1], middle))
    found = {each.name: each.encoded for each in counted(tokenizer).rules}
    for name, rule in replay.RULES.items():
        assert found[name] == [rule(old, new) for old, new in pairwise(prompts)]


def test_typing_costs_ours_a_token_or_two_and_nothing_is_stale(tokenizer: Path) -> None:
    typed = range(2, 16)  # behind the line break, which moves the cursor to another line
    ours = counted(tokenizer).rules[-1]
    assert max(ours.encoded[at] for at in typed) <= 4
    assert max(ours.refreshed[at] for at in typed) == 0
    assert sum(ours.refreshed) > 0


def test_ours_encodes_no_more_than_prefix_reuse_of_its_own_prompts(tokenizer: Path) -> None:
    """One place, nothing repaired: never worse than keeping the front. Each repaired token is one more."""
    plain, some = counted(tokenizer, places=1, budgets=(0, 8)).rules[-2:]
    codec = replay.TextCodec(replay.Tokenizer.from_file(str(tokenizer)))
    shown = replay.Shown(codec, CONFIG)
    text = SOURCE
    prompts = [shown.prompt(text, session().transactions[0][0].position).ids]
    for patches in session().transactions:
        text = applied(text, patches)
        prompts.append(shown.prompt(text, patches[-1].cursor).ids)
    bound = [prefix(old, new) for old, new in pairwise(prompts)]
    assert all(cost <= most for cost, most in zip(plain.encoded, bound, strict=True))
    assert sum(plain.encoded) < sum(bound) / 2
    assert all(cost <= least + 8 for cost, least in zip(some.encoded, plain.encoded, strict=True))


def test_without_refresh_the_same_is_encoded(tokenizer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refreshed = counted(tokenizer).rules[-1]
    monkeypatch.setattr(replay.CachedSequence, "exact", property(len))
    never = counted(tokenizer).rules[-1]
    assert not any(never.refreshed)
    assert never.encoded == refreshed.encoded


def test_a_second_place_makes_going_back_cheap(tokenizer: Path) -> None:
    whole = CompletionConfig()
    one, two = (counted(tokenizer, places=places, config=whole).rules[-1].encoded for places in (1, 2))
    back = 2 * (len(one) - 4) // 3
    assert one[:back] == two[:back]
    assert one[back] > 128 > two[back]


def test_it_begins_anywhere_in_the_session(tokenizer: Path) -> None:
    assert len(counted(tokenizer, last=5).rules[-1].encoded) == 5
    later = count(session(), 5, 9, tokenizer=tokenizer, config=CONFIG)
    assert [len(each.encoded) for each in later.rules] == [4] * 6


TEXT = "aa\nbb\ncc\ndd\nee\nff\n"


@pytest.mark.parametrize(
    ("layout", "lines"),
    [
        (Layout(0, 0, 0), Seen(None, None)),
        (Layout(3, 6, 3), Seen(1, 2)),
        (Layout(4, 6, 5), Seen(0, 1)),
        (Layout(6, 6, 9), Seen(0, 0)),
    ],
)
def test_whole_lines_are_counted_beside_the_cursors_own(layout: Layout, lines: Seen) -> None:
    assert seen(TEXT, 7, layout) == lines


def test_the_least_lines_are_reported() -> None:
    found = Count([], [Seen(300, None), Seen(280, 70), Seen(None, 66)])
    assert (found.least_before(), found.least_behind()) == (280, 66)
    assert Count([], [Seen(None, None)]).least_before() is None


@pytest.mark.parametrize("folder", [True, False])
def test_the_table_of_a_dry_run(tokenizer: Path, tmp_path: Path, *, folder: bool) -> None:
    trace, out = tmp_path / "trace.json", tmp_path / "out.json"
    txns = [{"patches": [list(patch) for patch in patches]} for patches in session().transactions[:12]]
    trace.write_text(json.dumps({"startContent": SOURCE, "txns": txns}), "utf-8")
    where = str(tokenizer.parent if folder else tokenizer)
    options = ["--from", "2", "--to", "12", "--tokenizer", where, "--json", str(out)]
    assert main(["keystrokes", "--dry", "--trace", str(trace), *options]) == 0
    written = json.loads(out.read_text("utf-8"))
    table = {row["rule"]: row for row in written["rows"]}
    assert table["prefix reuse"]["refreshed mean"] is None
    assert table["Splice, 8 repaired"]["p99"] < table["full recomputation"]["median"]
    assert any("all in front, all behind" in note for note in written["notes"])
