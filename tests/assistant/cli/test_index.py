"""``splice index`` and ``splice search`` as a person runs them."""

import json
from pathlib import Path

import pytest

from tests.assistant.cli.conftest import Home
from tests.retrieval.repositories import make_repository
from tests.retrieval.sentence_model import make_sentence_model


@pytest.fixture
def root(home: Home) -> Path:
    return make_repository(home.root / "shop")


@pytest.fixture
def embedding(home: Home) -> Home:
    home.settings["SPLICE_RETRIEVAL__EMBEDDER"] = f"static:{make_sentence_model(home.root / 'embedder')}"
    return home


def indexed(home: Home, *arguments: str) -> dict[str, object]:
    run = home.run("index", "--json", *arguments)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def parts(home: Home, root: Path) -> set[str]:
    run = home.run("search", "--json", "apply_discount to the voucher", str(root))
    assert run.returncode == 0, run.stderr
    return {part for each in json.loads(run.stdout)["results"] for part in each["parts"]}


def test_an_index_is_embedded_and_searched_by_meaning_too(embedding: Home, root: Path):
    first = embedding.run("index", str(root))
    assert first.stderr == "Making token vectors of embedder, once; this takes about a minute …\n"
    assert ", 0 of the pieces by meaning." not in first.stdout
    assert parts(embedding, root) == {"dense", "lexical", "symbols"}
    (root / "README.md").write_text("Nothing is sold any more.\n")
    assert parts(embedding, root) == {"dense", "lexical", "symbols"}
    again = indexed(embedding, str(root))
    assert (again["read"], again["vectors"], again["embedded"]) == (0, 0, again["chunks"])
    assert embedding.run("index", "--check", str(root)).returncode == 0


def test_another_embedder_is_told_in_a_sentence(embedding: Home, root: Path):
    indexed(embedding, str(root))
    embedding.settings["SPLICE_RETRIEVAL__EMBEDDER"] = str(embedding.root / "embedder")
    run = embedding.run("index", str(root))
    assert run.stderr == f"The index of {root} was made with another embedder; it is embedded anew.\n"
    assert parts(embedding, root) == {"dense", "lexical", "symbols"}


def test_words_and_symbols_where_nothing_embeds(home: Home, root: Path):
    home.settings["SPLICE_RETRIEVAL__EMBEDDER"] = "none"
    assert indexed(home, str(root))["embedded"] == 0
    assert parts(home, root) == {"lexical", "symbols"}
    home.settings["SPLICE_RETRIEVAL__EMBEDDER"] = "no-such-model"
    run = home.run("index", str(root))
    assert (run.returncode, run.stderr.count("\n")) == (2, 1)
    assert "no-such-model" in run.stderr


def test_offline_it_is_one_sentence_and_the_rest_works(home: Home, root: Path):
    home.settings.update(
        PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_RETRIES="0", HF_ENDPOINT="http://127.0.0.1:9"
    )
    run = home.run("index", str(root))
    assert run.returncode == 0
    assert "could not be downloaded" in run.stderr.splitlines()[-1]
    assert run.stderr.splitlines()[-1].endswith("Until then search goes by words and symbols.")
    assert "Traceback" not in run.stderr
    assert parts(home, root) == {"lexical", "symbols"}
