"""The latest edits of other documents."""

from completion.context.edits import Place, RecentEdits


def test_only_what_changed_is_an_edit():
    edits = RecentEdits()
    edits.see("a.py", "1\n2\n3\n4", 0.0)
    assert edits.places("b.py") == []
    edits.see("a.py", "1\nnew\n3\n4", 1.0)
    assert edits.places("b.py") == [Place("a.py", 1)]
    assert edits.places("a.py") == []


def test_typing_goes_on_one_edit_and_a_pause_begins_another():
    edits = RecentEdits()
    edits.see("a.py", "1\n2\n3\n4", 0.0)
    edits.see("a.py", "1\n2\n3\n4x", 1.0)
    edits.see("a.py", "1y\n2\n3\n4x", 2.0)
    assert edits.places("") == [Place("a.py", 3)]
    edits.see("a.py", "1yz\n2\n3\n4x", 60.0)
    assert edits.places("") == [Place("a.py", 0)]


def test_the_latest_file_comes_first():
    edits = RecentEdits()
    for path in ("a", "b"):
        edits.see(path, "", 0.0)
    for path in ("b", "a"):
        edits.see(path, "x", 1.0)
    assert [place.path for place in edits.places("")] == ["a", "b"]
    edits.forget("a")
    assert [place.path for place in edits.places("")] == ["b"]


def test_a_few_files_are_remembered():
    edits = RecentEdits()
    for number in range(20):
        edits.see(str(number), "", 0.0)
        edits.see(str(number), "x", 0.0)
    assert [place.path for place in edits.places("")] == [str(number) for number in range(19, 11, -1)]
