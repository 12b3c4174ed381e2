"""Summaries that are found again, and those that are not."""

from pathlib import Path

from completion.summaries.cache import Latest, Summary, SummaryCache, digest_of, digest_of_subject, fresh
from completion.summaries.levels import Level, Part, Subject
from completion.summaries.prompting import Example


def made(prompt: str, model: str = "m") -> Summary:
    return Summary("function", "f", f"says {prompt}", model, digest_of(model, prompt))


def test_what_was_put_is_found_by_another_instance(tmp_path: Path) -> None:
    SummaryCache(tmp_path / "new").put(made("a"))
    assert SummaryCache(tmp_path / "new").get(made("a").digest) == made("a")
    assert SummaryCache(tmp_path / "new").get(made("b").digest) is None


def test_everything_it_saw_is_in_the_digest() -> None:
    assert len({digest_of("m", "a"), digest_of("n", "a"), digest_of("m", "b")}) == 3
    assert fresh(made("a"), digest_of("m", "a"))
    assert not fresh(made("a"), digest_of("m", "b"))


def test_a_damaged_file_is_no_summary(tmp_path: Path) -> None:
    cache, summary = SummaryCache(tmp_path), made("a")
    cache.put(summary)
    (file,) = tmp_path.iterdir()
    file.write_bytes(b'{"level": 3')
    assert cache.get(summary.digest) is None
    cache.put(summary)
    assert cache.get(summary.digest) == summary


def test_the_oldest_go_when_there_are_too_many(tmp_path: Path) -> None:
    cache = SummaryCache(tmp_path, most=4)
    for number in range(12):
        cache.put(made(str(number)))
    assert len(list(tmp_path.iterdir())) == 4
    assert cache.get(made("11").digest)
    assert cache.get(made("0").digest) is None


def test_a_folder_that_cannot_be_made_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = SummaryCache(tmp_path / "file" / "inside")
    cache.put(made("a"))
    assert cache.get(made("a").digest) is None


def test_the_latest_of_a_place_replaces_the_one_before(tmp_path: Path) -> None:
    cache = SummaryCache(tmp_path)
    assert cache.latest("place") is None
    for number in "12":
        cache.remember("place", Latest(made(number), number))
    assert SummaryCache(tmp_path).latest("place") == Latest(made("2"), "2")
    assert cache.latest("other") is None
    (file,) = tmp_path.iterdir()
    file.write_bytes(b"{}")
    assert cache.latest("place") is None


def test_a_place_that_is_no_text_is_not_kept_and_not_an_error(tmp_path: Path) -> None:
    cache = SummaryCache(tmp_path)
    latest = Latest(Summary("file", "\udcff.py", "says", "m", "d"), "s")
    cache.remember("/\udcff.py", latest)
    assert cache.latest("/\udcff.py") is None


def test_everything_a_subject_holds_is_in_its_digest() -> None:
    subject = Subject(Level.FILE, "a.py", "python", own="x", context=(Part("t", "u"),))
    part = Subject(Level.FUNCTION, "f", "python", own="y")
    seen = [
        digest_of_subject("m", subject, ()),
        digest_of_subject("n", subject, ()),
        digest_of_subject("m", subject, (Example("f", "c", "d"),)),
        digest_of_subject("m", Subject(Level.FILE, "a.py", "python", own="x"), ()),
        digest_of_subject("m", Subject(Level.FILE, "a.py", "python", own="x", parts=(part,)), ()),
    ]
    assert len(set(seen)) == len(seen)
    assert seen[0] == digest_of_subject("m", subject, ())
