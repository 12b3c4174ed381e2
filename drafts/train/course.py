"""The stages of a run one after the other, with checkpoints and measurements between the steps."""

import contextlib
from typing import Any

from drafts.errors import CorruptCheckpoint
from drafts.train.acceptance import measure
from drafts.train.checkpoint import load_checkpoint, save_checkpoint
from drafts.train.curves import write_curves
from drafts.train.exits import check_exits
from drafts.train.ledger import Ledger
from drafts.train.loop import Trainer, steps
from drafts.train.materials import Materials
from drafts.train.progress import Interrupted, Progress, Watch
from drafts.train.recipe import Stage

_ROWS = 200
_CHECKPOINTS = 50
"""About so many rows and checkpoints a run has, if it is long enough."""
_APART = 20
"""Steps between two checkpoints at least."""


class Course:
    """One run's model, trainer and ledger. Whoever makes it goes on where the folder's checkpoint stands."""

    def __init__(self, materials: Materials, watch: Watch) -> None:
        """Make or read what is needed. Raises a TrainingError, or Interrupted when stopped meanwhile."""
        recipe = materials.recipe
        self.exits = check_exits(recipe.all_exits, recipe.size.layers)
        self.vocabulary = materials.vocabulary(watch)
        self.trainer = Trainer(materials.model(self.vocabulary), self.exits, recipe.pace, seed=recipe.seed)
        self.ledger = Ledger()
        self._materials = materials
        self._watch = watch
        self._held_out = materials.held_out(watch)
        self._restore()

    def run(self) -> None:
        """Train to the end. Raises Interrupted when stopped, with a checkpoint of the last step."""
        if not self.ledger.rows:
            self._close(self._materials.recipe.stages()[0], measuring=True)
        for stage in self._materials.recipe.stages():
            if self.trainer.step < stage.until:
                self._stage(stage)

    def save(self) -> None:
        """Write checkpoint and curves."""
        folder = self._materials.folder
        save_checkpoint(folder, {**self.trainer.state(), "ledger": self.ledger.state()})
        write_curves(folder, self.ledger.rows, self.exits)

    def _stage(self, stage: Stage) -> None:
        total = self._materials.recipe.pace.steps
        batches = self._materials.batches(stage, self.vocabulary, self._watch)
        with contextlib.closing(
            steps(self.trainer, batches, stage.until, stopped=self._watch.stopped)
        ) as losses:
            for loss in losses:
                self.ledger.add(loss)
                self._after(stage)
                self._watch.tell(Progress("Training", self.trainer.step, total, self._note(stage)))
        self.save()
        if self.trainer.step < stage.until:
            raise Interrupted

    def _after(self, stage: Stage) -> None:
        """What is due behind a step."""
        recipe, step = self._materials.recipe, self.trainer.step
        end = step == recipe.pace.steps
        measuring = end or step % max(1, recipe.pace.steps // recipe.evaluations) == 0
        if measuring or step % max(1, recipe.pace.steps // _ROWS) == 0:
            self._close(stage, measuring=measuring)
        if step < stage.until and step % max(_APART, recipe.pace.steps // _CHECKPOINTS) == 0:
            self.save()

    def _close(self, stage: Stage, *, measuring: bool) -> None:
        found = measure(self.trainer.model, self.exits, self._held_out, self.vocabulary) if measuring else []
        self.ledger.close(self.trainer.step, stage.name, found)

    def _note(self, stage: Stage) -> str:
        loss = self.ledger.recent if self.ledger.recent is not None else self.ledger.rows[-1].loss
        parts = [stage.name, "" if loss is None else f"loss {loss:.2f}"]
        parts += [f"acceptance {each.acceptance:.0%}" for each in self.ledger.measured[-1:]]
        return ", ".join(part for part in parts if part)

    def _restore(self) -> None:
        state = load_checkpoint(self._materials.folder)
        if state is None:
            return
        try:
            ledger: Any = state["ledger"]
            self.trainer.restore(state)
            self.ledger.restore(ledger)
        except (KeyError, ValueError, TypeError, RuntimeError) as error:
            folder = self._materials.folder
            raise CorruptCheckpoint(f"The checkpoint in {folder} is of another model.") from error
