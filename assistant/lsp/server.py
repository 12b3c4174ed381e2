"""The language server of one connection: LSP 3.18 documents and inline completions, and our own words.

pygls carries the messages; the documents are ours (``assistant/session.py``), so there is one copy of each.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from typing import Any, Literal, TypeVar, cast

import cattrs
from lsprotocol import types as lsp
from pygls.server import JsonRPCServer

from assistant.errors import INTERNAL, BadParams, DocumentNotOpen, OutOfSync, Superseded, report
from assistant.lsp import messages
from assistant.lsp.convert import (
    ACCEPT,
    choose_encoding,
    items_of,
    offset_at,
    selection_of,
    status_of,
    suggestion_of,
    trace_of,
    trigger_of,
)
from assistant.lsp.documents import Documents, Limits
from assistant.lsp.folders import Folders
from assistant.lsp.jobs import Jobs, OnPartial
from assistant.lsp.positions import PositionEncoding
from assistant.lsp.protocol import EditorProtocol, Life
from assistant.lsp.source import CompletionSource
from assistant.lsp.summaries import SummaryRequests
from assistant.session import Answer, EditorSession, Manner, Ticket
from assistant.summaries import Summaries
from assistant.workspaces import Workspaces
from completion.records import Completion, EngineState, ServiceStatus

_log = logging.getLogger(__name__)

_STATUS_S = 0.5
"""How often a loading engine is asked how far it is."""
Event = Literal["completed", "covered", "shown", "accepted", "partially_accepted"]
"""What is counted: answered by the model, answered from a suggestion, and what became of it."""
P = TypeVar("P", bound=messages.Params)


class EditorServer(JsonRPCServer):
    """One client. ``receive`` its frames; answers go to the writer given to ``rpc.set_writer``."""

    def __init__(
        self,
        connection: str,
        source: CompletionSource,
        *,
        limits: Limits,
        on_event: Callable[[Event], None],
        on_exit: Callable[[], None],
        workspaces: Workspaces | None = None,
        summaries: Summaries | None = None,
    ) -> None:
        super().__init__(EditorProtocol, cattrs.Converter)
        self.rpc = cast("EditorProtocol", self.protocol)
        self.rpc.limits = limits
        self.rpc.on_unread = self._unread
        self._source = source
        self._on_event = on_event
        self._on_exit = on_exit
        self._documents = Documents(connection, limits)
        self._folders = Folders(workspaces)
        self._summaries = SummaryRequests(summaries, self._documents, self._folders, notify=self.rpc.notify)
        self._jobs = Jobs(source, render=self._render, on_done=self._on_done)
        self._encoding = PositionEncoding.UTF16
        self._zero_based = False
        self._watch: asyncio.Task[None] | None = None
        self._register()

    def receive(self, frame: str | bytes) -> None:
        """Handle one frame. Raises nothing."""
        self.rpc.receive(frame)

    async def close(self) -> None:
        """The connection ended: end its completions, give its caches back."""
        if self._watch is not None:
            self._watch.cancel()
        await self._jobs.close()
        await self._summaries.close()
        self._folders.close(self._documents)
        for session in self._documents:
            self._source.forget(session.key)

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Pygls reports here what it has answered already."""
        _log.debug("%s: %s", source, type(error).__name__)

    # Registration

    def _register(self) -> None:
        self._request(lsp.INITIALIZE, messages.Initialize, self._initialize)
        self._request(lsp.SHUTDOWN, messages.Nothing, self._shut_down)
        self._request(lsp.TEXT_DOCUMENT_INLINE_COMPLETION, messages.InlineCompletion, self._complete)
        self._request(lsp.WORKSPACE_EXECUTE_COMMAND, messages.Command, self._execute)
        self._request(lsp.WORKSPACE_SYMBOL, messages.SymbolQuery, self._folders.symbols)
        self._request(lsp.TEXT_DOCUMENT_CODE_LENS, messages.DocumentQuestion, self._summaries.lenses)
        self._request(lsp.TEXT_DOCUMENT_HOVER, messages.HoverQuestion, self._summaries.hover)
        self._notification(lsp.INITIALIZED, messages.Nothing, self._initialized)
        self._notification(lsp.EXIT, messages.Nothing, self._exit)
        self._notification(lsp.TEXT_DOCUMENT_DID_OPEN, messages.DidOpen, self._did_open)
        self._notification(lsp.TEXT_DOCUMENT_DID_CHANGE, messages.DidChange, self._did_change)
        self._notification(lsp.TEXT_DOCUMENT_DID_CLOSE, messages.DidClose, self._did_close)
        self._notification(
            lsp.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS, messages.DidChangeFolders, self._folders.change
        )
        self._notification("textDocument/didShowCompletion", messages.DidShow, self._did_show)
        self._notification(
            "textDocument/didPartiallyAcceptCompletion",
            messages.DidPartiallyAccept,
            self._did_partially_accept,
        )

    def _request(self, method: str, kind: type[P], handle: Callable[[P], Any]) -> None:
        self.rpc.on(method, lambda params: handle(messages.read(kind, params)))

    def _notification(self, method: str, kind: type[P], handle: Callable[[P], None]) -> None:
        def run(params: Any) -> None:
            try:
                handle(messages.read(kind, params))
            except Exception as error:  # noqa: BLE001 - told to the client; bugs are logged there
                self._tell(error, params)

        self.rpc.on(method, run)

    def _tell(self, error: Exception, params: Any) -> None:
        """A notification has no answer, so its error is a notification too."""
        uri = messages.uri_of(params)
        if isinstance(error, BadParams) and uri is not None:
            error = self._lose(uri) or error
        told = report(error)
        if told.codes == INTERNAL:
            _log.error("A notification failed.", exc_info=error)
        if isinstance(error, OutOfSync | DocumentNotOpen) and uri is not None:
            self._ask_for_resync(uri, error)
        message = {"type": lsp.MessageType.Error.value, "message": told.sentence, "code": told.codes.rpc}
        self.rpc.notify(lsp.WINDOW_LOG_MESSAGE, message)

    def _ask_for_resync(self, uri: str, error: Exception) -> None:
        self.rpc.notify("splice/resync", {"uri": uri, "reason": str(error)})

    def _unread(self, uri: str) -> None:
        """A message about ``uri`` was too long: whatever it changed is missing here."""
        error = self._lose(uri)
        if error is not None:
            self._ask_for_resync(uri, error)

    def _lose(self, uri: str) -> OutOfSync | None:
        """A change that could not be read: from here on the copy is wrong."""
        try:
            document = self._documents.get(uri).document
        except DocumentNotOpen:
            return None
        return document.lose("a message about it could not be read") if document.follows else None

    # Lifecycle

    def _initialize(self, params: messages.Initialize) -> dict[str, Any]:
        general = params.capabilities.general
        self._encoding = choose_encoding(general.position_encodings if general else None)
        self._summaries.encoding = self._encoding
        self.rpc.life = Life.INITIALIZED
        self._folders.begin(params, self._encoding)
        sync = {"openClose": True, "change": lsp.TextDocumentSyncKind.Incremental.value}
        capabilities = {
            "positionEncoding": self._encoding.value,
            "textDocumentSync": sync,
            "inlineCompletionProvider": True,
            "workspaceSymbolProvider": True,
            "workspace": {"workspaceFolders": {"supported": True, "changeNotifications": True}},
            "executeCommandProvider": {"commands": [ACCEPT, *self._summaries.commands]},
            **self._summaries.capabilities,
        }
        info = {"name": "splice", "version": version("splice-assistant")}
        return {"capabilities": capabilities, "serverInfo": info}

    def _initialized(self, _: messages.Nothing) -> None:
        if self._watch is None:
            self._watch = asyncio.ensure_future(self._watch_status())

    def _shut_down(self, _: messages.Nothing) -> None:
        self.rpc.life = Life.SHUT_DOWN
        for session in self._documents:
            self._jobs.drop(session, Superseded("The connection was shut down."))

    def _exit(self, _: messages.Nothing) -> None:
        self._on_exit()

    async def _watch_status(self) -> None:
        """Tell the state now, whenever it changes, and what a loading engine does meanwhile."""
        told: ServiceStatus | None = None
        while True:
            status = self._source.status()
            if status != told:
                self.rpc.notify("splice/status", status_of(status))
                told = status
            if status.state is EngineState.STOPPED:
                return
            patience = _STATUS_S if status.state is EngineState.LOADING else None
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._source.changed(status.state), patience)

    # Documents

    def _did_open(self, params: messages.DidOpen) -> None:
        session = self._documents.open(params.text_document)
        self._jobs.prune(session)
        self._folders.show(session)

    def _did_change(self, params: messages.DidChange) -> None:
        session = self._documents.get(params.text_document.uri)
        try:
            self._documents.change(params, self._encoding)
        finally:
            self._jobs.prune(session)
            self._folders.show(session)

    def _did_close(self, params: messages.DidClose) -> None:
        try:
            session = self._documents.close(params.text_document.uri)
        except DocumentNotOpen:
            return
        self._folders.hide(session)
        self._jobs.drop(session, DocumentNotOpen("The document was closed while its completion ran."))
        self._source.forget(session.key)

    # Completions

    def _complete(self, params: messages.InlineCompletion) -> Any:
        session = self._documents.get(params.text_document.uri)
        was_lost = session.document.trouble is not None
        try:
            outcome = self._ask(session, params)
        except OutOfSync as error:
            if not was_lost:
                self._ask_for_resync(params.text_document.uri, error)
            raise
        if isinstance(outcome, Ticket):
            return self._jobs.wait(session, outcome, self._partial_sender(session, params))
        self._jobs.drop(session, Superseded("A newer request for this document replaced this one."))
        self._on_event("covered")
        return self._render(session, outcome)

    def _ask(self, session: EditorSession, params: messages.InlineCompletion) -> Answer | Ticket:
        text, context, wish = session.document.text, params.context, params.splice or messages.Wish()
        self._zero_based = self._zero_based or context.trigger_kind == 0
        return session.ask(
            offset_at(text, params.position, self._encoding),
            trigger=trigger_of(context.trigger_kind, zero_based=self._zero_based),
            version=params.text_document.version,
            selection=selection_of(text, context.selected_completion_info, self._encoding),
            manner=Manner(wish.reuse, wish.temperature, wish.top_p, wish.seed),
            prediction=wish.prediction,
        )

    def _partial_sender(self, session: EditorSession, params: messages.InlineCompletion) -> OnPartial | None:
        if params.partial_result_token is None:
            return None
        return partial(self._send_partial, session, params.partial_result_token)

    def _send_partial(self, session: EditorSession, token: int | str, answer: Answer) -> None:
        self.rpc.notify(lsp.PROGRESS, {"token": token, "value": self._render(session, answer)})

    def _render(self, session: EditorSession, answer: Answer | None) -> dict[str, Any]:
        return items_of(answer, session.document.text, self._encoding)

    def _on_done(self, session: EditorSession, ticket: Ticket, completion: Completion) -> None:
        self._on_event("completed")
        uri = session.key.partition(" ")[2]
        trace = {"uri": uri, "version": ticket.version, "trace": trace_of(completion.trace)}
        self.rpc.notify("splice/trace", trace)

    # What became of a suggestion

    def _execute(self, params: messages.Command) -> Any:
        return self._accept(params) if params.command == ACCEPT else self._summaries.execute(params)

    def _accept(self, params: messages.Command) -> None:
        suggestion = suggestion_of(params)
        if any(session.accept(suggestion) for session in self._documents):
            self._on_event("accepted")

    def _did_show(self, params: messages.DidShow) -> None:
        suggestion_of(params.item.command)
        self._on_event("shown")

    def _did_partially_accept(self, params: messages.DidPartiallyAccept) -> None:
        suggestion_of(params.item.command)
        self._on_event("partially_accepted")
