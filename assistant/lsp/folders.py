"""The workspace folders of one connection: indexed while it lasts, its buffers in front of their files."""

from collections.abc import Iterable
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote, urlsplit

from lsprotocol import types as lsp

from assistant.lsp.messages import DidChangeFolders, Folder, Initialize, SymbolQuery
from assistant.lsp.positions import PositionEncoding, width
from assistant.session import EditorSession
from assistant.workspaces import Workspaces
from retrieval.records import SymbolHit, SymbolKind

_SYMBOLS = 100
"""Answered to one search at most."""
_KINDS = MappingProxyType(
    {
        SymbolKind.FUNCTION: lsp.SymbolKind.Function,
        SymbolKind.METHOD: lsp.SymbolKind.Method,
        SymbolKind.CLASS: lsp.SymbolKind.Class,
        SymbolKind.TYPE: lsp.SymbolKind.Interface,
        SymbolKind.VARIABLE: lsp.SymbolKind.Variable,
    }
)


class Folders:
    """Tells ``workspaces`` what this connection has open. Without ``workspaces`` nothing is indexed."""

    def __init__(self, workspaces: Workspaces | None) -> None:
        self._workspaces = workspaces
        self._held: dict[str, Path] = {}
        self._encoding = PositionEncoding.UTF16

    def begin(self, params: Initialize, encoding: PositionEncoding) -> None:
        """Open what ``initialize`` names; positions are told in ``encoding``."""
        self._encoding = encoding
        old = [Folder(params.root_uri)] if params.root_uri else []
        self._open(params.workspace_folders if params.workspace_folders is not None else old)

    def change(self, params: DidChangeFolders) -> None:
        """Follow ``workspace/didChangeWorkspaceFolders``."""
        for folder in params.event.removed:
            self._release(folder.uri)
        self._open(params.event.added)

    def show(self, session: EditorSession) -> None:
        """A document was opened or changed."""
        path = path_of(uri_of(session))
        if self._workspaces and path and session.document.follows:
            self._workspaces.show(path, session.document.text)

    def hide(self, session: EditorSession) -> None:
        """A document was closed."""
        path = path_of(uri_of(session))
        if self._workspaces and path:
            self._workspaces.hide(path)

    async def symbols(self, params: SymbolQuery) -> list[dict[str, Any]]:
        """``SymbolInformation[]`` for ``workspace/symbol``. Raises what searching raises."""
        if self._workspaces is None:
            return []
        roots = list(self._held.values())
        found = await self._workspaces.symbols(roots, params.query, _SYMBOLS)
        return [symbol_of(root, hit, self._encoding) for root, hit in found]

    def root_of(self, path: Path) -> Path | None:
        """The innermost of the folders of this connection that a file lies in."""
        around = [root for root in self._held.values() if root in path.parents]
        return max(around, key=lambda root: len(root.parts), default=None)

    def close(self, sessions: Iterable[EditorSession]) -> None:
        """The connection ended."""
        for session in sessions:
            self.hide(session)
        for uri in list(self._held):
            self._release(uri)

    def _open(self, folders: Iterable[Folder]) -> None:
        for folder in folders:
            path = path_of(folder.uri)
            if (
                self._workspaces
                and path
                and folder.uri not in self._held
                and (root := self._workspaces.open(path))
            ):
                self._held[folder.uri] = root

    def _release(self, uri: str) -> None:
        root = self._held.pop(uri, None)
        if self._workspaces and root:
            self._workspaces.release(root)


def path_of(uri: str) -> Path | None:
    """The path of a ``file:`` URI of this machine; None for another one (RFC 8089)."""
    parts = urlsplit(uri)
    if parts.scheme != "file" or parts.netloc not in {"", "localhost"} or "\0" in unquote(parts.path):
        return None
    return Path(unquote(parts.path))


def symbol_of(root: Path, hit: SymbolHit, encoding: PositionEncoding) -> dict[str, Any]:
    """``SymbolInformation``; its range is that of the name."""
    definition = hit.definition
    prefix = definition.name_prefix
    first = width(prefix, encoding) if prefix else definition.name_column
    start = {"line": definition.name_line, "character": first}
    end = {"line": definition.name_line, "character": first + width(definition.name, encoding)}
    symbol: dict[str, Any] = {
        "name": definition.name,
        "kind": _KINDS[definition.kind].value,
        "location": {"uri": (root / hit.path).as_uri(), "range": {"start": start, "end": end}},
    }
    container = definition.qualified.rpartition(".")[0] or hit.path
    return symbol | {"containerName": container}


def uri_of(session: EditorSession) -> str:
    """The URI of an open document."""
    return session.key.partition(" ")[2]
