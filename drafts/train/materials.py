"""What a run learns from, made once and kept in its folder: vocabulary, references, completions."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from drafts.errors import NoCorpus
from drafts.train.acceptance import HeldOut
from drafts.train.batches import Batches, Codec, DocumentBatches, Mixture, SampleBatches, count_tokens
from drafts.train.corpus import Corpus
from drafts.train.progress import Watch
from drafts.train.prompts import Asking, completed, middles
from drafts.train.recipe import ALIGN, Recipe, Stage
from drafts.train.samples import FimIds, Sample
from drafts.train.scaled import first_layers, random_model, read_config, scaled
from drafts.train.target import TEMPERATURES, Target
from drafts.vocabulary import FILE, Vocabulary, choose, read_vocabulary, vocabulary_of, write_vocabulary


@dataclass(frozen=True)
class Materials:
    """The corpus, the target and the folder in which whatever takes long is kept."""

    recipe: Recipe
    corpus: Corpus
    codec: Codec
    fim: FimIds
    target_dir: Path
    base_dir: Path | None
    device: torch.device
    folder: Path

    def vocabulary(self, watch: Watch) -> Vocabulary:
        """The most frequent tokens of what is learnt from, and every special one."""
        if (self.folder / FILE).exists():
            return read_vocabulary(self.folder)
        train = self.corpus.train
        counts = watch.follow("Counting tokens", count_tokens(train, self.codec), len(train))
        tokens = choose(counts, min(self.recipe.words, len(self.codec)), self.fim.all)
        vocabulary = vocabulary_of(tokens, self.codec)
        write_vocabulary(self.folder, vocabulary)
        return vocabulary

    def model(self, vocabulary: Vocabulary) -> Any:
        """The draft before any training, on its device."""
        if self.base_dir is not None:
            model = first_layers(self.base_dir, self.recipe.size.layers, vocabulary)
        else:
            small = scaled(read_config(self.target_dir), self.recipe.size, len(vocabulary))
            model = random_model(small, self.recipe.seed)
        return model.to(self.device)

    def held_out(self, watch: Watch) -> list[HeldOut]:
        """What the draft is measured with: the target's greedy answers, or what stood there.

        Raises NoCorpus when nothing that is held out can be cut.
        """
        asking = self._asking(self.recipe.held_out_prompts, seed=1)
        found = middles(self.corpus.held_out, self.codec, self.fim, asking)
        if self.recipe.prompts and found:
            found = self._answered(found, watch, "references", temperatures=(0.0,))
        if not found:
            raise NoCorpus("The files that are held out are too short to measure a draft with.")
        return found

    def batches(self, stage: Stage, vocabulary: Vocabulary, watch: Watch) -> Batches:
        """What a stage learns from. Raises NoCorpus when the target said nothing at all."""
        if stage.name == ALIGN:
            return self._aligned(vocabulary, watch)
        recipe = self.recipe
        mixture = Mixture(recipe.length, recipe.rows, recipe.seed, fim=stage.fim, prose=stage.prose)
        return DocumentBatches(
            self.corpus.train, self.codec, fim=self.fim, mixture=mixture, vocabulary=vocabulary
        )

    def _aligned(self, vocabulary: Vocabulary, watch: Watch) -> SampleBatches:
        asking = self._asking(self.recipe.prompts, seed=2)
        asked = middles(self.corpus.train, self.codec, self.fim, asking)
        said = self._answered(asked, watch, "completions", temperatures=TEMPERATURES)
        if not said:
            raise NoCorpus("The files are too short for the target to complete anything in them.")
        samples = [Sample(each.prompt + each.reference, len(each.prompt)) for each in said]
        recipe = self.recipe
        return SampleBatches(
            samples, length=recipe.length, rows=recipe.rows, seed=recipe.seed, vocabulary=vocabulary
        )

    def _answered(
        self, prompts: Sequence[HeldOut], watch: Watch, kept: str, *, temperatures: Sequence[float]
    ) -> list[HeldOut]:
        """The prompts with the target's completions, kept under the name ``kept``."""
        target = Target(self.target_dir, self.device, stops=self.fim.stops, most=self.recipe.most)
        work = completed(
            prompts, target, self.folder / kept, temperatures=temperatures, seed=self.recipe.seed
        )
        return watch.follow("The target completes", work, len(prompts))

    def _asking(self, count: int, seed: int) -> Asking:
        recipe = self.recipe
        return Asking(count, recipe.length, recipe.most, seed=recipe.seed * 10 + seed)
