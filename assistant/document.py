"""The server's copy of one document: its text and version, kept in step by edits, or not trusted at all.

Pure state without I/O. Offsets are code points of the outside text (``assistant/textform.py``).
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple, NoReturn

from assistant.errors import DocumentNotOpen, NotText, Outdated, OutOfSync
from assistant.textform import is_text, to_inside
from completion.errors import DocumentTooLarge

_MOST_WORK = 2**30
"""Characters that the edits of one message may copy: a second or two, at most four with their positions."""
_KEPT = 4
"""A refused text is kept up to this many times the allowed length: an undo may make it good again."""


class Edit(NamedTuple):
    """Replace ``[start, end)`` by ``text``."""

    start: int
    end: int
    text: str


EditMaker = Callable[[str], Edit]
"""The edit, once the text is known that it applies to."""


class Document:
    """Text and version, or the trouble that keeps them from being trusted.

    While there is trouble, ``require`` raises it. ``replace`` ends every trouble. ``edit`` ends that of a
    text which was refused, as soon as the edits make it good; else it changes nothing.
    """

    def __init__(self, *, max_chars: int) -> None:
        self.text = ""
        """Outside, with the editor's own line ends; empty while in trouble."""
        self.inside = ""
        """The same text as the model sees it."""
        self.version = 0
        self.revision = 0
        """Counts the texts taken, because a client may use a version twice."""
        self.trouble: Exception | None = DocumentNotOpen("The document was never opened.")
        self._max_chars = max_chars
        self._base: str | None = None
        """What the next edit applies to: ``text``, or a refused text; None when that is not known."""

    @property
    def follows(self) -> bool:
        """Whether ``edit`` has a text to apply to."""
        return self._base is not None

    def replace(self, version: int, text: str, edits: Iterable[Edit | EditMaker] = ()) -> None:
        """Take the whole text anew, then apply ``edits``; any version will do.

        Raises ``DocumentTooLarge`` or ``NotText``, which become the trouble, or ``OutOfSync`` as ``edit``.
        """
        text = self._edited(version, text, edits)
        self.version = version
        self._take(text)

    def edit(self, version: int, edits: Iterable[Edit | EditMaker]) -> None:
        """Apply ``edits`` one after the other; together they lead to ``version``.

        Raises ``OutOfSync`` when the version is not newer, a range does not fit or the edits are too much
        work, or what ``replace`` raises, but that only when it is new; it becomes the trouble. What a maker
        raises leaves everything as it was.
        """
        if self._base is None:
            return
        if version <= self.version:
            raise self.lose(f"version {version} came after version {self.version}")
        was_refused = self.trouble is not None
        try:
            text = self._edited(version, self._base, edits)
            self.version = version
            self._take(text)
        except (DocumentTooLarge, NotText):
            if not was_refused:
                raise

    def lose(self, reason: str) -> OutOfSync:
        """Stop trusting the text until it is sent again. Returns the error to raise or to report."""
        error = OutOfSync(f"The server lost track of the document: {reason}. Send the whole document again.")
        self._drop(error)
        return error

    def close(self) -> None:
        """Forget the text."""
        self._drop(DocumentNotOpen("The document was closed."))

    def require(self, version: int | None) -> None:
        """Return only if the text can be trusted and is the one the client means; None: whatever it is.

        Raises the trouble; ``Outdated`` when the client means an older version; ``OutOfSync``, which
        becomes the trouble, when it means a version that never came.
        """
        if self.trouble is not None:
            raise type(self.trouble)(*self.trouble.args)
        if version is None or version == self.version:
            return
        if version > self.version:
            raise self.lose(f"version {version} is meant, but only version {self.version} has come")
        raise Outdated(f"Version {version} is meant, but the document is at version {self.version}.")

    def _edited(self, version: int, text: str, edits: Iterable[Edit | EditMaker]) -> str:
        """``text`` after ``edits``. Counts the copying, because each edit may make the next one dearer."""
        work = 0
        for each in edits:
            work += len(text)
            if work > _MOST_WORK:
                raise self.lose(f"the edits of version {version} are too many for a text of this size")
            edit = each if isinstance(each, Edit) else each(text)
            if not 0 <= edit.start <= edit.end <= len(text):
                raise self.lose(f"an edit of version {version} ends before it starts")
            text = text[: edit.start] + edit.text + text[edit.end :]
            if len(text) > _KEPT * self._max_chars:
                self._refuse(text, self._too_large(text))
        return text

    def _take(self, text: str) -> None:
        if len(text) > self._max_chars:
            self._refuse(text, self._too_large(text))
        if not is_text(text):
            self._refuse(text, NotText("The document is no text: it holds NUL or mostly control characters."))
        self.trouble = None
        self.revision += 1
        self.text = self._base = text
        self.inside = to_inside(text)

    def _too_large(self, text: str) -> DocumentTooLarge:
        return DocumentTooLarge(
            f"The document has {len(text):,} characters; at most {self._max_chars:,} can be completed."
        )

    def _refuse(self, text: str, trouble: Exception) -> NoReturn:
        self._drop(trouble)
        if len(text) <= _KEPT * self._max_chars:
            self._base = text
        raise trouble

    def _drop(self, trouble: Exception) -> None:
        self.trouble = trouble
        self.text = self.inside = ""
        self._base = None
