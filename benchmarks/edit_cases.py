"""Cases for the benchmark ``edits``: a document, an edit made in it, a line to complete.

::

    before   ······ old text ······ if |\\n······        the cache was computed for this
    after    ······ NEW TEXT ······ if |\\n······        asked now; ``truth`` is the rest of the line

Both are cut at the same two line starts around the cursor, and hold the cursor's line up to the
cursor only. Pure and seeded: the file and the seed decide, and a smaller ``per_task`` gives the
beginning of what a larger one gives.
"""

import random
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice, pairwise
from pathlib import Path
from typing import NamedTuple

from benchmarks.edit_sources import Change, Record, Use, far_uses, lines_with, new_name, read_records, undone

CHARS_PER_TOKEN = 3.2
_PER_RECORD = 2
"""Cases of one task out of one record."""
_FRONT, _BACK = 7_500, 3_000
"""Characters of the file in front of the cursor's line and behind its start that a case holds."""
_RENAME_FRONT = 5_800
"""Less where a name changes, so that the product shows all of it, and a far definition with it."""
_SHOWN_FRONT, _SHOWN_BACK = 4_400, 1_000
"""An edit is within these, so the product's windows show it whole, also when cut anew."""
_LEAST_FRONT = 200
"""Characters that stand in front of a line to complete at least."""
_NEARBY = 40
"""Lines between an edit and the cursor at most, if the cursor is in no other edit."""
_SPLIT = 3
"""From so many lines on one insertion is both: its first lines the edit, its last the place to ask."""
_TYPED = 3
_JUMP = range(18, 23)
_BLOCK = 40
_REPLACED = (6, 12)


@dataclass(frozen=True)
class EditCase:
    """What was cached and what is asked now. Places are code points."""

    task: str
    name: str
    """The source record, the cursor's line in its file (from 1), and which one of the record it is."""
    language: str
    before: str
    before_cursor: int
    after: str
    after_cursor: int
    truth: str
    """The true rest of the cursor's line in the final text, without blank space at its end."""
    before_context: str = ""
    after_context: str = ""
    """Lines of another file that stand in front of the document; only in the task ``context``."""
    uses: tuple[tuple[int, int], ...] = ()
    """Renaming: the lines of ``after``, without line ends, that use the new name. Without the definition."""


class _Spot(NamedTuple):
    """Where a completion is asked: a line of the final file, and a column in it."""

    line: int
    column: int


class _Edit(NamedTuple):
    """What changed together, and the lines to ask at; none: lines nearby."""

    changes: tuple[Change, ...]
    places: tuple[int, ...] = ()


_Maker = Callable[[Record, random.Random, Sequence[Record]], Iterator[EditCase]]


def load_cases(path: Path, *, per_task: int, seed: int) -> list[EditCase]:
    """Up to ``per_task`` cases of each task, in the order of ``TASKS``.

    At most two cases of a task come from one record, the second ones when every record was asked
    for one. A task that the data holds too little for has fewer cases, perhaps none: count them.
    Raises OSError or ValueError when the file cannot be read.
    """
    records = read_records(path)
    return [case for task in TASKS for case in islice(_cases(task, records, seed), per_task)]


def _cases(task: str, records: Sequence[Record], seed: int) -> Iterator[EditCase]:
    order = random.Random(f"{seed} {task}").sample(records, len(records))
    streams = [_MAKERS[task](each, random.Random(f"{seed} {task} {each.name}"), records) for each in order]
    for number in range(1, _PER_RECORD + 1):
        for stream in streams:
            for case in islice(stream, 1):
                yield replace(case, task=task, name=f"{case.name}#{number}")


def _staged(record: Record, spot: _Spot, changes: Sequence[Change] = (), front: int = _FRONT) -> EditCase:
    """The case where the changes were made elsewhere; those outside the cut are left out."""
    first, last = _bounds(record, spot.line, front)
    inside = [each for each in changes if first <= each.start <= each.stop <= last]
    lines = list(record.lines)
    lines[spot.line] = lines[spot.line][: spot.column]
    head = record.offsets[first]
    behind = max(0, record.offsets[-1] - 1 - record.offsets[last])
    cursor = record.offsets[spot.line] - head + spot.column
    return EditCase(
        task="",
        name=f"{record.name}:{spot.line + 1}",
        language=record.language,
        before=_cut(undone(lines, inside), head, behind),
        before_cursor=cursor - sum(record.size(each) for each in inside if each.stop <= spot.line),
        after=_cut(lines, head, behind),
        after_cursor=cursor,
        truth=record.lines[spot.line][spot.column :].rstrip(),
    )


