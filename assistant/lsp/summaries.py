"""Summaries in an editor: the command ``splice.summarize``, a lens over functions and classes, a hover."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from lsprotocol import types as lsp

from assistant.errors import BadParams
from assistant.lsp.convert import ACCEPT
from assistant.lsp.documents import Documents
from assistant.lsp.folders import Folders, path_of, uri_of
from assistant.lsp.messages import Command, DocumentQuestion, HoverQuestion, MessageId, SummaryQuestion, read
from assistant.lsp.positions import Position, PositionEncoding, Units, offset_of, width
from assistant.repository import repository_of
from assistant.session import EditorSession
from assistant.summaries import News, PartBegun, Summaries, TextSoFar
from completion.summaries.cache import Summary
from completion.summaries.files import source_of_text
from completion.summaries.wanted import Wanted, level_of
from retrieval.errors import NoRepository, NotIndexed
from retrieval.records import Definition, SymbolKind
from retrieval.syntax import SyntaxReader

SUMMARIZE = "splice.summarize"
_SUMMARISED = frozenset({SymbolKind.FUNCTION, SymbolKind.METHOD, SymbolKind.CLASS})
_STALE = "*Out of date: the code, or what it was read with, has changed since.*"
Notify = Callable[[str, dict[str, Any]], None]


class SummaryRequests:
    """What one connection asks of ``summaries``. Without them it has neither lens, hover nor command."""

    def __init__(
        self, summaries: Summaries | None, documents: Documents, folders: Folders, *, notify: Notify
    ) -> None:
        self._summaries = summaries
        self._documents = documents
        self._folders = folders
        self._notify = notify
        self._running: set[asyncio.Future[dict[str, Any]]] = set()
        self.encoding = PositionEncoding.UTF16
        """As negotiated; the server sets it."""

    @property
    def commands(self) -> list[str]:
        """For ``executeCommandProvider``."""
        return [SUMMARIZE] if self._summaries else []

    @property
    def capabilities(self) -> dict[str, Any]:
        """What ``initialize`` tells of them."""
        return {"codeLensProvider": {}, "hoverProvider": True} if self._summaries else {}

    def execute(self, params: Command) -> "asyncio.Future[dict[str, Any]]":
        """``splice.summarize``; cancelling what is returned ends the work within one step.

        Raises BadParams, BadRequest or DocumentNotOpen; the future raises what ``Summaries.summarize`` does.
        """
        if params.command not in self.commands:
            known = ", ".join(f"`{name}`" for name in (ACCEPT, *self.commands))
            raise BadParams(f"There is no command `{params.command[:100]}`; there is {known}.")
        if params.arguments is None or len(params.arguments) != 1:
            raise BadParams(f"`{SUMMARIZE}` takes one argument: an object with a `uri`.")
        question = read(SummaryQuestion, params.arguments[0])
        wanted = self._wanted(question)
        task = asyncio.ensure_future(self._summarize(wanted, question, params.work_done_token))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def close(self) -> None:
        """End what is being written."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def lenses(self, params: DocumentQuestion) -> list[dict[str, Any]]:
        """``CodeLens[]``: one over each function and class of an open document."""
        session = self._documents.get(params.text_document.uri)
        if self._summaries is None:
            return []
        uri, text = params.text_document.uri, session.document.inside
        found = await asyncio.to_thread(_definitions, _name_of(uri), text)
        lines = text.split("\n")
        return [_lens(uri, each, lines[each.name_line], self.encoding) for each in found]

    async def hover(self, params: HoverQuestion) -> dict[str, Any] | None:
        """``Hover`` with the summary of the name under the mouse, where one was made; no model is asked."""
        session = self._documents.get(params.text_document.uri)
        if self._summaries is None:
            return None
        uri, text = params.text_document.uri, session.document.inside
        place = Position(params.position.line, Units(params.position.character))
        offset = offset_of(text, place, self.encoding) - _start_of(text, params.position.line)
        found = await asyncio.to_thread(_definitions, _name_of(uri), text)
        named = next((each for each in found if _is_named(each, params.position.line, offset)), None)
        if named is None:
            return None
        known = await self._summaries.known(self._wanted(SummaryQuestion(uri, named.qualified)))
        if known is None:
            return None
        value = f"{known.summary.text}\n\n{_STALE}" if known.stale else known.summary.text
        return {"contents": {"kind": lsp.MarkupKind.Markdown.value, "value": value}}

    async def _summarize(
        self, wanted: Wanted, question: SummaryQuestion, token: MessageId | None
    ) -> dict[str, Any]:
        if self._summaries is None:
            raise NoRepository("Nothing is summarised here.")
        self._report(token, {"kind": "begin", "title": "Summarising", "cancellable": True})
        try:
            made = await self._summaries.summarize(wanted, lambda news: self._report(token, _progress(news)))
        finally:
            self._report(token, {"kind": "end"})
        if not question.quiet:
            shown = {"type": lsp.MessageType.Info.value, "message": f"{made.name}: {made.text}"}
            self._notify(lsp.WINDOW_SHOW_MESSAGE, shown)
        return _answer(made)

    def _report(self, token: MessageId | None, value: dict[str, Any]) -> None:
        if token is not None:
            self._notify(lsp.PROGRESS, {"token": token, "value": value})

    def _wanted(self, question: SummaryQuestion) -> Wanted:
        """A file of a folder that the editor has open, else of the repository around it, else alone."""
        path, level = path_of(question.uri), level_of(question.level)
        text = self._text_of(question.uri)
        if path is None:
            if text is None:
                raise BadParams("`uri` is neither a file of this machine nor an open document.")
            return Wanted(Path("/"), _name_of(question.uri), question.symbol, level, text)
        path = path.parent.resolve() / path.name
        if path.is_dir():
            return Wanted(path, "", question.symbol, level)
        root = self._folders.root_of(path) or repository_of(path)
        return Wanted(root, path.relative_to(root).as_posix(), question.symbol, level, text)

    def _text_of(self, uri: str) -> str | None:
        session: EditorSession | None = next((each for each in self._documents if uri_of(each) == uri), None)
        return session.document.inside if session and session.document.trouble is None else None


