"""Every case of a small set of made-up commits, held to what its task promises."""

import difflib
import json
import re
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from benchmarks.edit_cases import CHARS_PER_TOKEN, TASKS, EditCase, load_cases

MANY = 1_000


def function(number: int) -> list[str]:
    return [
        f"def compute_part_{number}(first, second):",
        f'    """Part {number} of the whole."""',
        f"    total_{number} = first * {number} + second",
        f"    if total_{number} > LIMIT_OF_ALL:",
        f"        return total_{number} - LIMIT_OF_ALL",
        f"    return total_{number}",
        "",
        "",
    ]


def document(commit: int, language: str) -> list[str]:
    head = ["import math", "", f"LIMIT_OF_ALL = {commit}", f"FAR_CONSTANT_{commit} = {commit}", "", ""]
    body = [line for number in range(60) for line in function(100 * commit + number)]
    for place in (150, 220, 300):
        body[place + 32 : place + 32] = [f"print(wide_{place}, 'again')", ""]
        body[place:place] = [f"wide_{place} = [", f"    FAR_CONSTANT_{commit} + {place},", "]", ""]
    return [*head, f"# {language} 😀", *body, ""]


def edited(commit: int, language: str) -> dict[str, object]:
    """A commit that inserts, replaces, deletes and inserts again."""
    after = document(commit, language)
    edits = [
        (60, 64, []),
        (90, 91, ["old_line = 1", "older_line = 2"]),
        (120, 120, ["gone_line = call(3)"] * 3),
    ]
    edits += [(200, 201, []), (330, 330, [f"gone_{commit} = 4"])]
    before, hunks, shift = list(after), [], 0
    for start, stop, old in edits:
        hunks.append([start + shift + 1, start + shift + len(old), start + 1, stop])
        shift += len(old) - (stop - start)
    for start, stop, old in reversed(edits):
        before[start:stop] = old
    return {
        "repo": "made/up",
        "commit": f"{commit:040x}"[::-1],
        "path": f"part_{commit}.{language}",
        "language": language,
        "before": "\n".join(before),
        "after": "\n".join(after),
        "hunks": hunks,
    }


def rows() -> list[dict[str, object]]:
    return [edited(commit, "python" if commit % 2 else "rust") for commit in range(1, 9)]


def load(*, per_task: int = MANY, seed: int = 7) -> list[EditCase]:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "edits.jsonl"
        file.write_text("\n".join(map(json.dumps, rows())), "utf-8")
        return load_cases(file, per_task=per_task, seed=seed)


@cache
def every_case() -> tuple[EditCase, ...]:
    return tuple(load())


def of(*tasks: str) -> list[EditCase]:
    found = [case for case in every_case() if case.task in tasks]
    assert {case.task for case in found} == set(tasks)
    return found


RENAMES = {"rename-20": (12, 40), "rename-250": (180, 350), "rename-1500": (1_100, 1_700)}
STILL = ("jump", "context")
STAYING = tuple(task for task in TASKS if task not in {"typing", "jump"})


def line_at(text: str, cursor: int) -> str:
    return text[text.rfind("\n", 0, cursor) + 1 : cursor]


def common(one: str, other: str) -> int:
    return next(
        (at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]),
        len(min(one, other, key=len)),
    )


def shared(one: str, other: str) -> tuple[int, int]:
    """The lengths of the common prefix and of the common suffix behind it."""
    prefix = common(one, other)
    return prefix, common(one[prefix:][::-1], other[prefix:][::-1])


def final(case: EditCase) -> str:
    name = case.name.partition(":")[2].partition(":")[0]
    return next(str(row["after"]) for row in rows() if row["path"] == name)


def test_there_are_cases_of_every_task_and_few_of_a_record() -> None:
    for task in TASKS:
        names = [re.split(r":\d+#", case.name)[0] for case in of(task)]
        assert max(map(names.count, names)) <= 2
    assert len({case.name + case.task for case in every_case()}) == len(every_case())
    assert [case.task for case in every_case()] == sorted((c.task for c in every_case()), key=TASKS.index)


def test_both_cursors_stand_in_their_text_and_the_rest_of_the_line_is_nowhere() -> None:
    for case in every_case():
        assert re.search(r"\w\w", case.truth)
        assert case.after[case.after_cursor :][:1] in {"", "\n"}
        assert 0 <= case.before_cursor <= len(case.before) <= 12_000
        assert 0 <= case.after_cursor <= len(case.after) <= 12_000


def test_where_the_user_edited_elsewhere_the_cursor_stayed() -> None:
    for case in of(*STAYING):
        assert line_at(case.before, case.before_cursor) == line_at(case.after, case.after_cursor)
        assert case.before[case.before_cursor :][:1] in {"", "\n"}


