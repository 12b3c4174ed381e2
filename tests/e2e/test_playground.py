"""The playground in a real browser, on the real server and the real model.

``playground.mjs`` is the browser's half: one scenario a test. Pictures go to the test's directory, or to
``PLAYGROUND_SHOTS`` when that names one; the documentation's are made with ``PLAYGROUND_IMAGES=docs/images``.
"""

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from completion.store import models_folder
from tests.assistant.stdio import StdioClient
from ui import WEB_DIST

pytestmark = [pytest.mark.model, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
WEB = ROOT / "ui" / "web"
MODEL = "qwen2.5-coder-0.5b"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
NO_BROWSER = "Chromium is missing: install it (on Debian: apt-get install chromium) or set CHROMIUM."
STOP_S = 20


@dataclass
class Server:
    """``splice serve`` as a process of its own that can be stopped and started again on its port."""

    state: Path
    token: str
    port: int = 0
    address: str = ""
    link: str = ""
    process: subprocess.Popen[str] | None = field(default=None, repr=False)

    def start(self) -> None:
        token_file = self.state.parent / "chosen-token"
        token_file.write_text(self.token, "utf-8")
        command = [sys.executable, "-P", "-m", "assistant", "serve", "--port", str(self.port)]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("SPLICE_")}
        index = {
            "SPLICE_RETRIEVAL__INDEX_DIR": str(self.state.parent / "indexes"),
            "SPLICE_RETRIEVAL__EMBEDDER": "none",  # whether a machine has one must not show
        }
        # What was summarised before is no matter of luck; the models stay where they are.
        cache = {
            "XDG_CACHE_HOME": str(self.state.parent / "cache"),
            "SPLICE_ENGINE__MODELS_DIR": str(models_folder(None)),
        }
        own = index | cache | {"SPLICE_SERVER__STATE_DIR": str(self.state), "SPLICE_ENGINE__MODEL": MODEL}
        with (self.state.parent / "server.err").open("ab") as errors:
            self.process = subprocess.Popen(
                [*command, "--token-file", str(token_file)],
                env=clean | own | {"SPLICE_ENGINE__DEVICE": "cpu", "PYTHONUNBUFFERED": "1"},
                stdout=subprocess.PIPE,
                stderr=errors,
                stdin=subprocess.DEVNULL,
                text=True,
                cwd=ROOT,
            )
        self.address = self._line("listens on")
        self.link = self._line("Playground: ")
        self.port = int(self.address.rpartition(":")[2])

    def stop(self) -> None:
        if self.process is None:
            return
        self.process.send_signal(signal.SIGINT)
        self.process.wait(STOP_S)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def restart(self) -> None:
        self.stop()
        self.start()

    def _line(self, marker: str) -> str:
        """The last word of the first line that has ``marker``."""
        assert self.process is not None
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if marker in line:
                return line.split()[-1]
        raise AssertionError(f"The server ended: {(self.state.parent / 'server.err').read_text()[-2000:]}")


@pytest.fixture(scope="module")
def chromium() -> str:
    names = (os.environ.get("CHROMIUM", ""), *BROWSERS)
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    if found is None:
        pytest.fail(NO_BROWSER, pytrace=False)
    return found


