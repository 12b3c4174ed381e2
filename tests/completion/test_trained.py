"""Trained drafts of every kind draft for a target without changing a token; what does not fit is refused."""

import json
import shutil
import sysconfig
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from assistant.cli.drafts import drafts_app
from completion.config import CompletionConfig, EngineConfig
from completion.drafting import Drafters, Extra
from completion.engine import Engine
from completion.loading import LoadedModel, load_model
from completion.records import CompletionRequest, ServiceStatus
from completion.service import CompletionService
from completion.trained import best_exit, is_trained, open_trained, weights_read
from drafts.adapter import Adapter, write_adapter
from drafts.card import ADAPTER, DraftCard, Measured, write_card
from drafts.config import DraftConfig, DraftMode
from drafts.errors import CorruptDraft, DraftError, DraftMismatch, OtherVocabulary
from drafts.train.exit_model import ExitModel
from drafts.vocabulary import fingerprint
from tests.completion.test_drafting import FIXED, session
from tests.completion.test_engine import CURSOR, TEXT
from tests.tiny import make_model

CONFIG = EngineConfig(prefill_chunk=8, weights="int8", device="cpu")
LAYERS = 2


@pytest.fixture(scope="module")
def target(tiny_model_dir: Path) -> LoadedModel:
    """The tiny model in the kernels."""
    return load_model(tiny_model_dir.name, tiny_model_dir, CONFIG)


def write_exit(directory: Path, target: LoadedModel, layers: int = LAYERS) -> Path:
    """An adapter that was trained for nothing: sure of itself, and often wrong."""
    words = torch.arange(0, 800, 2)
    passes = target.forward.passes
    adapter = ExitModel(passes.frozen(layers, name=target.name, words=words)).adapter()  # type: ignore[attr-defined] # int8: CpuPass
    directory.mkdir()
    write_adapter(directory / ADAPTER, replace(adapter, turn=adapter.turn * 3))
    told = Measured(0.0, 0.5, (1.0, 1.0))
    write_card(directory, DraftCard("exit", target.name, fingerprint(target.codec), (layers,), 1, (told,)))
    return directory


@pytest.fixture(scope="module")
def drafts(target: LoadedModel, tiny_model_dir: Path, tmp_path_factory) -> dict[str, Path]:
    """What ``splice drafts train`` makes in some steps, by kind."""
    folder = tmp_path_factory.mktemp("drafts")
    project = folder / "project"
    project.mkdir()
    shutil.copy(Path(__file__).parents[2] / "LICENSE", project)
    library = Path(sysconfig.get_path("stdlib")) / "json"
    shutil.copytree(library, project / "json", ignore=shutil.ignore_patterns("__pycache__"))
    for kind, layers in (("tiny", "1"), ("nested", "2")):
        done = CliRunner().invoke(drafts_app, [
            "train", kind, "--corpus", str(project), "--target", str(tiny_model_dir),
            "--out", str(folder / kind), "--steps", "4", "--layers", layers, "--width", "64", "--head", "16",
            "--words", "400", "--batch", "2", "--length", "48", "--prompts", "4", "--device", "cpu",
        ])  # fmt: skip
        assert done.exit_code == 0, done.output
    return {
        "tiny": folder / "tiny",
        "nested": folder / "nested",
        "early_exit": write_exit(folder / "exit", target),
    }


def engine_of(target: LoadedModel, mode: DraftMode, extra: Extra | None = None) -> Engine:
    return Engine(target, CONFIG, FIXED, Drafters(DraftConfig(drafter=mode, window=5), extra))


@pytest.mark.parametrize("kind", ["tiny", "nested", "early_exit"])
def test_no_trained_draft_changes_an_answer(
    target: LoadedModel, drafts: dict[str, Path], kind: DraftMode
) -> None:
    plain = session(engine_of(target, "off"))
    extra = open_trained(drafts[kind], target, CONFIG)
    for mode in (kind, "auto"):
        engine = engine_of(target, mode, extra)
        drafted = session(engine)
        assert kind in engine.drafting.names
        assert [each.trace.output_ids for each in drafted] == [each.trace.output_ids for each in plain]
        assert [each.text for each in drafted] == [each.text for each in plain]
    counted = [
        each for done in session(engine_of(target, kind, extra)) for each in done.trace.drafts.drafters
    ]
    assert {each.drafter for each in counted} == {kind}
    assert sum(each.drafted for each in counted) > 10


def test_layers_of_transformers_exit_as_well(tiny: LoadedModel, target: LoadedModel, tmp_path: Path) -> None:
    adapter = open_trained(write_exit(tmp_path / "exit", target), target, CONFIG)
    plain, engine = engine_of(tiny, "off"), engine_of(tiny, "early_exit", adapter)
    assert engine.drafting.names == ("early_exit",)
    assert [each.text for each in session(engine)] == [each.text for each in session(plain)]