def _bounds(record: Record, line: int, front: int) -> tuple[int, int]:
    """The lines ``[first, last)`` of the file that a case at ``line`` holds."""
    place = record.offsets[line]
    last = bisect_right(record.offsets, place + _BACK) - 1
    return bisect_left(record.offsets, place - front), max(last, line + 1)


def _cut(lines: Sequence[str], head: int, behind: int) -> str:
    text = "\n".join(lines)
    return text[head : len(text) - behind]


def _spots(record: Record, lines: Iterable[int], rng: random.Random) -> Iterator[_Spot]:
    """Places in the lines that are worth asking at, in any order."""
    found = list(lines)
    rng.shuffle(found)
    for line in found:
        if record.offsets[line] >= _LEAST_FRONT and (column := record.column(line, rng)) is not None:
            yield _Spot(line, column)


def _lines_of(changes: Iterable[Change]) -> tuple[int, ...]:
    return tuple(line for each in changes for line in range(each.start, each.stop))


def _fresh_spots(record: Record, rng: random.Random) -> Iterator[_Spot]:
    """Places in what the commit wrote, then places anywhere."""
    fresh = _lines_of(record.changes)
    yield from _spots(record, fresh, rng)
    yield from _spots(record, set(range(len(record.lines))).difference(fresh), rng)


def _edited(edits: Callable[[Record, random.Random], list[_Edit]]) -> _Maker:
    """The maker of a task whose edits are changes of the commit: one case an edit."""

    def make(record: Record, rng: random.Random, _: Sequence[Record]) -> Iterator[EditCase]:
        for edit in edits(record, rng):
            for lines in (edit.places, _nearby(record, edit.changes)):
                spots = [each for each in _spots(record, lines, rng) if _is_shown(record, each.line, edit)]
                if spots:
                    yield _staged(record, spots[0], edit.changes)
                    break

    return make


def _nearby(record: Record, changes: Iterable[Change]) -> Iterator[int]:
    near = {line for each in changes for line in range(each.start - _NEARBY, each.stop + _NEARBY)}
    return (line for line in sorted(near) if 0 <= line < len(record.lines))


def _is_shown(record: Record, line: int, edit: _Edit) -> bool:
    """Whether the edit is apart from the line and both its old and its new text are near enough."""
    place = record.offsets[line]
    return all(
        place - record.offsets[each.start] + each.old_chars <= _SHOWN_FRONT
        if each.stop <= line
        else each.start > line and record.offsets[each.stop] - place + each.old_chars <= _SHOWN_BACK
        for each in edit.changes
    )


def _insertions(record: Record, rng: random.Random) -> list[_Edit]:
    edits: list[_Edit] = []
    for change in (each for each in record.telling if each.inserts):
        edits.append(_Edit((change,), _lines_of(each for each in record.changes if each != change)))
        if change.stop - change.start >= _SPLIT:
            middle = rng.randrange(change.start + 1, change.stop)
            edits.append(_Edit((Change(change.start, middle),), tuple(range(middle, change.stop))))
    rng.shuffle(edits)
    return edits


def _deletions(record: Record, rng: random.Random) -> list[_Edit]:
    places = _lines_of(record.changes)
    edits = [_Edit((each,), places) for each in record.telling if each.deletes]
    rng.shuffle(edits)
    return edits


def _multi_place(record: Record, rng: random.Random) -> list[_Edit]:
    """All changes around one where the completion is asked, then two that follow each other."""
    changes = record.telling
    edits: list[_Edit] = []
    for asked in changes:
        others = [each for each in changes if each != asked]
        around = tuple(each for each in others if _is_shown(record, asked.start, _Edit((each,))))
        if len(around) > 1:
            edits.append(_Edit(around, _lines_of([asked])))
    pairs = [_Edit(pair) for pair in pairwise(changes)]
    rng.shuffle(edits)
    rng.shuffle(pairs)
    return edits + pairs


