"""What a run learns from is made once, kept, and the same when it is made again."""

import dataclasses

import numpy as np
import pytest
import torch

from drafts.errors import NoCorpus
from drafts.train.corpus import Rules, collect
from drafts.train.materials import Materials
from drafts.train.progress import Progress, Watch
from drafts.train.recipe import Recipe
from tests.drafts.train.conftest import small_recipe


@pytest.fixture(scope="module")
def corpus(project):
    return Watch().follow("", collect([project], Rules()))


@pytest.fixture
def make(corpus, codec, fim, tiny_model_dir, tmp_path):
    def made(recipe: Recipe, **changes) -> Materials:
        given = Materials(
            recipe, corpus, codec, fim,
            target_dir=tiny_model_dir, base_dir=None, device=torch.device("cpu"), folder=tmp_path,
        )  # fmt: skip
        return dataclasses.replace(given, **changes)

    return made


def test_the_vocabulary_is_counted_once(make, fim) -> None:
    told: list[Progress] = []
    materials = make(small_recipe(words=300))
    first = materials.vocabulary(Watch(told.append))
    assert len(first) == 300
    assert first.says(sorted(fim.all)).all()
    assert told
    told.clear()
    assert np.array_equal(materials.vocabulary(Watch(told.append)).tokens, first.tokens)
    assert not told


def test_there_are_no_more_words_than_tokens(make, codec) -> None:
    assert len(make(small_recipe(words=5_000)).vocabulary(Watch())) == len(codec)


def test_without_completions_the_reference_is_what_stood_there(make, codec, corpus) -> None:
    held_out = make(small_recipe()).held_out(Watch())
    texts = "".join(each.text for each in corpus.held_out)
    for _, reference in held_out:
        assert b"".join(codec.bytes_of(token) for token in reference).decode() in texts


def test_with_completions_the_reference_is_the_targets(make) -> None:
    materials = make(small_recipe(prompts=16, held_out_prompts=16))
    said = materials.held_out(Watch())
    assert said == materials.held_out(Watch())
    assert (materials.folder / "references" / "000000.json").exists()
    assert [each.prompt for each in said] == [
        each.prompt for each in make(small_recipe(held_out_prompts=16)).held_out(Watch())
    ]
    stage = materials.recipe.stages()[-1]
    batch = materials.batches(stage, materials.vocabulary(Watch()), Watch()).at(0)
    assert (batch.labels >= 0).sum() < batch.labels.size / 2  # completions alone are learnt
    assert (materials.folder / "completions" / "000000.json").exists()


def test_a_draft_can_begin_as_the_first_layers(make, tiny_model_dir) -> None:
    materials = make(small_recipe("nested", from_layers=True), base_dir=tiny_model_dir)
    assert materials.model(materials.vocabulary(Watch())).config.hidden_size == 48
    scratch = make(small_recipe("nested"))
    assert scratch.model(scratch.vocabulary(Watch())).config.hidden_size == 64


def test_files_too_short_to_be_cut_are_one_sentence(make, corpus) -> None:
    short = tuple(each._replace(text="x = 1\n") for each in (*corpus.train, *corpus.held_out))
    materials = make(small_recipe(prompts=4), corpus=dataclasses.replace(corpus, train=short, held_out=short))
    with pytest.raises(NoCorpus, match="held out are too short"):
        materials.held_out(Watch())
    with pytest.raises(NoCorpus, match="too short for the target"):
        materials.batches(materials.recipe.stages()[-1], materials.vocabulary(Watch()), Watch())
