"""From an import to the files of the repository it may mean. Pure.

Relative imports are followed exactly; of absolute ones the paths that end in the module's path are taken, so
that a ``src`` folder needs no setting.
"""

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from retrieval.records import Import

_SCRIPT_ENDS = (
    "", ".ts", ".tsx", ".d.ts", ".js", ".jsx", ".mjs", ".cjs",
    "/index.ts", "/index.tsx", "/index.js", "/index.jsx",
)  # fmt: skip
_PYTHON_ENDS = (".py", ".pyi", "/__init__.py", "/__init__.pyi")
_PARTS = re.compile(r"::|\.|\{.*")
_MOST = 5
"""More files than this are no answer to what one import means."""


class ModuleIndex:
    """The paths of one repository, found by what they end in."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._paths = frozenset(paths)
        self._by_name: defaultdict[str, list[str]] = defaultdict(list)
        self._by_folder: defaultdict[str, list[str]] = defaultdict(list)
        for path in sorted(self._paths):
            self._by_name[posixpath.basename(path)].append(path)
            self._by_folder[posixpath.dirname(path)].append(path)

    def resolve(self, path: str, language: str, imported: Import) -> tuple[str, ...]:
        """The files that ``imported`` in ``path`` may mean, the likeliest first; empty: none."""
        if language == "python":
            found = self._python(path, imported)
        elif language.startswith(("typescript", "javascript")):
            found = self._first(posixpath.dirname(path), imported.module, _SCRIPT_ENDS)
        elif language in {"c", "cpp", "ruby", "php"}:
            found = self._included(path, imported.module.replace("\\", "/"), language)
        elif language == "go":
            found = self._in_folder(imported.module)
        else:
            found = self._by_package(imported.module, language)
        return tuple(dict.fromkeys(each for each in found if each != path))[:_MOST]

    def _python(self, path: str, imported: Import) -> Iterator[str]:
        parts = [part for part in imported.module.split(".") if part]
        modules = [[*parts, name] for name, _ in imported.names] + [parts]
        folder = posixpath.dirname(path)
        for _ in range(imported.level - 1):
            folder = posixpath.dirname(folder)
        for module in modules:
            for end in _PYTHON_ENDS:
                if imported.level:
                    whole = posixpath.join(folder, *module) + end
                    yield from (whole,) if whole in self._paths else ()
                elif module:
                    yield from self._ending("/".join(module) + end)

    def _first(self, folder: str, module: str, ends: tuple[str, ...]) -> Iterator[str]:
        if not module.startswith("."):
            return
        base = posixpath.normpath(posixpath.join(folder, module))
        written = re.sub(r"\.[cm]?jsx?$", "", base)
        for candidate in dict.fromkeys(each + end for each in (base, written) for end in ends):
            if candidate in self._paths:
                yield candidate
                return

    def _included(self, path: str, module: str, language: str) -> Iterator[str]:
        end = {"ruby": ".rb", "php": ".php"}.get(language, "")
        wanted = module.removesuffix(end) + end
        near = posixpath.normpath(posixpath.join(posixpath.dirname(path), wanted))
        yield from (near,) if near in self._paths else self._ending(wanted.lstrip("./"))

    def _in_folder(self, module: str) -> Iterator[str]:
        parts = module.split("/")
        for start in range(len(parts)):
            listed = self._by_folder.get("/".join(parts[start:]), ())
            if listed:
                yield from (each for each in listed if each.endswith(".go") and not each.endswith("_test.go"))
                return

    def _by_package(self, module: str, language: str) -> Iterator[str]:
        ends = {"java": (".java",), "kotlin": (".kt", ".java"), "scala": (".scala", ".java"),
                "csharp": (".cs",), "rust": (".rs", "/mod.rs"), "swift": (".swift",)}.get(language, ())  # fmt: skip
        parts = [
            part for part in re.split(r"::|\.|\{.*", module) if part not in {"", "crate", "self", "super"}
        ]
        for stop in range(len(parts), 0, -1):
            found = [each for end in ends for each in self._ending("/".join(parts[:stop]) + end)]
            if found:
                yield from found
                return

    def _ending(self, wanted: str) -> Iterator[str]:
        listed = self._by_name.get(posixpath.basename(wanted), ())
        found = (each for each in listed if each == wanted or each.endswith("/" + wanted))
        yield from sorted(found, key=lambda each: (each.count("/"), each))
