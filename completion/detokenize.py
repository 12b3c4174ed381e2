"""Bytes of tokens to text, token by token."""

import codecs


class ByteDecoder:
    """Joins the bytes of successive tokens into UTF-8 text.

    A token may end in the middle of a character; its bytes are held back until the rest
    arrives. Bytes that can never become a character read as U+FFFD. Wants the bytes that a
    token stands for, so it fits byte-level and sentencepiece vocabularies alike.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def feed(self, data: bytes) -> str:
        """The text that ``data`` completes; may be empty."""
        return self._decoder.decode(data)

    def finish(self) -> str:
        """What was held back, as U+FFFD, or nothing. The decoder is fresh afterwards."""
        rest = self._decoder.decode(b"", final=True)
        self._decoder.reset()
        return rest
