"""The index of a real repository: what it finds, what it survives."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from retrieval.audit import audit
from retrieval.errors import IndexBusy, NoRepository, OutsideRoot
from retrieval.index import RepositoryIndex
from retrieval.place import index_folder
from tests.retrieval.repositories import WordEmbedder, config_in, git, make_repository, write_files

ROOT = Path(__file__).parents[2]


@pytest.fixture
def root(tmp_path):
    return make_repository(tmp_path / "shop")


@pytest.fixture
def config(tmp_path):
    return config_in(tmp_path)


@pytest.fixture
def index(root, config):
    made = RepositoryIndex(root, config)
    made.refresh()
    yield made
    made.close()


def paths(found) -> list[str]:
    return [each.path for each in found]


def script(*lines: str) -> list[str]:
    """A Python process with ``root`` and ``config`` that runs ``lines``."""
    head = (
        "import sys, time; from pathlib import Path",
        "from retrieval.config import RetrievalConfig; from retrieval.index import RepositoryIndex",
        "root = Path(sys.argv[1]); config = RetrievalConfig(index_dir=Path(sys.argv[2]))",
    )
    return [sys.executable, "-c", "\n".join([*head, *lines])]


# What it finds


def test_words_names_and_both(index):
    assert paths(index.search("zebras"))[0] == "README.md"
    best = index.search("apply_discount", 3)[0]
    assert (best.path, best.name) == ("shop/money.py", "apply_discount")
    assert set(best.parts) == {"symbols", "lexical"}
    assert best.score == pytest.approx(sum(best.parts.values()))


def test_no_place_is_found_twice(index):
    places = [(each.path, each.lines) for each in index.search("price cart total cents", 20)]
    assert len(places) == len(set(places))


def test_symbols_and_who_calls_whom(index):
    assert [hit.definition.name for hit in index.symbols("ShCa")] == ["ShoppingCart"]
    assert paths(index.definitions("Price")) == ["shop/money.py"]
    assert paths(index.definitions("ShoppingCart.add_item")) == ["shop/cart.py"]
    callers = [(use.path, use.reference.within) for use in index.callers("apply_discount")]
    assert callers == [("shop/cart.py", "checkout")]
    assert [hit.definition.name for hit in index.callees("shop/cart.py", "checkout")] == ["apply_discount"]


def test_neighbours(index):
    assert index.neighbours("shop/cart.py").imports == ("shop/money.py",)
    assert index.neighbours("shop/money.py").imported_by == ("shop/cart.py",)


def test_a_search_that_is_late_goes_without(index):
    assert index.search("price", deadline=time.monotonic() - 1) == []


# Following the files


def test_an_edit_a_new_file_a_rename_and_a_deletion(index, root):
    write_files(
        root, {"shop/money.py": "def refund():\n    pass\n", "new/gift.py": "def wrap():\n    pass\n"}
    )
    (root / "README.md").unlink()
    (root / "shop/cart.py").rename(root / "shop/basket.py")
    report = index.touch(["shop/money.py", root / "new", "README.md", "shop/cart.py", "shop/basket.py"])
    assert (report.read, report.dropped) == (3, 2)
    assert index.definitions("apply_discount") == []
    assert paths(index.definitions("refund")) == ["shop/money.py"]
    assert paths(index.definitions("checkout")) == ["shop/basket.py"]
    assert paths(index.definitions("wrap")) == ["new/gift.py"]
    assert audit(index) == []


def test_a_folder_that_is_gone_goes_with_all_below_it(index, root):
    (root / "shop").rename(root.parent / "elsewhere")
    assert index.touch(["shop"]).dropped == 3
    assert index.symbols("") == []
    assert audit(index) == []


def test_an_untouched_repository_is_not_read_again(index):
    report = index.refresh()
    assert (report.read, report.dropped, report.unchanged) == (0, 0, 4)


def test_a_branch_with_other_files(index, root):
    git(root, "checkout", "-q", "-b", "other")
    files = {f"many/m{number}.py": f"def f{number}():\n    pass\n" for number in range(30)}
    write_files(root, files)
    git(root, "add", "-A")
    git(root, "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-q", "-m", "many")
    index.refresh()
    assert len(index.symbols("f1", 100)) >= 11
    git(root, "checkout", "-q", "main")
    assert index.refresh().dropped == 30
    assert audit(index) == []


def test_a_chunk_that_only_moved_keeps_its_id_and_its_vector(root, config):
    embedder = WordEmbedder()
    index = RepositoryIndex(root, config, embedder)
    index.refresh()
    index.embed()
    before = {each.chunk.name: each.id for each in index.chunks("shop/money.py")}
    embedder.seen.clear()
    file = root / "shop/money.py"
    file.write_text("import os\n\n\n" + file.read_text())
    index.touch([file])
    index.embed()
    after = {each.chunk.name: each.id for each in index.chunks("shop/money.py")}
    assert after["apply_discount"] == before["apply_discount"]
    assert not any("voucher" in text for text in embedder.seen)
    assert audit(index) == []
    index.close()


# Unsaved buffers


def test_a_buffer_stands_in_front_of_its_file(index, root):
    index.overlay("shop/money.py", "def convert_currency(amount):\n    return amount\n")
    assert paths(index.search("convert currency", 1)) == ["shop/money.py"]
    assert paths(index.definitions("convert_currency")) == ["shop/money.py"]
    assert index.definitions("apply_discount") == []
    assert not any("voucher" in each.text for each in index.search("apply_discount voucher", 20))
    assert (root / "shop/money.py").read_text().startswith("class Price")
    index.forget_overlay(root / "shop/money.py")
    assert index.definitions("convert_currency") == []
    assert paths(index.definitions("apply_discount")) == ["shop/money.py"]


def test_an_unchanged_piece_of_a_buffer_is_found_at_the_buffers_lines(index, root):
    text = (root / "shop/money.py").read_text()
    index.overlay("shop/money.py", "# a line\n# another\n" + text)
    held, now = index.outline("shop/money.py"), index.search("apply_discount", 1)[0]
    assert now.lines.start == text[: text.index("def apply_discount")].count("\n") + 2
    assert [each.name for each in held.definitions][-1] == "apply_discount"


def test_a_buffer_is_never_written(index, root, config):
    index.overlay("shop/unsaved.py", "def only_in_memory():\n    pass\n")
    index.refresh()
    assert paths(index.definitions("only_in_memory")) == ["shop/unsaved.py"]
    other = RepositoryIndex(root, config)
    assert other.definitions("only_in_memory") == []
    other.close()


# Vectors


def test_vectors_are_found_kept_and_made_anew_from_the_catalogue(root, config):
    embedder = WordEmbedder()
    index = RepositoryIndex(root, config, embedder)
    index.refresh()
    made = index.embed()
    assert made == index.status().embedded == index.status().chunks
    found = index.search("take the voucher off", 3)
    assert "dense" in found[0].parts
    index.close()
    (file,) = index.folder.glob("vectors-*")
    for damage in (file.unlink, lambda: file.write_bytes(b"nonsense")):
        damage()
        again = RepositoryIndex(root, config, WordEmbedder())
        assert again.search("take the voucher off", 3) == found
        assert again.embed() == 0
        again.close()


def test_another_embedder_embeds_anew(root, config):
    first = RepositoryIndex(root, config, WordEmbedder("one"))
    first.refresh()
    made = first.embed()
    first.close()
    second = RepositoryIndex(root, config, WordEmbedder("two", 32))
    assert second.status().embedded == 0
    assert second.embed() == made
    second.close()


def test_embedding_stops_when_asked_and_goes_on(root, config):
    write_files(root, {f"m{number}.py": f"def f{number}():\n    return {number}\n" for number in range(100)})
    index = RepositoryIndex(root, config, WordEmbedder())
    index.refresh()
    steps: list[object] = []
    index.embed(steps.append, lambda: bool(steps))
    half = index.status().embedded
    assert 0 < half < index.status().chunks
    index.embed()
    assert index.status().embedded == index.status().chunks
    index.close()


# What it survives


def test_a_run_that_is_cancelled_is_gone_on_with(root, config):
    write_files(root, {f"m{number:03}.py": f"def f{number}():\n    pass\n" for number in range(250)})
    index = RepositoryIndex(root, config)
    seen: list[int] = []
    report = index.refresh(lambda step: seen.append(step.done), lambda: max(seen) >= 100)
    assert report.cancelled
    assert report.read == 100
    assert index.refresh().read == 154
    assert audit(index) == []
    index.close()


def test_a_run_that_is_killed_is_gone_on_with(root, config):
    write_files(root, {f"m{number:04}.py": f"def f{number}():\n    pass\n" for number in range(2_000)})
    told = "index = RepositoryIndex(root, config); index.refresh(lambda step: print(step.done, flush=True))"
    process = subprocess.Popen(
        [*script(told), str(root), str(config.index_dir)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    while int(process.stdout.readline()) < 300:
        pass
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    index = RepositoryIndex(root, config)
    before = index.status().files
    assert before >= 300
    report = index.refresh()
    assert (report.unchanged, report.read) == (before, 2_004 - before)
    assert audit(index) == []
    index.close()


def test_while_another_process_writes_it_can_be_searched_only(index, root, config):
    hold = script(
        "from filelock import FileLock", "index = RepositoryIndex(root, config)",
        "lock = FileLock(index.folder / 'lock'); lock.acquire(); print('held', flush=True); time.sleep(60)",
    )  # fmt: skip
    process = subprocess.Popen(
        [*hold, str(root), str(config.index_dir)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline() == "held\n"
        for write in (index.refresh, lambda: index.touch(["README.md"])):
            with pytest.raises(IndexBusy, match="searched meanwhile"):
                write()
        assert paths(index.search("zebras"))[0] == "README.md"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert index.refresh().unchanged == 4


def test_two_processes_at_once_leave_a_whole_index(root, config):
    write_files(root, {f"m{number:03}.py": f"def f{number}():\n    pass\n" for number in range(300)})
    work = script(
        "from retrieval.errors import IndexBusy", "for _ in range(100):", "    try:",
        "        RepositoryIndex(root, config).refresh(); break",
        "    except IndexBusy: time.sleep(0.05)",
    )  # fmt: skip
    both = [subprocess.Popen([*work, str(root), str(config.index_dir)], cwd=ROOT) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    index = RepositoryIndex(root, config)
    assert audit(index) == []
    assert index.status().files == 304
    index.close()


def test_damage_met_in_a_refresh_is_repaired(index, caplog):
    with index.catalog.writing() as connection:
        connection.exec_driver_sql("DROP TABLE definitions")
    report = index.refresh()
    (index.root / "README.md").write_text("changed")
    assert index.touch(["README.md"]).read in {1, 4}
    assert report.read in {0, 4}
    assert audit(index) == []
    assert "made anew" in caplog.text


def test_a_catalogue_that_is_garbage_is_made_anew(root, config, caplog):
    folder = index_folder(root, config)
    folder.mkdir(parents=True)
    (folder / "catalog.sqlite").write_bytes(os.urandom(50_000))
    index = RepositoryIndex(root, config)
    assert "made anew" in caplog.text
    assert index.refresh().read == 4
    index.close()


def test_bad_places(index, root, config, tmp_path):
    for outside in ("../x.py", "/etc/passwd", tmp_path / "other.py"):
        with pytest.raises(OutsideRoot, match="outside"):
            index.touch([outside])
        with pytest.raises(OutsideRoot):
            index.overlay(outside, "x = 1")
    with pytest.raises(NoRepository):
        RepositoryIndex(root / "README.md", config)


def test_an_empty_repository(tmp_path, config):
    (tmp_path / "empty").mkdir()
    index = RepositoryIndex(tmp_path / "empty", config)
    assert index.refresh().read == 0
    assert (index.search("x"), index.symbols("x"), audit(index)) == ([], [], [])
    index.close()


def test_a_very_long_file(index, root):
    lines = "\n".join(f"value_{number} = {number}" for number in range(100_000))
    (root / "long.py").write_text(lines)
    index.touch(["long.py"])
    assert audit(index) == []


def test_the_folder_tells_the_repository_and_is_private(index, root, config):
    assert index.folder.name.startswith("shop-")
    assert index.folder.stat().st_mode & 0o077 == 0
    assert index_folder(root, config) != index_folder(root.parent, config)
