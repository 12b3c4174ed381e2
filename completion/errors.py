"""What can go wrong between a document and its completion.

::

    CompletionError
    ├── BadRequest               cursor outside the text
    ├── DocumentTooLarge         the document exceeds ``CompletionConfig.max_document_chars``
    ├── EngineBusy               the queue of waiting jobs is full
    ├── EngineStopped            the engine was shut down or is not there yet
    ├── EngineFailed             the model could not be loaded; carries the reason
    ├── OutOfMemory              memory ran out, and nothing was left to give up
    └── ModelError
        ├── UnknownModel         no such name, path or hub id
        ├── ModelNotInstalled    known, but not downloaded, and downloading was not asked for
        ├── NoFimTokens          the tokenizer has no fill-in-the-middle tokens
        ├── UnsupportedModel     an architecture, file type or quantisation we refuse by name
        ├── CorruptModel         a converted or local model is damaged
        └── DownloadError
            ├── NetworkUnavailable   no source could be reached
            ├── SourceMissing        the source has no such file or wheel
            ├── HashMismatch         the bytes are not those that were promised
            └── DiskFull             no space left while writing

Every message is one sentence a user can act on.
"""


class CompletionError(Exception):
    """Base of every error of this package."""


class BadRequest(CompletionError):
    """The request does not fit its own text."""


class DocumentTooLarge(CompletionError):
    """The document exceeds the configured size."""


class EngineBusy(CompletionError):
    """The queue of waiting jobs is full."""


class EngineStopped(CompletionError):
    """The engine was shut down, or has not been started."""


class EngineFailed(CompletionError):
    """The model could not be loaded; the message carries the reason."""


class OutOfMemory(CompletionError):
    """Memory ran out, even after all caches were dropped and the prompt was shortened."""


class ModelError(CompletionError):
    """Base of everything about finding, fetching and opening a model."""


class UnknownModel(ModelError):
    """No such name, path or hub id."""


class ModelNotInstalled(ModelError):
    """A known model that is not on this machine, and downloading was not asked for."""


class NoFimTokens(ModelError):
    """The tokenizer has no fill-in-the-middle tokens."""


class UnsupportedModel(ModelError):
    """An architecture, file type or quantisation that is refused by name."""


class CorruptModel(ModelError):
    """A converted or local model is damaged."""


class DownloadError(ModelError):
    """Base of what can happen while fetching."""


class NetworkUnavailable(DownloadError):
    """No source could be reached."""


class SourceMissing(DownloadError):
    """The source has no such file or wheel."""


class HashMismatch(DownloadError):
    """The bytes are not those that were promised."""


class DiskFull(DownloadError):
    """No space was left while writing."""
