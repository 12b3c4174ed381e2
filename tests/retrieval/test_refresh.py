"""Planning a refresh: laws over sets of files."""

from hypothesis import given
from hypothesis import strategies as st

from retrieval.records import FileKey
from retrieval.refresh import RACY_NS, Held, Stat, plan, same, suspects, trusted

KEYS = st.dictionaries(
    st.sampled_from("abcdef"), st.tuples(st.sampled_from(["python", "go"]), st.sampled_from("123"))
)


def keys_of(files) -> frozenset[FileKey]:
    return frozenset(FileKey(path, language, digest) for path, (language, digest) in files.items())


@given(KEYS, KEYS)
def test_doing_what_the_plan_says_leaves_what_is_on_disk(disk, held):
    todo = plan(keys_of(disk), keys_of(held))
    after = {path: key for path, key in held.items() if path not in todo.drop}
    after.update((path, disk[path]) for path in todo.read)
    assert after == disk


@given(KEYS, KEYS)
def test_every_path_is_in_one_group(disk, held):
    todo = plan(keys_of(disk), keys_of(held))
    groups = [*todo.read, *todo.drop, *todo.unchanged]
    assert sorted(groups) == sorted(disk.keys() | held.keys())


@given(KEYS)
def test_a_second_refresh_has_nothing_to_do(disk):
    todo = plan(keys_of(disk), keys_of(disk))
    assert (todo.read, todo.drop) == ((), ())


def test_only_held_files_of_another_size_or_time_are_suspect():
    held = {name: Held(FileKey(name, "python", "1"), Stat(10, 5)) for name in "abc"}
    disk = {"a": Stat(10, 5), "b": Stat(10, 6), "c": Stat(11, 5), "new": Stat(1, 1)}
    assert suspects(disk, held) == ("b", "c")


def test_a_file_written_just_before_it_was_read_is_looked_at_again():
    written = Stat(10, 1_000_000_000)
    assert not same(trusted(written, written.mtime_ns + RACY_NS - 1), written)
    assert same(trusted(written, written.mtime_ns + RACY_NS), written)
