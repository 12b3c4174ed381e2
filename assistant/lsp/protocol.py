"""JSON-RPC 2.0, one message a frame: pygls's dispatch, with our own reading, limits and errors.

Whatever a frame holds, at most an error goes back; nothing of a message is logged.
"""

import asyncio
import inspect
import json
import logging
import re
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from enum import Enum, auto
from typing import Any, NoReturn, cast

from cattrs import Converter
from lsprotocol.types import EXIT, INITIALIZE, ResponseError
from pygls.exceptions import (
    JsonRpcException,
    JsonRpcInvalidRequest,
    JsonRpcMethodNotFound,
    JsonRpcParseError,
    JsonRpcRequestCancelled,
    JsonRpcServerNotInitialized,
)
from pygls.protocol import JsonRPCProtocol
from pygls.protocol.json_rpc import JsonRPCNotification, JsonRPCRequestMessage
from pygls.server import JsonRPCServer

from assistant.errors import INTERNAL, AssistantError, FrameTooLarge, TooManyRequests, report
from assistant.lsp.documents import Limits
from assistant.lsp.messages import Cancel, MessageId, read

_log = logging.getLogger(__name__)
_CANCEL = "$/cancelRequest"
_URI = re.compile(r'(?<!\\)"uri"\s*:\s*("(?:[^"\\\x00-\x1f]|\\["\\/bfnrt])*")')
_END = 8192
"""Characters at either end of a frame in which its document is looked for."""
Handler = Callable[[Any], Any]


class Life(Enum):
    """LSP's lifecycle of one connection."""

    NEW = auto()
    INITIALIZED = auto()
    SHUT_DOWN = auto()


