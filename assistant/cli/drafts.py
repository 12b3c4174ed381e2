"""``splice drafts``: make the small models that guess for a large one."""

from pathlib import Path

import typer

from assistant.cli.exit_training import ExitWishes, run_exit
from assistant.cli.options import ConfigOption, DeviceOption
from assistant.cli.sentences import sentences
from assistant.cli.training import Wishes, run

drafts_app = typer.Typer(no_args_is_help=True, help="Make drafts: small models that guess for a large one.")
train_app = typer.Typer(
    no_args_is_help=True,
    help="Train a draft from source files. What is half done lies in OUT.training; Ctrl-C keeps it.",
)
drafts_app.add_typer(train_app, name="train")

DataOption = typer.Option(
    ...,
    "--data",
    "--corpus",
    help="A folder of source files; may be given several times.",
    show_default=False,
)
OutOption = typer.Option(..., "--out", help="The directory to write the draft to.", show_default=False)
TargetOption = typer.Option(
    None, "--target", help="The model to guess for; without it, the one in the settings.", show_default=False
)
StepsOption = typer.Option(20_000, "--steps", min=1, help="Steps of the training, all stages together.")
ResumeOption = typer.Option(False, "--resume", help="Go on where a run into the same directory stood.")
ExitStepsOption = typer.Option(3_000, "--steps", min=1, help="Steps of the training.")
BehindOption = typer.Option(2, "--layers", min=1, help="Layers of the target to exit behind.")
FewWordsOption = typer.Option(8_192, "--words", min=256, help="Tokens that can be guessed.")
FewOption = typer.Option(4, "--batch", min=1, help="Samples a step.")
ShortOption = typer.Option(384, "--length", min=32, help="Tokens a sample.")
SamplesOption = typer.Option(2_000, "--samples", min=1, help="Samples that the target is asked about.")
ExitRateOption = typer.Option(1.5e-3, "--rate", min=1e-7, max=1.0, help="The highest learning rate.")
LayersOption = typer.Option(4, "--layers", min=1, help="Layers of the draft.")
DeepOption = typer.Option(6, "--layers", min=1, help="Layers of the draft; the last is an exit.")
WidthOption = typer.Option(512, "--width", min=2, help="Values of a hidden state; a multiple of the head's.")
HeadOption = typer.Option(64, "--head", min=2, help="Values of a head of attention.")
WordsOption = typer.Option(16_384, "--words", min=256, help="Tokens that the draft can say.")
BatchOption = typer.Option(16, "--batch", min=1, help="Samples a step.")
LengthOption = typer.Option(512, "--length", min=32, help="Tokens a sample.")
PromptsOption = typer.Option(
    2_000,
    "--prompts",
    min=0,
    help="Prompts that the target completes for the last stage; 0: it completes nothing.",
)
RateOption = typer.Option(1e-3, "--rate", min=1e-7, max=1.0, help="The highest learning rate.")
SeedOption = typer.Option(0, "--seed", min=0, help="Decides everything that is drawn by chance.")
AcceptOption = typer.Option(
    [],
    "--accept",
    help="A further licence to learn from, an SPDX id; 'unknown': files in whose licence nobody named.",
    show_default=False,
)
JsonOption = typer.Option(False, "--json", help="Print the result as JSON.")
ExitOption = typer.Option(
    [],
    "--exit",
    min=1,
    help="A layer to stop behind; may be given several times. Without it: half of the layers, and all.",
    show_default=False,
)
BaseOption = typer.Option(
    None,
    "--base",
    help="Begin as the first layers of this model, which has the target's tokens; else with random weights.",
    show_default=False,
)


@train_app.command()
@sentences
def tiny(  # noqa: PLR0913 - each is an option of the command
    *,
    data: list[Path] = DataOption,
    out: Path = OutOption,
    target: str | None = TargetOption,
    steps: int = StepsOption,
    resume: bool = ResumeOption,
    layers: int = LayersOption,
    width: int = WidthOption,
    head: int = HeadOption,
    words: int = WordsOption,
    batch: int = BatchOption,
    length: int = LengthOption,
    prompts: int = PromptsOption,
    rate: float = RateOption,
    seed: int = SeedOption,
    accept: list[str] = AcceptOption,
    device: str | None = DeviceOption,
    config: Path | None = ConfigOption,
    as_json: bool = JsonOption,
) -> None:
    """Train a small model of the target's kind: on text, on code, on the target's own completions.

    The recipe of FastDraft (arXiv 2411.11055). Files without a permissive licence are left out.
    """
    wishes = Wishes(
        kind="tiny", data=data, out=out, target=target, steps=steps, resume=resume, layers=layers,
        width=width, head=head, words=words, batch=batch, length=length, prompts=prompts, rate=rate,
        seed=seed, accept=accept, device=device, config=config,
    )  # fmt: skip
    run(wishes, as_json=as_json)


@train_app.command()
@sentences
def nested(  # noqa: PLR0913 - each is an option of the command
    *,
    data: list[Path] = DataOption,
    out: Path = OutOption,
    target: str | None = TargetOption,
    steps: int = StepsOption,
    resume: bool = ResumeOption,
    layers: int = DeepOption,
    exits: list[int] = ExitOption,
    base: str | None = BaseOption,
    width: int = WidthOption,
    head: int = HeadOption,
    words: int = WordsOption,
    batch: int = BatchOption,
    length: int = LengthOption,
    prompts: int = PromptsOption,
    rate: float = RateOption,
    seed: int = SeedOption,
    accept: list[str] = AcceptOption,
    device: str | None = DeviceOption,
    config: Path | None = ConfigOption,
    as_json: bool = JsonOption,
) -> None:
    """Train one model with several exits, for several targets of the same tokens.

    Sorted fine-tuning, as in S2D (arXiv 2407.01955). Files without a permissive licence are left out.
    """
    wishes = Wishes(
        kind="nested", data=data, out=out, target=target, steps=steps, resume=resume, layers=layers,
        width=width, head=head, words=words, batch=batch, length=length, prompts=prompts, rate=rate,
        seed=seed, accept=accept, device=device, config=config,
        exits=exits or [max(1, layers // 2)], base=base,
    )  # fmt: skip
    run(wishes, as_json=as_json)


@train_app.command("exit")
@sentences
def exit_(  # noqa: PLR0913 - each is an option of the command
    *,
    data: list[Path] = DataOption,
    out: Path = OutOption,
    target: str | None = TargetOption,
    steps: int = ExitStepsOption,
    resume: bool = ResumeOption,
    layers: int = BehindOption,
    words: int = FewWordsOption,
    batch: int = FewOption,
    length: int = ShortOption,
    samples: int = SamplesOption,
    rate: float = ExitRateOption,
    seed: int = SeedOption,
    accept: list[str] = AcceptOption,
    device: str | None = DeviceOption,
    config: Path | None = ConfigOption,
    as_json: bool = JsonOption,
) -> None:
    """Train an adapter with which the target drafts for itself, with its own first layers.

    The recipe of Kangaroo (arXiv 2404.18911). Files without a permissive licence are left out.
    """
    wishes = ExitWishes(
        data=data, out=out, target=target, steps=steps, resume=resume, layers=layers, words=words,
        batch=batch, length=length, samples=samples, rate=rate, seed=seed, accept=accept, device=device,
        config=config,
    )  # fmt: skip
    run_exit(wishes, as_json=as_json)
