"""The frames of LSP over stdio: ``Content-Length`` headers, without I/O.

Source: LSP 3.18, "Base Protocol", section "Header Part".
"""

from collections.abc import Iterator

from assistant.cli.errors import FramingError

HEADER_END = b"\r\n\r\n"
MAX_HEADER_BYTES = 8 << 10
MAX_BODY_BYTES = 64 << 20


def encode(message: str) -> bytes:
    """One message as a frame. Lone surrogates, which JSON may carry escaped, never arrive here raw."""
    body = message.encode("utf-8")
    return b"Content-Length: %d\r\n\r\n" % len(body) + body


class FrameDecoder:
    """Cuts a stream of bytes into messages; bytes may arrive in pieces of any size."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._body_length: int | None = None
        """Set while a header was read and its body is not complete."""

    @property
    def pending(self) -> int:
        """Bytes that wait for the rest of their frame."""
        return len(self._buffer)

    def feed(self, data: bytes) -> Iterator[str]:
        """Takes the next bytes and yields every message that is complete now.

        Raises FramingError; the decoder is of no use afterwards.
        """
        self._buffer += data
        while (message := self._next()) is not None:
            yield message

    def _next(self) -> str | None:
        if self._body_length is None:
            self._body_length = self._take_header()
        if self._body_length is None or len(self._buffer) < self._body_length:
            return None
        body = bytes(self._buffer[: self._body_length])
        del self._buffer[: self._body_length]
        self._body_length = None
        try:
            return body.decode("utf-8")
        except UnicodeDecodeError as error:
            raise FramingError("A message on standard input is not valid UTF-8.") from error

    def _take_header(self) -> int | None:
        """The announced length, once the header is complete; removes the header from the buffer."""
        end = self._buffer.find(HEADER_END)
        if end < 0:
            if len(self._buffer) > MAX_HEADER_BYTES:
                raise FramingError(f"A header on standard input exceeds {MAX_HEADER_BYTES} bytes.")
            return None
        header = bytes(self._buffer[:end])
        del self._buffer[: end + len(HEADER_END)]
        return _content_length(header)


def _content_length(header: bytes) -> int:
    for line in header.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return _checked_length(value.strip())
    raise FramingError("A header on standard input has no Content-Length.")


def _checked_length(value: bytes) -> int:
    if not value.isdigit():
        raise FramingError("The Content-Length on standard input is not a number.")
    length = int(value[:20])
    if length > MAX_BODY_BYTES:
        raise FramingError(f"A message on standard input exceeds {MAX_BODY_BYTES} bytes.")
    return length
