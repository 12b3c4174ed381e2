"""Giving chunks their vectors, in steps that keep others waiting for a short time only."""

from pathlib import Path

import pytest

from retrieval import lookups
from retrieval.embedding import EMBEDDED_AT_ONCE, paced
from retrieval.index import RepositoryIndex
from retrieval.indexing import Progress
from tests.retrieval.repositories import WordEmbedder, config_in, make_repository, write_files


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "shop")


def test_steps_grow_while_they_are_quick_and_shrink_when_they_are_slow():
    assert paced(32, 0.01) == 64
    assert paced(1_024, 0.01) == 1_024
    assert paced(32, 0.15) == 32
    assert paced(32, 5.0) == 16
    assert paced(1, 5.0) == 1


def test_every_piece_is_embedded_and_equal_ones_once(root: Path, tmp_path: Path):
    same = "def same():\n    return 1\n"
    write_files(root, {f"copy{number}.py": same for number in range(3 * EMBEDDED_AT_ONCE)})
    embedder, told = WordEmbedder(), list[Progress]()
    index = RepositoryIndex(root, config_in(tmp_path), embedder)
    index.refresh()
    made = index.embed(told.append)
    assert embedder.seen.count(same) == 1
    assert len(embedder.seen) == made
    status = index.status()
    assert status.embedded == status.chunks > made
    assert (told[-1].done, told[-1].total) == (status.chunks, status.chunks)
    assert index.embed() == 0
    index.close()


def test_a_run_that_was_cut_off_goes_on(root: Path, tmp_path: Path):
    write_files(root, {f"f{number}.py": f"def f{number}():\n    pass\n" for number in range(100)})
    embedder = WordEmbedder()
    index = RepositoryIndex(root, config_in(tmp_path), embedder)
    index.refresh()
    first = index.embed(cancelled=lambda: bool(embedder.seen))
    assert first == EMBEDDED_AT_ONCE
    index.embed()
    assert len(embedder.seen) == len(set(embedder.seen))
    with index.catalog.reading() as connection:
        assert lookups.pending(connection, 10) == []
    index.close()


def test_an_index_begun_without_an_embedder_gets_one(root: Path, tmp_path: Path):
    index = RepositoryIndex(root, config_in(tmp_path))
    index.refresh()
    assert index.embed() == 0
    index.use(WordEmbedder())
    assert index.embed() == index.status().embedded > 0
    assert "dense" in index.search("voucher", 1)[0].parts
    index.close()


def test_another_embedder_embeds_anew_and_it_is_said(
    root: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    config = config_in(tmp_path)
    index = RepositoryIndex(root, config, WordEmbedder())
    index.refresh()
    made = index.embed()
    index.close()
    assert not caplog.records
    other = RepositoryIndex(root, config, WordEmbedder("others", dimension=32))
    assert [record.getMessage() for record in caplog.records] == [
        f"The index of {other.root} was made with another embedder; it is embedded anew."
    ]
    assert other.embed() == made
    other.close()
