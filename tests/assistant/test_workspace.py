"""One folder: followed by a thread of its own that ends quickly and does nothing when nothing happens."""

import shutil
import time

import pytest

from assistant.workspace import Workspace
from tests.retrieval.repositories import config_in, make_repository, write_files
from tests.waiting import stretched, until


@pytest.fixture
def root(tmp_path):
    return make_repository(tmp_path / "shop")


@pytest.fixture
def opened(tmp_path, root):
    made = []

    def open_folder(**fields):
        made.append(Workspace(root, config_in(tmp_path, **fields), lambda: None))
        return made[-1]

    yield open_folder
    for workspace in made:
        workspace.close()


async def is_ready(workspace):
    await until(lambda: workspace.status().state == "ready")


async def test_many_changed_files_are_read_by_a_process_and_found(opened, root):
    workspace = opened()
    await is_ready(workspace)
    write_files(root, {f"shop/part{number}.py": f"def part_{number}(): pass\n" for number in range(40)})
    await until(lambda: workspace.index.definitions("part_39") and workspace.index.definitions("part_0"))
    await is_ready(workspace)
    assert workspace.status().files == 44
    shutil.rmtree(root / "shop")
    await until(lambda: workspace.status().files == 1)


async def test_a_buffer_typed_on_is_read_when_it_rests(opened):
    workspace = opened()
    await is_ready(workspace)
    for letters in range(1, 9):
        workspace.show("shop/money.py", f"def name_{'x' * letters}(): pass\n")
    await until(lambda: workspace.index.definitions("name_xxxxxxxx"))
    assert workspace.index.definitions("name_x") == []


async def test_a_folder_that_cannot_be_indexed_says_why(tmp_path, opened, root):
    (tmp_path / "index").write_text("a file where indexes are to lie")
    workspace = opened()
    await until(lambda: workspace.status().state == "failed")
    assert "index" in workspace.status().detail
    assert workspace.index is None


async def test_closing_cuts_off_what_runs_and_the_next_start_goes_on(opened, root):
    write_files(root, {f"big/part{number}.py": "x = 1\n" * 500 for number in range(60)})
    started = opened()
    await until(lambda: started.status().state == "indexing")
    begun = time.monotonic()
    started.close()
    assert time.monotonic() - begun < stretched(1.5)
    again = opened()
    await is_ready(again)
    assert again.status().files == 64
