"""A small project to learn from, and runs over it that several tests look at."""

import shutil
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from completion.tokens import TextCodec
from drafts.train.loop import Pace
from drafts.train.progress import Progress, Watch
from drafts.train.recipe import Recipe
from drafts.train.run import Job, Outcome, train
from drafts.train.samples import FimIds
from drafts.train.scaled import Size

ROOT = Path(__file__).parents[3]
STEPS = 200


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Modules of Python's own library, which stay what they are, under a licence that may be learnt from."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copy(ROOT / "LICENSE", folder)
    for name in ("asyncio", "email", "importlib", "json", "logging", "unittest"):
        library = Path(sysconfig.get_path("stdlib")) / name
        shutil.copytree(library, folder / name, ignore=shutil.ignore_patterns("__pycache__", "test*"))
    return folder


@pytest.fixture(scope="session")
def codec(tiny_model_dir: Path) -> TextCodec:
    return TextCodec(Tokenizer.from_file(str(tiny_model_dir / "tokenizer.json")))


@pytest.fixture(scope="session")
def fim(codec: TextCodec) -> FimIds:
    prefix, suffix, middle, stop = (
        codec.special(f"<|{name}|>") for name in ("fim_prefix", "fim_suffix", "fim_middle", "endoftext")
    )
    return FimIds(prefix, suffix, middle, (stop,))


def small_recipe(kind: str = "tiny", **changes) -> Recipe:
    """A recipe that two cores cook in seconds."""
    given = {
        "kind": kind,
        "pace": Pace(STEPS, rate=1e-2),
        "size": Size(layers=2, width=64, head=16),
        "exits": (1, 2) if kind == "nested" else (),
        "words": 500,
        "rows": 8,
        "length": 64,
        "most": 12,
        "prompts": 0,
        "held_out_prompts": 64,
        "evaluations": 2,
    }
    return Recipe(**given | changes)


def stopping_at(step: int) -> Watch:
    """Stops a run behind this step of its training."""
    told: list[Progress] = []
    return Watch(told.append, lambda: bool(told) and told[-1].part == "Training" and told[-1].done == step)


@pytest.fixture(scope="session")
def cook(project: Path, tiny_model_dir: Path, codec: TextCodec, fim: FimIds) -> Callable[..., Outcome]:
    """Run a recipe over the project into ``out``."""

    def run(recipe: Recipe, out: Path, *, watch: Watch | None = None, **changes) -> Outcome:
        given = {"roots": (project,), "target": "target", "target_dir": tiny_model_dir, "device": "cpu"}
        job = Job(**given | {"out": out} | changes)
        return train(recipe, job, codec, fim, watch=watch or Watch())

    return run


@pytest.fixture(scope="session")
def nested_draft(cook: Callable[..., Outcome], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished draft with two exits."""
    out = tmp_path_factory.mktemp("nested") / "draft"
    assert cook(small_recipe("nested"), out).directory == out
    return out
