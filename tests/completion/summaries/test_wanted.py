"""What is gathered of what is wanted, and every wish that cannot be fulfilled."""

from pathlib import Path

import pytest

from completion.errors import BadRequest
from completion.summaries.levels import Level
from completion.summaries.wanted import Wanted, gather, level_of
from retrieval.errors import NoRepository, NotIndexed, OutsideRoot
from retrieval.index import RepositoryIndex
from tests.retrieval.repositories import config_in, make_repository


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "shop")


@pytest.fixture
def index(root: Path, tmp_path: Path) -> RepositoryIndex:
    made = RepositoryIndex(root, config_in(tmp_path))
    made.refresh()
    return made


def test_a_real_index_gives_a_function_its_surroundings(root: Path, index: RepositoryIndex) -> None:
    held = gather(Wanted(root, "shop/cart.py", "checkout"), index)
    shown = {part.title: part.text for part in held.subject.context}
    assert shown["What it calls"] == "def apply_discount(price: Price) -> Price  # shop/money.py"
    assert all("def checkout" not in text for text in shown.values())


def test_the_docstrings_of_imported_files_set_the_tone(root: Path, index: RepositoryIndex) -> None:
    alone = gather(Wanted(root, "shop/cart.py", "checkout"), None)
    around = gather(Wanted(root, "shop/cart.py", "checkout"), index)
    assert [each.name for each in alone.examples] == ["checkout"]
    assert [each.name for each in around.examples] == ["checkout", "apply_discount"]


def test_a_repository_has_its_files_and_what_they_import(root: Path, index: RepositoryIndex) -> None:
    subject = gather(Wanted(root), index).subject
    assert (subject.level, subject.name) == (Level.REPOSITORY, "shop")
    assert "shop/cart.py imports shop/money.py" in subject.context[0].text


@pytest.mark.parametrize(
    ("path", "symbol", "level", "error", "sentence"),
    [
        ("shop/cart.py", "nothing", None, BadRequest, "no single `nothing`"),
        ("shop/cart.py", "", Level.CLASS, BadRequest, "Name the class"),
        ("shop/cart.py", "checkout", Level.CLASS, BadRequest, "is no class, and stands in none"),
        ("shop/cart.py", "ShoppingCart", Level.FUNCTION, BadRequest, "is a class"),
        ("", "", Level.FILE, BadRequest, "name a file"),
        ("../outside.py", "", None, OutsideRoot, "outside"),
        ("gone.py", "", None, NotIndexed, "not a file"),
        (".env", "", None, NotIndexed, "secrets"),
    ],
)
def test_a_wish_that_cannot_be_fulfilled_is_a_sentence(
    root: Path, path: str, symbol: str, level: Level | None, error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        gather(Wanted(root, path, symbol, level), None)


def test_an_unsaved_secret_is_left_alone(root: Path) -> None:
    with pytest.raises(NotIndexed, match="secrets"):
        gather(Wanted(root, ".env", text="A=1"), None)
    key = "aws_secret_access_key = '" + "wJa1rXUtnF3M7K9MD2NGbPxRf5CYq8Lz4TvHs6Ew" + "'\n"
    with pytest.raises(NotIndexed, match="looks like"):
        gather(Wanted(root, "keys.py", text=key), None)


def test_a_folder_without_code_is_said(tmp_path: Path) -> None:
    with pytest.raises(NoRepository, match="no code"):
        gather(Wanted(tmp_path), None)


def test_levels_have_names() -> None:
    assert level_of("class") is Level.CLASS
    assert level_of(None) is None
    with pytest.raises(BadRequest, match="no level `line`; the levels are function, class, file, repository"):
        level_of("line")


def test_no_two_wishes_share_a_place() -> None:
    wishes = [
        Wanted(Path("/a"), "b", "c"),
        Wanted(Path("/a"), "b", "d"),
        Wanted(Path("/a/b"), "c"),
        Wanted(Path("/a"), "b", "c", Level.FILE),
    ]
    assert len({wish.place for wish in wishes}) == len(wishes)
