"""The open documents of one connection."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from assistant.document import Document
from assistant.errors import DocumentNotOpen, TooManyDocuments
from assistant.lsp.convert import edit_maker, split_at_whole
from assistant.lsp.messages import DidChange, DocumentItem
from assistant.lsp.positions import PositionEncoding
from assistant.session import EditorSession


@dataclass(frozen=True)
class Limits:
    """What one connection may ask for."""

    max_documents: int
    max_document_chars: int
    max_pending: int
    max_frame_bytes: int


class Documents:
    """One session a URI. Two connections never share one, even for the same file."""

    def __init__(self, connection: str, limits: Limits) -> None:
        self._connection = connection
        self._limits = limits
        self._sessions: dict[str, EditorSession] = {}
        self._numbers = itertools.count(1)

    def __iter__(self) -> Iterator[EditorSession]:
        return iter(self._sessions.values())

    def get(self, uri: str) -> EditorSession:
        """Raises ``DocumentNotOpen``."""
        session = self._sessions.get(uri)
        if session is None:
            raise DocumentNotOpen("The document is not open here. Send textDocument/didOpen first.")
        return session

    def open(self, item: DocumentItem) -> EditorSession:
        """Open, or take the whole text of an open document anew.

        Raises ``TooManyDocuments``, or what ``Document.replace`` raises; then the document is open all the
        same, and says why whenever it is asked.
        """
        session = self._sessions.get(item.uri)
        if session is None:
            session = self._new(item.uri)
        session.language = item.language_id
        session.document.replace(item.version, item.text)
        return session

    def change(self, params: DidChange, encoding: PositionEncoding) -> EditorSession:
        """Apply a change. Raises ``DocumentNotOpen``, ``BadParams``, or what ``Document.edit`` raises."""
        session = self.get(params.text_document.uri)
        document, version = session.document, params.text_document.version
        whole, rest = split_at_whole(params.content_changes)
        edits = [edit_maker(change, encoding) for change in rest]
        if whole is not None:
            document.replace(version, whole, edits)
        else:
            document.edit(version, edits)
        return session

    def close(self, uri: str) -> EditorSession:
        """Forget the document. Raises ``DocumentNotOpen``."""
        session = self.get(uri)
        del self._sessions[uri]
        session.document.close()
        return session

    def _new(self, uri: str) -> EditorSession:
        if len(self._sessions) >= self._limits.max_documents:
            most = self._limits.max_documents
            raise TooManyDocuments(f"At most {most} documents may be open. Close one, then open this again.")
        document = Document(max_chars=self._limits.max_document_chars)
        session = EditorSession(f"{self._connection} {uri}", document, new_id=self._new_id)
        self._sessions[uri] = session
        return session

    def _new_id(self) -> str:
        return f"{self._connection}-{next(self._numbers)}"