def test_with_the_truth_the_text_is_whole_lines_of_the_commit() -> None:
    for case in of(*set(TASKS) - RENAMES.keys()):
        text = final(case)
        whole = case.after[: case.after_cursor] + case.truth + case.after[case.after_cursor :]
        start = text.index(whole)
        assert start == 0 or text[start - 1] == "\n"
        assert start + len(whole) == len(text) or whole.endswith("\n")
    for case in of(*set(TASKS) - set(STILL)):
        prefix, suffix = shared(case.before, case.after)
        assert prefix > 0
        assert suffix > 0


def test_the_edit_is_near_enough_to_be_shown() -> None:
    for case in of("insertion", "deletion", "multi-place"):
        prefix, suffix = shared(case.before, case.after)
        for text, cursor in ((case.before, case.before_cursor), (case.after, case.after_cursor)):
            assert cursor - prefix <= 4_400
            assert len(text) - suffix - cursor <= 1_000


@pytest.mark.parametrize("task", ["insertion", "deletion"])
def test_one_place_was_inserted_or_deleted_whole_lines(task: str) -> None:
    for case in of(task):
        short, long = sorted((case.before, case.after), key=len)
        assert (short == case.before) is (task == "insertion")
        prefix, suffix = shared(short, long)
        assert prefix + suffix == len(short)
        changed = long[prefix : len(long) - suffix]
        assert changed.count("\n") in {1, 2, 3, 4}
        moved = case.after_cursor - case.before_cursor
        assert moved in {0, len(case.after) - len(case.before)}


def test_several_places_changed() -> None:
    for case in of("multi-place"):
        before, after = case.before.split("\n"), case.after.split("\n")
        found = difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
        assert len([each for each in found if each[0] != "equal"]) > 1


def test_one_to_three_lines_were_typed_at_the_cursor() -> None:
    for case in of("typing"):
        typed = case.after[case.before_cursor : case.after_cursor]
        assert 1 <= typed.count("\n") <= 3
        assert not typed[0].isspace()
        left, right = case.before[: case.before_cursor], case.before[case.before_cursor :]
        assert case.after == left + typed + right
        assert not line_at(case.before, case.before_cursor).strip()


def test_a_jump_is_some_twenty_lines_and_changes_nothing() -> None:
    for case in of("jump"):
        assert case.before == case.after
        between = slice(*sorted((case.before_cursor, case.after_cursor)))
        assert 18 <= case.after[between].count("\n") <= 22
        left = case.before[case.before_cursor :].partition("\n")[0]
        assert left.strip()


def test_some_lines_of_another_file_became_others() -> None:
    for case in of("context"):
        assert (case.before, case.before_cursor) == (case.after, case.after_cursor)
        assert len(case.before_context) != len(case.after_context)
        assert case.before_context.count("\n") == 40
        assert case.before_context.endswith("\n")
        assert case.after_context.endswith("\n")
        assert case.before_context not in final(case)
        prefix, suffix = shared(case.before_context, case.after_context)
        assert prefix + suffix > 0
    assert not any(case.before_context or case.after_context for case in of(*set(TASKS) - {"context"}))


@pytest.mark.parametrize("task", RENAMES)
def test_a_name_changed_everywhere_and_the_truth_uses_it(task: str) -> None:
    for case in of(task):
        words = [set(re.findall(r"\w+", text)) for text in (case.before, case.after)]
        (old,), (new,) = words[0] - words[1], words[1] - words[0]
        back = re.sub(rf"\b{new}\b", old, case.after)
        assert back == case.before
        assert re.search(rf"\b{new}\b", case.truth)
        assert not re.search(rf"\b{new}\b", line_at(case.after, case.after_cursor))
        defined = re.search(rf"^ *(?:def )?{new}\b(?= = |\()", case.after, re.MULTILINE)
        assert defined
        nearest, furthest = (CHARS_PER_TOKEN * tokens for tokens in RENAMES[task])
        used = case.after_cursor + case.truth.index(new)
        assert nearest <= used - defined.end() <= furthest
        assert case.after_cursor < 6_000
        uses = [case.after[start:stop] for start, stop in case.uses]
        assert uses == [
            line
            for line in case.after.split("\n")
            if re.search(rf"\b{new}\b", line) and not line.startswith(defined[0])
        ]


def test_only_renaming_tells_uses() -> None:
    assert not any(case.uses for case in of(*set(TASKS) - RENAMES.keys()))


def test_the_seed_decides_and_few_cases_are_the_beginning_of_many() -> None:
    assert tuple(load()) == every_case()
    assert load(seed=8) != load(seed=7)
    few = load(per_task=3)
    assert few == [case for task in TASKS for case in of(task)[:3]]


def test_a_file_without_records_has_no_cases(tmp_path: Path) -> None:
    (tmp_path / "none").write_text("\n", "utf-8")
    assert load_cases(tmp_path / "none", per_task=3, seed=7) == []