def test_of_a_nested_draft_the_exit_that_pays_runs(target: LoadedModel, drafts: dict[str, Path]) -> None:
    extra = open_trained(drafts["nested"], target, CONFIG)
    assert not isinstance(extra, Adapter)
    assert extra.layers in (1, 2)
    assert extra.model.shape.layers == extra.layers


def test_a_large_target_waits_for_a_deeper_draft() -> None:
    told = tuple(Measured(1.0, 0.5, blocks) for blocks in ((1.5, 1.6), (1.8, 2.0)))
    card = DraftCard("nested", "t", "", (2, 4), 1, told)
    assert best_exit(card, lambda layers: layers * 0.1) == 2
    assert best_exit(card, lambda layers: layers * 0.01) == 4


def test_the_weights_of_a_token_are_counted(target: LoadedModel) -> None:
    config = target.config
    layer = 2 * 48 * 48 + 2 * 48 * 24 + 3 * 48 * 96
    assert weights_read(config, 3) == 3 * layer + config.vocab_size * 48


def cut_short(directory: Path) -> None:
    path = directory / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-9])


def lose_words(directory: Path) -> None:
    (directory / "vocabulary.safetensors").unlink()


def of_another_target(directory: Path) -> None:
    card = json.loads((directory / "draft.json").read_text())
    (directory / "draft.json").write_text(json.dumps(card | {"target": "another"}))


def of_other_tokens(directory: Path) -> None:
    card = json.loads((directory / "draft.json").read_text())
    (directory / "draft.json").write_text(json.dumps(card | {"tokenizer": "00"}))


def without_adapter(directory: Path) -> None:
    (directory / ADAPTER).write_bytes(b"nothing")


@pytest.mark.parametrize(
    ("kind", "spoil", "error", "words"),
    [
        ("tiny", cut_short, CorruptDraft, "is damaged"),
        ("tiny", lose_words, CorruptDraft, "vocabulary.safetensors"),
        ("nested", of_other_tokens, OtherVocabulary, "not those of the target"),
        ("early_exit", of_other_tokens, OtherVocabulary, "not those of the target"),
        ("early_exit", of_another_target, DraftMismatch, "made for another"),
        ("early_exit", without_adapter, DraftMismatch, "cannot be read"),
    ],
)
def test_what_does_not_fit_is_refused(
    target: LoadedModel,
    drafts: dict[str, Path],
    tmp_path: Path,
    kind: str,
    spoil: Callable[[Path], None],
    error: type[DraftError],
    words: str,
) -> None:
    directory = tmp_path / "draft"
    shutil.copytree(drafts[kind], directory)
    spoil(directory)
    with pytest.raises(error, match=words):
        open_trained(directory, target, CONFIG)


def test_an_adapter_of_another_size_is_left_out_and_the_engine_goes_on(
    target: LoadedModel, drafts: dict[str, Path]
) -> None:
    adapter = open_trained(drafts["early_exit"], target, CONFIG)
    assert isinstance(adapter, Adapter)
    engine = engine_of(target, "auto", replace(adapter, layers=3))
    assert engine.drafting.names == ("typed", "suffix")
    assert "exits behind layer 3 of 3" in engine.drafting.refused
    assert [each.text for each in session(engine)] == [
        each.text for each in session(engine_of(target, "off"))
    ]


def test_a_directory_with_a_card_is_a_trained_draft(drafts: dict[str, Path], tmp_path: Path) -> None:
    assert is_trained(str(drafts["tiny"]))
    assert not is_trained("qwen2.5-coder-0.5b")
    assert not is_trained(str(make_model(tmp_path)))


async def served(model: Path, drafts: DraftConfig) -> tuple[ServiceStatus, list[str]]:
    """What a service with these drafts says of itself, and its answers."""
    config = replace(CONFIG, model=str(model), threads=1)
    service = CompletionService(config, CompletionConfig(max_tokens=24), drafts=drafts)
    await service.start()
    await service.ready()
    request = CompletionRequest(TEXT, CURSOR, document="doc", language="python")
    answers = [(await service.complete(request)).text for _ in range(2)]
    status = service.status()
    await service.stop()
    return status, answers


@pytest.mark.parametrize("kind", ["tiny", "nested", "early_exit"])
async def test_the_service_drafts_with_the_directory_that_the_settings_name(
    tiny_model_dir: Path, drafts: dict[str, Path], tmp_path: Path, kind: str
) -> None:
    _, plain = await served(tiny_model_dir, DraftConfig(drafter="off"))
    status, answers = await served(tiny_model_dir, DraftConfig(model=str(drafts[kind])))
    assert status.drafters == ("typed", "suffix", kind)
    assert (status.draft_refused, answers) == ("", plain)
    shutil.copytree(drafts[kind], tmp_path / "other")
    of_other_tokens(tmp_path / "other")
    status, answers = await served(tiny_model_dir, DraftConfig(model=str(tmp_path / "other")))
    assert status.drafters == ("typed", "suffix")
    assert (status.draft_refused, answers) == ("The tokens of other are not those of the target.", plain)
