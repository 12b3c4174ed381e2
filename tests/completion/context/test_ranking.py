"""Which pieces come first."""

from collections.abc import Sequence

from completion.context.edits import Place
from completion.context.pieces import Defined, Excerpt, Why
from completion.context.ranking import Question, by_worth, candidates, fused


def excerpt(path: str, text: str = "text", start: int = 0) -> Excerpt:
    return Excerpt(path, start, start + text.count("\n") + 1, text)


class Fixed:
    """Answers what it was given, whatever is asked."""

    def __init__(self, defined: Sequence[Defined] = (), found: Sequence[Excerpt] = ()) -> None:
        self.defined = defined
        self.found = found

    def definitions(self, path: str, names: Sequence[str]) -> list[Defined]:
        return [each for each in self.defined if each.name in names]

    def search(self, path: str, query: str, k: int) -> list[Excerpt]:
        return list(self.found)[:k]

    def around(self, path: str, line: int) -> Excerpt | None:
        return excerpt(path, "edited", line)


def defined(name: str, path: str, *, imported: bool = False, named: bool = False, files: int = 1) -> Defined:
    return Defined(name, excerpt(path), imported, named, files)


def test_near_imported_and_rare_names_tell_the_most():
    names = {"near": 1.0, "far": 0.5}
    found = [
        defined("far", "far.py"),
        defined("near", "common.py", files=10),
        defined("near", "near.py"),
        defined("far", "imported.py", imported=True),
        defined("far", "named.py", imported=True, named=True),
        defined("unseen", "unseen.py", imported=True),
    ]
    assert [each.path for each in by_worth(found, names)] == [
        "named.py",
        "imported.py",
        "near.py",
        "far.py",
        "unseen.py",
        "common.py",
    ]


def test_a_piece_of_two_rankings_wins_and_names_the_better_reason():
    both, one = excerpt("both"), excerpt("one")
    pieces = fused({Why.SYMBOLS: [one, both], Why.SIMILAR: [both]})
    assert [(piece.excerpt.path, piece.why) for piece in pieces] == [
        ("both", Why.SIMILAR),
        ("one", Why.SYMBOLS),
    ]


def test_all_three_rankings_and_never_the_file_itself():
    repository = Fixed(
        [defined("value", "defines.py"), defined("value", "own.py")],
        [excerpt("found.py", "value = 1"), excerpt("own.py", "value = 1")],
    )
    edited = [Place("edited.py", 3), Place("own.py", 3)]
    pieces = candidates(repository, Question("own.py", "value", 5), edited)
    assert {(piece.excerpt.path, piece.why) for piece in pieces} == {
        ("defines.py", Why.SYMBOLS),
        ("found.py", Why.SIMILAR),
        ("edited.py", Why.EDITED),
    }
    assert [piece.score for piece in pieces] == sorted((piece.score for piece in pieces), reverse=True)