@pytest.fixture(scope="module")
def server(chromium: str, real_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running server; ``chromium`` and ``real_model`` are only needed to be there."""
    assert chromium
    assert real_model.is_dir()
    if not (WEB_DIST / "index.html").is_file() or not (WEB / "node_modules" / "playwright-core").is_dir():
        pytest.fail("The playground is not built: make install.", pytrace=False)
    running = Server(tmp_path_factory.mktemp("playground") / "state", secrets.token_urlsafe(32))
    running.start()
    yield running
    running.stop()


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    chosen = Path(os.environ.get("PLAYGROUND_SHOTS") or tmp_path).absolute()
    chosen.mkdir(parents=True, exist_ok=True)
    return chosen


def play(
    scenario: str,
    server: Server,
    chromium: str,
    shots: Path,
    *,
    acts: Mapping[str, Callable[[], None]] | None = None,
    folder: Path | None = None,
) -> None:
    """Runs a scenario to its end; where it asks, does one of ``acts`` or restarts the server."""
    config = {
        "link": server.link,
        "address": server.address,
        "token": server.token,
        "model": MODEL,
        "shots": str(shots),
        "folder": str(folder),
        "chromium": chromium,
        "modules": str(WEB / "package.json"),
        "images": bool(os.environ.get("PLAYGROUND_IMAGES")),
    }
    errors = shots / f"{scenario}.log"
    with (
        errors.open("w") as log,
        subprocess.Popen(
            ["node", str(Path(__file__).with_name("playground.mjs")), scenario, json.dumps(config)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as browser,
    ):
        assert browser.stdin is not None
        assert browser.stdout is not None
        for line in browser.stdout:
            wish = line.strip()
            if wish == "restart-other-token":
                server.token = secrets.token_urlsafe(32)
            act = (acts or {}).get(wish, server.restart)
            act()
            browser.stdin.write(f"{server.link}\n")
            browser.stdin.flush()
    assert browser.returncode == 0, errors.read_text()
    errors.unlink()


SHOP = {
    "shop/cart.py": """from shop.tax import with_tax


class Cart:
    \"\"\"What a customer means to buy.\"\"\"

    def __init__(self):
        self.items = []

    def add(self, name, price, count=1):
        \"\"\"Put some of one thing in.\"\"\"
        self.items.append((name, price, count))

    def total(self, country):
        \"\"\"The price of the whole cart, tax included.\"\"\"
        return with_tax(sum(price * count for _, price, count in self.items), country)
""",
    "shop/tax.py": """RATES = {"AT": 0.20, "DE": 0.19, "FR": 0.20}


def with_tax(amount, country):
    \"\"\"The amount with the tax of that country.\"\"\"
    return round(amount * (1 + RATES[country]), 2)
""",
    "shop/page.js": """export function banner() {
  return "<img src=x onerror=document.title=1>";
}
""",
    "README.md": "# Shop\n\nA cart, its total, and the tax on it.\n",
}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A small repository."""
    root = tmp_path / "shop"
    for name, text in SHOP.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    return root


@pytest.fixture
def editors(server: Server, tmp_path: Path) -> Iterator[Callable[[Path], None]]:
    """Calls open a folder in an editor, over ``splice lsp``; at the end all of them are closed."""
    clients: list[StdioClient] = []

    def opened(root: Path) -> None:
        environment = os.environ | {"SPLICE_SERVER__STATE_DIR": str(server.state)}
        client = StdioClient([sys.executable, "-P", "-m", "assistant", "lsp"], env=environment, cwd=tmp_path)
        clients.append(client)
        folders = [{"uri": root.as_uri(), "name": root.name}]
        hello: dict[str, Any] = {"processId": os.getpid(), "rootUri": None, "capabilities": {}}
        client.request("initialize", hello | {"workspaceFolders": folders})
        client.notify("initialized", {})

    yield opened
    for client in clients:
        client.close()


def test_ghost_text_appears_and_is_accepted(server: Server, chromium: str, shots: Path):
    play("first", server, chromium, shots)
    if images := os.environ.get("PLAYGROUND_IMAGES"):
        for theme in ("light", "dark"):
            shutil.copy(shots / f"playground-{theme}.png", ROOT / images / f"playground-{theme}.png")


def test_typing_along_asks_nothing(server: Server, chromium: str, shots: Path):
    play("along", server, chromium, shots)


def test_everything_works_by_keyboard(server: Server, chromium: str, shots: Path):
    play("keyboard", server, chromium, shots)


def test_every_language_has_a_sample_and_an_idle_page_sleeps(server: Server, chromium: str, shots: Path):
    play("samples", server, chromium, shots)


def test_a_folder_is_searched(
    server: Server, chromium: str, shots: Path, shop: Path, editors: Callable[[Path], None]
):
    play("search", server, chromium, shots, acts={"open-folder": lambda: editors(shop)})


def test_a_function_is_summarised(
    server: Server, chromium: str, shots: Path, shop: Path, editors: Callable[[Path], None]
):
    def edit() -> None:
        cart = shop / "shop/cart.py"
        cart.write_text(cart.read_text("utf-8").replace("price * count", "count * price"), "utf-8")

    acts = {"open-folder": lambda: editors(shop), "edit-folder": edit}
    play("summary", server, chromium, shots, acts=acts, folder=shop)


def test_the_page_follows_a_restarted_server(server: Server, chromium: str, shots: Path):
    play("restart", server, chromium, shots)
