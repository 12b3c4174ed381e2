"""Typing on the service in this process, with the tiny model in it."""

from pathlib import Path

from benchmarks.traces import applied
from benchmarks.typist import BURST, GAP_S, PAUSE_S, Stroke, Typist, gap_s, paired, retyped
from completion.config import CompletionConfig, EngineConfig
from completion.service import CompletionService

SOURCE = "".join(f"value_{number} = compute({number})\n" for number in range(800))


def test_what_was_cut_out_is_typed_again() -> None:
    trace = retyped(SOURCE)
    assert len(SOURCE) - len(trace.start) == len(trace.transactions)
    text = trace.start
    for patches in trace.transactions:
        text = applied(text, patches)
    assert text == SOURCE
    assert retyped().transactions


def test_gaps_are_irregular_and_each_time_the_same() -> None:
    gaps = [gap_s(edit) for edit in range(1, 80)]
    assert gaps == [gap_s(edit) for edit in range(1, 80)]
    pauses = gaps[BURST - 1 :: BURST]
    assert all(PAUSE_S[0] <= gap <= PAUSE_S[1] for gap in pauses)
    assert sum(gap <= GAP_S[1] for gap in gaps) == len(gaps) - len(pauses)
    assert len(set(gaps)) == len(gaps)


async def test_every_edit_is_asked_and_the_document_closed(tiny_model_dir: Path) -> None:
    config = EngineConfig(model=str(tiny_model_dir), weights="float32", device="cpu")
    service = CompletionService(config, CompletionConfig())
    await service.start()
    typist = Typist(service, retyped(SOURCE), "python")
    strokes = await typist.type("typed", range(5, 5 + BURST), seconds=60)
    assert [each.edit for each in strokes] == list(range(5, 5 + BURST))
    assert all(each.queue_ms > 0 for each in strokes)
    assert await typist.type("late", range(5, 10), seconds=0) == []
    await service.audit()
    assert service.status().cache_bytes == 0
    await service.stop()


def test_pairs_are_edits_that_made_a_token_everywhere() -> None:
    quiet = [Stroke(1, 5.0, 1.0), Stroke(2, None, 1.0), Stroke(3, 6.0, 1.0), Stroke(4, 6.0, 1.0)]
    loaded = [Stroke(1, 7.0, 1.0), Stroke(2, 8.0, 1.0), Stroke(3, 9.0, 1.0)]
    assert [[each.edit for each in phase] for phase in paired(quiet, loaded)] == [[1, 3], [1, 3]]
