"""What lies between the options and the training: markers, progress, Ctrl-C."""

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from rich.progress import Progress

from assistant.cli.training import (
    Wishes,
    finished_sentence,
    interruptible,
    job_of,
    one_bar_each,
    recipe_of,
    some_lines,
    stopped_sentence,
    tokens_of,
)
from completion.errors import NoFimTokens
from completion.registry import ModelLocation
from drafts.card import Measured
from drafts.train.progress import Progress as Step
from drafts.train.run import Outcome
from tests.tiny import make_model

WISHES = Wishes(
    kind="nested", data=[Path("a")], out=Path("out"), target=None, steps=7, resume=True, layers=4, width=64,
    head=16, words=300, batch=3, length=64, prompts=0, rate=0.5, seed=2, accept=["unknown"], device=None,
    config=None, exits=[2],
)  # fmt: skip


def test_the_markers_are_the_familys(tiny_model_dir: Path) -> None:
    codec, fim = tokens_of(tiny_model_dir)
    assert (fim.prefix, fim.suffix, fim.middle) == tuple(
        codec.special(f"<|fim_{name}|>") for name in ("prefix", "suffix", "middle")
    )
    assert fim.stops[0] == codec.special("<|endoftext|>")
    assert codec.special("<|file_sep|>") in fim.stops
    assert not {fim.prefix, fim.suffix, fim.middle} & set(fim.stops)


def test_a_family_with_the_suffix_first_is_refused(tmp_path: Path) -> None:
    specials = ("<s>", "</s>", "[PREFIX]", "[SUFFIX]", "[MIDDLE]")
    with pytest.raises(NoFimTokens, match="codestral"):
        tokens_of(make_model(tmp_path, specials=specials))


def test_every_wish_arrives() -> None:
    recipe, job = recipe_of(WISHES), job_of(WISHES, ModelLocation("t", Path("t")), "cpu")
    assert (recipe.pace.steps, recipe.pace.rate, recipe.size.layers, recipe.size.width) == (7, 0.5, 4, 64)
    assert (recipe.all_exits, recipe.words, recipe.rows, recipe.length) == ((2, 4), 300, 3, 64)
    assert (recipe.prompts, recipe.seed, job.rules.seed, job.resume) == (0, 2, 2, True)
    assert {"unknown", "MIT"} <= job.rules.allowed
    assert [recipe_of(replace(WISHES, prompts=count)).held_out_prompts for count in (0, 8, 99)] == [64, 8, 64]
    recipe.check()


def test_the_first_ctrl_c_is_asked_for_and_the_second_ends(capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGINT)
    with interruptible() as stopped:
        assert not stopped()
        os.kill(os.getpid(), signal.SIGINT)
        assert stopped()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
    assert "Ctrl-C again" in capsys.readouterr().err


def test_a_part_has_a_bar_with_its_note() -> None:
    with Progress(console=Console(quiet=True)) as bars:
        tell = one_bar_each(bars)
        for done in (1, 2):
            tell(Step("Reading files", done))
        tell(Step("Training", 5, 10, "loss 3.10"))
        reading, training = bars.tasks
    assert (reading.completed, reading.total) == (2, None)
    assert (training.completed, training.total, training.fields["note"]) == (5, 10, "loss 3.10")


def test_elsewhere_a_long_part_takes_some_lines(capsys: pytest.CaptureFixture[str]) -> None:
    tell = some_lines()
    for done in range(1, 5):
        tell(Step("Reading files", done))
    for done in range(1, 1001):
        tell(Step("Training", done, 1000, "loss 3.10"))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Reading files …"
    assert 20 <= len(lines) <= 23
    assert lines[-1] == "Training 1,000 of 1,000 … loss 3.10"


def test_the_last_words() -> None:
    assert "step 3 of 1,000; the same command with --resume" in stopped_sentence(Outcome(3, None), 1000)
    measured = (Measured(2.0, 0.25, (1.3, 1.4)), Measured(1.5, 0.5, (1.8, 2.0)))
    told = finished_sentence(Outcome(7, Path("out"), 2_500_000, measured), recipe_of(WISHES)).splitlines()
    assert told[0] == "The draft of 2.5 million parameters is in out"
    assert told[2] == "  layer 4: acceptance 50.0%, output tokens a pass of the target 1.80, 2.00"
