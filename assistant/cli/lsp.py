"""``splice lsp``: a language server on standard input and output, for editors that start one."""

from pathlib import Path

from assistant.cli.bridge import open_socket, pipe
from assistant.cli.options import ConfigOption
from assistant.cli.running import ensure_server
from assistant.cli.sentences import sentences
from assistant.settings import load_settings

STDIN = 0
STDOUT = 1
IDLE_EXIT_S = 1800
"""A server that was started for an editor ends this long after the last one has gone."""


@sentences
def lsp(config: Path | None = ConfigOption) -> None:
    """Speak LSP on standard input and output, for Neovim, Helix and others.

    Pipes to the running server, and starts one in the background if there is none. Ends when standard
    input ends. The server keeps running, so that the next editor finds the model loaded, and stops when
    nobody has been connected for half an hour.
    """
    settings = load_settings(config=config)
    options = ["--idle-exit", str(IDLE_EXIT_S)]
    if config is not None:
        options += ["--config", str(config.absolute())]
    server = ensure_server(settings.server.state_dir, options)
    with open_socket(server) as socket:
        pipe(socket, stdin=STDIN, stdout=STDOUT)
