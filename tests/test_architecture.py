"""The rules of ARCHITECTURE.md that a program can check."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("assistant", "completion", "drafts", "kvcache", "retrieval", "ui")
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 60
MAX_POSITIONAL = 4
"""Beside self: two or three read well, the fourth is the limit."""

GRAMMARS = (
    "bash",
    "c",
    "c_sharp",
    "cpp",
    "go",
    "java",
    "javascript",
    "kotlin",
    "php",
    "python",
    "ruby",
    "rust",
    "scala",
    "swift",
    "typescript",
)
ONLY_IMPORTER = {
    "faiss": {"retrieval/vectors.py"},
    "tree_sitter": {"retrieval/syntax.py"},
    **{f"tree_sitter_{name}": {"retrieval/syntax.py"} for name in GRAMMARS},
    "sqlalchemy": {f"retrieval/{name}.py" for name in ("catalog", "lexical", "lookups", "rows", "tables")},
    "watchfiles": {"retrieval/watch.py"},
    "transformers.cache_utils": {"kvcache/hf.py"},
    "pygls": {"assistant/lsp/"},
    "litestar": {"assistant/web/", "assistant/wiring.py"},
    "uvicorn": {"assistant/web/", "assistant/wiring.py"},
    "websockets": {"assistant/cli/", "assistant/web/"},
    "typer": {"assistant/cli/", "assistant/__main__.py"},
    "numba": {"completion/cpu/"},
    "llvmlite": {"completion/cpu/"},
}
NOT_MIRRORED = {
    "assistant/__main__.py": "one call",
    "assistant/cli/errors.py": "declarations",
    "assistant/cli/options.py": "declarations",
    "completion/config.py": "declarations",
    "completion/cpu/emit.py": "tested by what is written with it: integers, floats",
    "completion/cpu/layers.py": "runs in a pass only: passes",
    "completion/errors.py": "declarations",
    "completion/records.py": "declarations",
    "drafts/config.py": "declarations",
    "drafts/errors.py": "declarations",
    "kvcache/config.py": "declarations",
    "kvcache/errors.py": "declarations",
    "kvcache/report.py": "declarations",
    "retrieval/config.py": "declarations",
    "retrieval/errors.py": "declarations",
    "retrieval/records.py": "declarations",
}
KERNELS = {f"completion/cpu/{name}.py" for name in ("attention", "floats", "integers", "layers", "product")}
"""Numba compiles them; they are told everything by position."""
FOREIGN_SIGNATURES = {"attend_slots": "transformers calls it", "_execute_handler": "pygls calls it"}
MUTABLE_CALLS = {"list", "dict", "set", "bytearray", "defaultdict", "deque", "Counter", "OrderedDict"}
FOREIGN_HOSTS = (
    "pypi" + ".org",
    "pythonhosted" + ".org",
    "npmjs" + ".org",
    "npmjs" + ".com",
    "huggingface" + ".co",
    "pytorch" + ".org",
    "hf" + ".co/",
)


class Place(NamedTuple):
    """Where a rule is broken, as an editor opens it."""

    path: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}"


def modules() -> list[Path]:
    """Our Python; the samples of the playground are what people type, not ours."""
    found = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    return sorted(path for path in found if ROOT / "ui" / "web" not in path.parents)


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


def tracked_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def assert_none(places: Iterator[Place]) -> None:
    found = [str(place) for place in places]
    assert not found, "\n" + "\n".join(found)


def test_layers():
    """import-linter's contracts in pyproject.toml; imports inside functions count too."""
    result = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-logo", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def imports_of(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node.lineno
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def test_single_importers():
    def places() -> Iterator[Place]:
        for path in modules():
            for name, line in imports_of(path):
                for package, allowed in ONLY_IMPORTER.items():
                    inside = name == package or name.startswith(package + ".")
                    if inside and not any(relative(path).startswith(prefix) for prefix in allowed):
                        yield Place(relative(path), line, f"imports {name}; only {sorted(allowed)} may")

    assert_none(places())


def test_only_the_settings_read_the_environment():
    def places() -> Iterator[Place]:
        for path in modules():
            for node in ast.walk(tree_of(path)):
                reads = isinstance(node, ast.Attribute) and node.attr in {"environ", "environb", "getenv"}
                if reads and relative(path) != "assistant/settings.py":
                    yield Place(relative(path), node.lineno, "reads the environment")

    assert_none(places())


def test_every_module_has_its_test():
    """``a/b/c.py`` is tested by ``tests/a/b/test_c.py``, or by ``test_c_*.py`` beside it."""

    def places() -> Iterator[Place]:
        for path in modules():
            name = relative(path)
            if path.name == "__init__.py" or name in NOT_MIRRORED:
                continue
            folder = ROOT / "tests" / path.relative_to(ROOT).parent
            if not any(folder.glob(f"test_{path.stem}.py")) and not any(
                folder.glob(f"test_{path.stem}_*.py")
            ):
                yield Place(name, 1, f"has no {relative(folder)}/test_{path.stem}.py")

    assert_none(places())


def test_the_exceptions_of_the_mirror_exist():
    assert not [name for name in NOT_MIRRORED if not (ROOT / name).is_file()]