def _definitions(path: str, text: str) -> list[Definition]:
    try:
        outline = source_of_text(path, text, SyntaxReader()).outline
    except NotIndexed:
        return []
    return [each for each in outline.definitions if each.kind in _SUMMARISED]


def _lens(uri: str, definition: Definition, line: str, encoding: PositionEncoding) -> dict[str, Any]:
    start = width(line[: definition.name_column], encoding)
    end = start + width(definition.name, encoding)
    argument = {"uri": uri, "symbol": definition.qualified}
    return {
        "range": {
            "start": {"line": definition.name_line, "character": start},
            "end": {"line": definition.name_line, "character": end},
        },
        "command": {"title": "Summarise", "command": SUMMARIZE, "arguments": [argument]},
    }


def _is_named(definition: Definition, line: int, column: int) -> bool:
    start = definition.name_column
    return definition.name_line == line and start <= column <= start + len(definition.name)


def _start_of(text: str, line: int) -> int:
    """Where a line begins, in code points; the end of the text behind the last one."""
    start = 0
    for _ in range(line):
        found = text.find("\n", start)
        if found < 0:
            return len(text)
        start = found + 1
    return start


def _progress(news: News) -> dict[str, Any]:
    """``WorkDoneProgressReport``."""
    match news:
        case PartBegun(done, total, name):
            percentage = 100 * done // max(1, total)
            return {"kind": "report", "message": f"{done + 1} of {total}: {name}", "percentage": percentage}
        case TextSoFar(text):
            return {"kind": "report", "message": text}


def _answer(made: Summary) -> dict[str, Any]:
    return msgspec.to_builtins(made)


def _name_of(uri: str) -> str:
    """The file's name, which tells the language."""
    path = path_of(uri)
    return path.name if path else uri.rpartition("/")[2].rpartition(":")[2] or "untitled"
