"""What was compiled is used again; what cannot be used costs time, not the pass."""

import logging
import os
import pickle
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, cast

import numba
import pytest

from completion.cpu.compiled import keep, remove_old


def _twice(x):
    return 2 * x


def kept_in(folder: Path) -> Any:
    """A kernel of its own each time, as each start has."""
    function = cast("Any", numba).njit(_twice)
    keep(function, folder)
    return function


def hits(function: Any) -> int:
    return sum(function.stats.cache_hits.values())


def test_what_was_compiled_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "kernels" / "1"
    first, second = kept_in(folder), kept_in(folder)
    assert first(21) == 42
    assert (second(21), hits(second)) == (42, 1)
    assert second(0.5) == 1.0  # other types are compiled beside
    third = kept_in(folder)
    assert (third(21), third(0.5), hits(third)) == (42, 1.0, 2)


@pytest.mark.parametrize("ending", ["nbi", "nbc"])
@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "nonsense"])
def test_damaged_files_are_compiled_anew(
    tmp_path: Path, ending: str, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    kept_in(tmp_path)(21)
    (file,) = tmp_path.glob(f"*.{ending}")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 8
    file.write_bytes(
        {"empty": b"", "cut": content[:-9], "flipped": content, "nonsense": b"c__builtin__\nnone\n."}[damage]
    )
    with caplog.at_level(logging.WARNING):
        assert kept_in(tmp_path)(21) == 42
    again = kept_in(tmp_path)
    assert (again(21), hits(again)) == (42, 1)
    if ending == "nbc":
        assert "compiling anew" in caplog.text


def test_an_index_that_names_other_types_is_not_believed(tmp_path: Path) -> None:
    """Two processes that save at once may leave one."""
    first = kept_in(tmp_path)
    assert (first(21), first(0.5)) == (42, 1.0)
    one, two = sorted(tmp_path.glob("*.nbc"))
    content = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(content)
    again = kept_in(tmp_path)
    assert (again(21), again(0.5)) == (42, 1.0)


def test_without_a_folder_it_works_all_the_same(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Numba would write beside the sources instead, and not see that they changed."""
    (tmp_path / "file").write_text("where the folder should be")
    with caplog.at_level(logging.WARNING):
        assert kept_in(tmp_path / "file" / "kernels")(21) == 42
    assert "cannot be kept" in caplog.text
    assert not list(Path(__file__).parent.glob("__pycache__/*.nb?"))


def test_a_folder_that_goes_away_is_no_error(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "kernels"
    function = kept_in(folder)
    folder.rmdir()
    folder.write_text("a file instead")
    with caplog.at_level(logging.WARNING):
        assert function(21) == 42
    assert "cannot be kept" in caplog.text


def test_folders_that_no_start_uses_go(tmp_path: Path) -> None:
    long_ago = time.time() - 30 * 86_400
    for name in ("old", "young"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.nbc").write_bytes(b"x")
    os.utime(tmp_path / "old", (long_ago, long_ago))
    os.utime(tmp_path / "young" / "x.nbc", (long_ago, long_ago))
    kept_in(tmp_path / "new")
    assert {path.name for path in tmp_path.iterdir()} == {"young", "new"}
    os.utime(tmp_path / "new", (long_ago, long_ago))
    kept_in(tmp_path / "new")  # a start that finds it makes it young
    remove_old(tmp_path)
    assert (tmp_path / "new").is_dir()


def test_processes_may_compile_at_once(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from tests.completion.cpu.test_compiled import kept_in;"
        "sys.exit(kept_in(Path(sys.argv[1]))(21) != 42)"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], cwd=Path(__file__).parents[3])
        for _ in range(2)
    ]
    assert [process.wait(120) for process in running] == [0, 0]
    again = kept_in(tmp_path)
    assert (again(21), hits(again)) == (42, 1)
    assert not list(tmp_path.glob("*.tmp.*"))
    for file in tmp_path.glob("*.nbc"):
        pickle.loads(file.read_bytes()[:-32])