def _typing(record: Record, rng: random.Random, _: Sequence[Record]) -> Iterator[EditCase]:
    """One to three lines are typed where the cursor stood, behind the indentation."""
    for spot in _fresh_spots(record, rng):
        start = spot.line - rng.randint(1, _TYPED)
        if start < 0 or not all(record.code[start : spot.line]) or not record.worth(start, 0):
            continue
        line = record.lines[start]
        indent = line[: len(line) - len(line.lstrip())]
        case = _staged(record, spot, [Change(start, spot.line + 1, (indent,))])
        typed = record.offsets[spot.line] + spot.column - record.offsets[start] - len(indent)
        yield replace(case, before_cursor=case.after_cursor - typed)


def _jump(record: Record, rng: random.Random, _: Sequence[Record]) -> Iterator[EditCase]:
    """The cursor was in a line some twenty lines away."""
    for spot in _fresh_spots(record, rng):
        away = {spot.line + side * lines for side in (-1, 1) for lines in _JUMP}
        for left in islice(_spots(record, away.intersection(range(len(record.lines))), rng), 1):
            case = _staged(record, spot)
            moved = record.offsets[left.line] + left.column - record.offsets[spot.line] - spot.column
            cut = len(record.lines[spot.line]) - spot.column if left.line > spot.line else 0
            yield replace(case, before_cursor=case.after_cursor + moved - cut)


def _context(record: Record, rng: random.Random, records: Sequence[Record]) -> Iterator[EditCase]:
    """Some lines of the block in front of the document became lines of a third file."""
    others = [each for each in records if each.language == record.language and each.path != record.path]
    for spot in _fresh_spots(record, rng):
        if not others:
            return
        block = rng.choice(others).snippet(_BLOCK, rng)
        gone, come = rng.randint(*_REPLACED), rng.randint(*_REPLACED)
        start = rng.randint(0, max(0, len(block) - gone))
        new = [*block[:start], *rng.choice(others).snippet(come, rng), *block[start + gone :]]
        before, after = ("".join(f"{line}\n" for line in lines) for lines in (block, new))
        if len(before) != len(after):
            yield replace(_staged(record, spot), before_context=before, after_context=after)


def _rename(
    tokens: tuple[int, int], record: Record, rng: random.Random, _: Sequence[Record]
) -> Iterator[EditCase]:
    """A definition and all uses got a new name; the cursor's line is to use it. One case a name."""
    found = list(far_uses(record, *(CHARS_PER_TOKEN * each for each in tokens)))
    rng.shuffle(found)
    names: set[str] = set()
    for use in sorted(found, key=lambda each: each.clutter):
        if use.definition.name not in names and (case := _renamed(record, use, rng)):
            names.add(use.definition.name)
            yield case


def _renamed(record: Record, use: Use, rng: random.Random) -> EditCase | None:
    """The case at the use; None if its line is not worth it or the definition not shown."""
    old, new = use.definition.name, new_name(use.definition.name, record, rng)
    now = record.renamed(old, new)
    line = now.lines[use.line]
    column = rng.choice((len(line) - len(line.lstrip()), now.find(use.line, new)))
    first = _bounds(now, use.line, _RENAME_FRONT)[0]
    if not now.worth(use.line, column) or use.definition.line < first:
        return None
    changes = [Change(each, each + 1, (record.lines[each],)) for each in record.mentions[old]]
    elsewhere = [each for each in changes if each.start != use.line]
    case = _staged(now, _Spot(use.line, column), elsewhere, _RENAME_FRONT)
    return replace(case, uses=lines_with(case.after, new, but=use.definition.line - first))


_MAKERS: dict[str, _Maker] = {
    "insertion": _edited(_insertions),
    "deletion": _edited(_deletions),
    "multi-place": _edited(_multi_place),
    "typing": _typing,
    "jump": _jump,
    "context": _context,
    "rename-20": partial(_rename, (12, 40)),
    "rename-250": partial(_rename, (180, 350)),
    "rename-1500": partial(_rename, (1_100, 1_700)),
}
TASKS = tuple(_MAKERS)
