"""Options that several commands share."""

import typer

ModelOption = typer.Option(
    None, "--model", help="A model's name, a directory, a .gguf file or a hub id.", show_default=False
)
DeviceOption = typer.Option(None, "--device", help="auto, cpu or cuda.", show_default=False)
ConfigOption = typer.Option(
    None, "--config", help="The settings file.", show_default=False, exists=True, dir_okay=False
)