class EditorProtocol(JsonRPCProtocol):
    """Frames in, handlers called in order, answers out.

    A handler runs while its frame is read, before the next one. It returns the result, or an awaitable
    of it, and raises what ``assistant.errors`` knows.
    """

    limits: Limits
    """Set by the server that owns this, before the first frame."""
    life: Life = Life.NEW
    on_unread: Callable[[str], None]
    """Called with the URIs that a frame names which was too long to read; set as ``limits`` are."""

    def __init__(self, server: JsonRPCServer, converter: Converter) -> None:
        super().__init__(server, converter)
        self._handlers: dict[str, Handler] = {}

    def on(self, method: str, handler: Handler) -> None:
        """Let ``handler`` answer ``method``; it gets the parameters as they came."""
        self._handlers[method] = handler

    def receive(self, frame: str | bytes) -> None:
        """Read one frame and do what it asks. Raises nothing."""
        message_id: MessageId | None = None
        try:
            message = self._parse(frame)
            message_id = _id_of(message)
            self._dispatch(message, message_id)
        except (JsonRpcException, AssistantError) as error:
            self._reject(message_id, _response_error(error))
            if isinstance(error, FrameTooLarge):
                for uri in _uris_of(frame):
                    self.on_unread(uri)

    def _parse(self, frame: str | bytes) -> dict[str, Any]:
        size, limit = _bytes_of(frame), self.limits.max_frame_bytes
        if size > limit:
            raise FrameTooLarge(f"The message has {size:,} bytes; at most {limit:,} are read.")
        try:
            message: object = json.loads(frame, parse_constant=_refuse_constant)
        except RecursionError as error:
            raise JsonRpcParseError("The message is nested too deeply.") from error
        except ValueError as error:
            raise JsonRpcParseError("The message is not valid JSON.") from error
        if not isinstance(message, dict):
            raise JsonRpcInvalidRequest("A message must be one JSON object; batches are not taken.")
        return cast("dict[str, Any]", message)

    def _dispatch(self, message: dict[str, Any], message_id: MessageId | None) -> None:
        method = message.get("method")
        if message.get("jsonrpc") != self.VERSION:
            raise JsonRpcInvalidRequest('A message must say "jsonrpc": "2.0".')
        if method is None and ("result" in message or "error" in message):
            return  # An answer; nothing was asked.
        if not isinstance(method, str):
            raise JsonRpcInvalidRequest("A message must name its method.")
        params = message.get("params")
        if message_id is None:
            self._notified(method, params)
        else:
            self._require_room(message_id)
            self._require_life(method)
            self._get_handler(method)
            self.handle_message(JsonRPCRequestMessage(message_id, method, self.VERSION, params))

    def _notified(self, method: str, params: Any) -> None:
        if self.life is not Life.INITIALIZED and method != EXIT:
            return
        if method == _CANCEL:
            params = read(Cancel, params)
            if params.id not in self._request_futures:
                return
        elif method not in self._handlers:
            return
        self.handle_message(JsonRPCNotification(method, self.VERSION, params))

    def _require_life(self, method: str) -> None:
        if self.life is Life.NEW and method != INITIALIZE:
            raise JsonRpcServerNotInitialized("The first request must be `initialize`.")
        if self.life is Life.INITIALIZED and method == INITIALIZE:
            raise JsonRpcInvalidRequest("The connection is initialized already.")
        if self.life is Life.SHUT_DOWN:
            raise JsonRpcInvalidRequest("The connection was shut down; only `exit` may follow.")

    def _require_room(self, message_id: MessageId) -> None:
        if message_id in self._request_futures:
            raise JsonRpcInvalidRequest("A request of the same id is not answered yet.")
        if len(self._request_futures) >= self.limits.max_pending:
            raise TooManyRequests(f"At most {self.limits.max_pending} requests may wait for their answers.")

    def _reject(self, message_id: MessageId | None, error: ResponseError) -> None:
        payload = {"code": error.code, "message": error.message}
        self._send_data({"jsonrpc": self.VERSION, "id": message_id, "error": payload})

    # What pygls calls

    def _get_handler(self, feature_name: str) -> Handler:
        if (handler := self._handlers.get(feature_name)) is None:
            raise JsonRpcMethodNotFound(f"There is no method `{feature_name[:100]}`.")
        return handler

    def _execute_handler(
        self,
        msg_id: MessageId,
        handler: Handler,
        callback: Callable[[Future[Any]], None],
        args: tuple[Any, ...] | None = None,
        kwargs: dict[str, Any] | None = None,
    ) -> None:
        """Call the handler now, so that it sees the documents as they were when its frame came."""
        future: Future[Any] = Future()
        try:
            result = handler(*(args or ()), **(kwargs or {}))
        except Exception as error:  # noqa: BLE001 - the callback answers with whatever it was
            future.set_exception(error)
        else:
            if inspect.isawaitable(result):
                future = _as_future(result)
                self._request_futures[msg_id] = future
            else:
                future.set_result(result)
        future.add_done_callback(callback)

    def _send_handler_result(self, future: Future[Any], *, msg_id: MessageId) -> None:
        self._request_futures.pop(msg_id, None)
        if future.cancelled():
            self._reject(msg_id, JsonRpcRequestCancelled("The request was cancelled.").to_response_error())
        elif (error := future.exception()) is None:
            self._send_response(msg_id, future.result())
        else:
            self._reject(msg_id, _response_error(error))

    def _send_data(self, data: Any) -> None:
        if self.writer is not None:
            # ASCII only: a lone surrogate has no UTF-8 form, but it has a JSON escape.
            self.writer.write(json.dumps(data, default=self._serialize_message).encode("ascii"))


def _as_future(result: Awaitable[Any]) -> Future[Any]:
    """What pygls asks of a future, both kinds of futures have."""
    return cast("Future[Any]", asyncio.ensure_future(result))


def _uris_of(frame: str | bytes) -> set[str]:
    """The URIs at the ends of an unread frame. A text inside cannot show one: its quotes are escaped."""
    ends = [frame[:_END], frame[-_END:]]
    texts = [end if isinstance(end, str) else end.decode("utf-8", "replace") for end in ends]
    return {json.loads(uri) for text in texts for uri in _URI.findall(text)}


def _bytes_of(frame: str | bytes) -> int:
    """The size of a frame as it travels: in UTF-8."""
    if isinstance(frame, bytes) or frame.isascii():
        return len(frame)
    return len(frame.encode("utf-8", "surrogatepass"))


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _id_of(message: dict[str, Any]) -> MessageId | None:
    message_id = message.get("id")
    if message_id is None or (isinstance(message_id, int | str) and not isinstance(message_id, bool)):
        return message_id
    raise JsonRpcInvalidRequest("The id of a request must be a string or a whole number.")


def _is_bug(error: BaseException) -> bool:
    return report(error).codes == INTERNAL


def _response_error(error: BaseException) -> ResponseError:
    if isinstance(error, JsonRpcException):
        return error.to_response_error()
    if _is_bug(error):
        _log.error("A request failed.", exc_info=error)
    told = report(error)
    return ResponseError(told.codes.rpc, told.sentence)