def test_files_are_short():
    def places() -> Iterator[Place]:
        for path in modules():
            lines = len(path.read_text("utf-8").splitlines())
            if lines > MAX_FILE_LINES:
                yield Place(relative(path), lines, f"{lines} lines; the ceiling is {MAX_FILE_LINES}")

    assert_none(places())


Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions() -> Iterator[tuple[Path, Function]]:
    for path in modules():
        for node in ast.walk(tree_of(path)):
            if isinstance(node, Function):
                yield path, node


def test_functions_are_short():
    def places() -> Iterator[Place]:
        for path, node in functions():
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > MAX_FUNCTION_LINES:
                yield Place(relative(path), node.lineno, f"{node.name} has {lines} lines")

    assert_none(places())


def test_the_usual_function_is_short():
    """STYLE's picture: a median of about ten lines, nine in ten under thirty."""
    lengths = sorted((node.end_lineno or node.lineno) - node.lineno + 1 for _, node in functions())
    assert lengths[len(lengths) // 2] <= 12
    assert lengths[len(lengths) * 9 // 10] <= 30


def test_further_arguments_have_names():
    def places() -> Iterator[Place]:
        for path, node in functions():
            arguments = [*node.args.posonlyargs, *node.args.args]
            own = [argument for argument in arguments if argument.arg not in {"self", "cls"}]
            allowed = node.name in FOREIGN_SIGNATURES or relative(path) in KERNELS
            if len(own) > MAX_POSITIONAL and not allowed:
                yield Place(relative(path), node.lineno, f"{node.name} takes {len(own)} by position")

    assert_none(places())


def test_no_vague_names():
    """Nobody is a Manager or a Helper, and nothing lives in utils."""

    def places() -> Iterator[Place]:
        for path in modules():
            if path.stem in {"common", "helper", "helpers", "util", "utils", "misc"}:
                yield Place(relative(path), 1, "names no job")
            for node in ast.walk(tree_of(path)):
                if isinstance(node, ast.ClassDef) and re.search(r"(Manager|Helper|Utils?)$", node.name):
                    yield Place(relative(path), node.lineno, f"class {node.name} names no job")

    assert_none(places())


def test_no_global():
    def places() -> Iterator[Place]:
        for path in modules():
            for node in ast.walk(tree_of(path)):
                if isinstance(node, ast.Global):
                    yield Place(relative(path), node.lineno, "global")

    assert_none(places())


def is_mutable(value: ast.expr | None) -> bool:
    if isinstance(value, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp):
        return True
    if not isinstance(value, ast.Call):
        return False
    called = value.func
    name = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
    return name in MUTABLE_CALLS


def shared_assignments(tree: ast.Module) -> Iterator[ast.Assign | ast.AnnAssign]:
    """Assignments of the module's own body and of its classes' bodies."""
    bodies = [tree.body, *(node.body for node in ast.walk(tree) if isinstance(node, ast.ClassDef))]
    for body in bodies:
        yield from (node for node in body if isinstance(node, ast.Assign | ast.AnnAssign))


def test_no_mutable_state_in_modules_and_classes():
    def places() -> Iterator[Place]:
        for path in modules():
            for node in shared_assignments(tree_of(path)):
                if is_mutable(node.value) and "__all__" not in ast.unparse(node):
                    yield Place(relative(path), node.lineno, "mutable value shared by everyone")

    assert_none(places())


def test_no_unfinished_work():
    def places() -> Iterator[Place]:
        for path in modules():
            for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
                if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", line):
                    yield Place(relative(path), number, line.strip())

    assert_none(places())


def test_every_suppression_has_a_reason():
    """``# noqa: X``, ``# type: ignore[x]`` and ``# pyright: ignore[x]`` are followed by a reason."""
    rule = r"(?P<rule>[:\[]\s*\w+(,\s*\w+)*\]?)?"
    suppression = re.compile(rf"#\s*(noqa|type: ignore|pyright: ignore){rule}(?P<reason>.*)$")

    def places() -> Iterator[Place]:
        for path in modules():
            for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
                match = suppression.search(line)
                if match and (not match["rule"] or len(match["reason"].strip(" -—#:")) < 5):
                    yield Place(relative(path), number, line.strip())

    assert_none(places())


def test_no_host_of_a_registry_is_named():
    def places() -> Iterator[Place]:
        for path in tracked_files():
            try:
                text = path.read_text("utf-8")
            except UnicodeDecodeError:
                continue
            for number, line in enumerate(text.splitlines(), 1):
                for host in FOREIGN_HOSTS:
                    if host in line:
                        yield Place(relative(path), number, f"names {host}")

    assert_none(places())


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("seen = []", 1),
        ("class A:\n    seen: dict[str, int] = dict()", 1),
        ("def f():\n    seen = []\nNAMES = ('a',)\nfrom types import MappingProxyType as M\nT = M({})", 0),
    ],
)
def test_mutable_state_is_recognised(source: str, count: int):
    found = [node for node in shared_assignments(ast.parse(source)) if is_mutable(node.value)]
    assert len(found) == count
