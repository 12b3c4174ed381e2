"""The load's jobs on the tiny model: what they read, in which steps, and that they go on and end."""

from pathlib import Path

import pytest

from benchmarks.chores import CHUNK, READ, WRITTEN, Chore, Meter, chunks, files, index, running, summaries
from completion.background import Background
from completion.config import CompletionConfig, EngineConfig
from completion.engine import Engine
from completion.loading import LoadedModel
from completion.service import CompletionService
from completion.worker import Priority, Steps
from tests.steps import run
from tests.waiting import until


@pytest.fixture
def background(tiny: LoadedModel) -> Background:
    config = EngineConfig(refresh_chunk=32, cache_bytes=4 * 4_096 * tiny.shape.token_bytes)
    return Engine(tiny, config, CompletionConfig()).background


def test_a_summary_reads_a_file_and_writes_a_little(background: Background) -> None:
    meter = Meter()
    run(meter.metered(next(summaries()))(background))
    assert meter.ended == 1
    assert sum(step.tokens for step in meter.steps) == background.encoded
    assert READ < background.encoded <= READ + WRITTEN + 32
    assert max(step.tokens for step in meter.steps) == 32
    assert background.nbytes == 0


def test_the_index_reads_chunk_behind_chunk(background: Background) -> None:
    meter, works = Meter(), index()
    for _ in range(3):
        run(meter.metered(next(works))(background))
    assert meter.ended == 3
    assert 2 * CHUNK < sum(step.tokens for step in meter.steps) <= 3 * CHUNK
    assert max(step.tokens for step in meter.steps) == 32
    assert "".join(chunks(["a" * 2_000])) == "a" * 2_000
    assert len(files()) > 50


async def test_jobs_follow_each_other_until_the_block_ends(tiny_model_dir: Path) -> None:
    config = EngineConfig(model=str(tiny_model_dir), weights="float32", device="cpu")
    service = CompletionService(config, CompletionConfig())
    await service.start()
    chore = Chore(index(), Priority.EMBEDDING, Meter())
    async with running(service, [chore]):
        await until(lambda: chore.meter.ended >= 3)
    await until(lambda: service.status().waiting == 0)
    await service.stop()


async def broken_chores(service: CompletionService) -> None:
    """Until nothing of them is queued any more."""

    def broken(_: Background) -> Steps[None]:
        yield
        raise ValueError("broken")

    meter = Meter()
    async with running(service, [Chore(iter([broken]), Priority.SUMMARY, meter)]):
        await until(lambda: meter.steps)
        await until(lambda: service.status().waiting == 0)


async def test_what_a_job_raises_is_told(tiny_model_dir: Path) -> None:
    config = EngineConfig(model=str(tiny_model_dir), weights="float32", device="cpu")
    service = CompletionService(config, CompletionConfig())
    await service.start()
    with pytest.raises(ValueError, match="broken"):
        await broken_chores(service)
    await service.stop()
