"""What can go wrong in the process, and what every error of ours becomes at the border.

::

    AssistantError
    ├── SettingsError
    │   ├── UnknownSetting        a key nobody knows; the sentence names a close one
    │   └── BadSetting            a value that does not fit
    ├── StartError
    │   ├── PortInUse             another program listens there
    │   ├── AlreadyRunning        a server of this user runs; the sentence says where
    │   └── PublicHostWithoutToken
    ├── DocumentError
    │   ├── DocumentNotOpen       no ``didOpen`` came for it, or it was closed
    │   ├── OutOfSync             edits out of order or for an unknown version; send the document again
    │   ├── Outdated              the request is for an older version than the server has
    │   ├── Superseded            a newer request for the same document replaced this one
    │   └── NotText               the document holds bytes that are no text
    └── ClientError
        ├── BadParams             a message whose fields do not fit
        ├── FrameTooLarge
        ├── TooManyDocuments
        ├── TooManyRequests
        ├── TooManyConnections
        └── Unauthorized          no token, a wrong one, a foreign origin or host
"""

from typing import NamedTuple

from completion import errors as completion
from drafts import errors as drafts
from kvcache import errors as cache
from retrieval import errors as retrieval


class AssistantError(Exception):
    """Base of every error of this package."""


class SettingsError(AssistantError):
    """Base of what stops the start because of a setting."""


class UnknownSetting(SettingsError):
    """A key that nobody knows."""


class BadSetting(SettingsError):
    """A value that does not fit its setting."""


class StartError(AssistantError):
    """Base of what stops the server from listening."""


class PortInUse(StartError):
    """Another program listens on the port."""


class AlreadyRunning(StartError):
    """A server of this user runs already; the sentence says where."""


class PublicHostWithoutToken(StartError):
    """A host that others can reach was asked for, and no token was chosen."""


class DocumentError(AssistantError):
    """Base of what is wrong with one document; no other document is touched."""


class DocumentNotOpen(DocumentError):
    """No ``didOpen`` came for the document, or it was closed."""


class OutOfSync(DocumentError):
    """The server's copy cannot be trusted any more; the client must send the document again."""


class NotText(DocumentError):
    """The document holds bytes that are no text."""


class ClientError(AssistantError):
    """Base of what a client did wrong; its connection lives on where it can."""


class BadParams(ClientError):
    """A message whose fields do not fit its method."""


class FrameTooLarge(ClientError):
    """One message is longer than the limit."""


class TooManyDocuments(ClientError):
    """The connection has as many documents open as it may."""


class TooManyRequests(ClientError):
    """The connection has as many unanswered requests as it may."""


class TooManyConnections(ClientError):
    """The server has as many connections as it may."""


class Unauthorized(ClientError):
    """No token, a wrong one, or a foreign origin or host."""


class Outdated(DocumentError):
    """The request was made for an older version of the document than the server has."""


class Superseded(DocumentError):
    """A newer request for the same document replaced this one."""


class Codes(NamedTuple):
    """What an error becomes at each border."""

    rpc: int
    """JSON-RPC 2.0 and LSP 3.18 (``ErrorCodes``, ``LSPErrorCodes``); ours are -32030 to -32069."""
    http: int
    exit: int
    """2: asked for wrongly; 3: the model; 4: the network or the disk; 5: the server; 1: the rest."""


class Report(NamedTuple):
    """An error as it leaves the process."""

    codes: Codes
    sentence: str


INTERNAL = Codes(-32603, 500, 70)
"""Whatever is not in the table: a bug of ours."""


def codes_by_error() -> dict[type[Exception], Codes]:
    """The one table: every error class of ours, bases too."""
    return _ours() | _completions() | _models() | _caches() | _drafts() | _indexes()


def report(error: BaseException) -> Report:
    """Codes and sentence of any exception; a foreign one tells its type only, never its content."""
    table = codes_by_error()
    for cls in type(error).__mro__:
        if cls in table:
            return Report(table[cls], str(error) or _summary(cls))
    return Report(INTERNAL, f"Something went wrong inside Splice ({type(error).__name__}); this is a bug.")


def _summary(cls: type) -> str:
    return (cls.__doc__ or cls.__name__).partition("\n")[0]


def _ours() -> dict[type[Exception], Codes]:
    return {
        AssistantError: INTERNAL,
        SettingsError: Codes(-32603, 500, 2),
        UnknownSetting: Codes(-32603, 500, 2),
        BadSetting: Codes(-32603, 500, 2),
        StartError: Codes(-32603, 500, 5),
        PortInUse: Codes(-32603, 500, 5),
        AlreadyRunning: Codes(-32603, 500, 5),
        PublicHostWithoutToken: Codes(-32603, 500, 2),
        DocumentError: Codes(-32803, 409, 1),
        DocumentNotOpen: Codes(-32030, 404, 1),
        OutOfSync: Codes(-32801, 409, 1),
        Outdated: Codes(-32801, 409, 1),
        Superseded: Codes(-32800, 409, 1),
        NotText: Codes(-32031, 415, 2),
        ClientError: Codes(-32600, 400, 1),
        BadParams: Codes(-32602, 400, 2),
        FrameTooLarge: Codes(-32033, 413, 2),
        TooManyDocuments: Codes(-32034, 429, 1),
        TooManyRequests: Codes(-32035, 429, 1),
        TooManyConnections: Codes(-32036, 503, 5),
        Unauthorized: Codes(-32037, 401, 5),
    }


def _completions() -> dict[type[Exception], Codes]:
    return {
        completion.CompletionError: Codes(-32803, 500, 1),
        completion.BadRequest: Codes(-32602, 400, 2),
        completion.DocumentTooLarge: Codes(-32032, 413, 2),
        completion.EngineBusy: Codes(-32038, 503, 5),
        completion.EngineStopped: Codes(-32039, 503, 5),
        completion.EngineFailed: Codes(-32040, 503, 3),
        completion.OutOfMemory: Codes(-32054, 503, 3),
    }


def _models() -> dict[type[Exception], Codes]:
    return {
        completion.ModelError: Codes(-32041, 500, 3),
        completion.UnknownModel: Codes(-32042, 404, 2),
        completion.ModelNotInstalled: Codes(-32043, 404, 3),
        completion.NoFimTokens: Codes(-32044, 422, 3),
        completion.UnsupportedModel: Codes(-32045, 422, 3),
        completion.CorruptModel: Codes(-32046, 500, 3),
        completion.DownloadError: Codes(-32047, 502, 4),
        completion.NetworkUnavailable: Codes(-32048, 504, 4),
        completion.SourceMissing: Codes(-32049, 502, 4),
        completion.HashMismatch: Codes(-32050, 502, 4),
        completion.DiskFull: Codes(-32051, 507, 4),
    }


def _caches() -> dict[type[Exception], Codes]:
    return {
        cache.CacheError: Codes(-32603, 500, 70),
        cache.CacheFull: Codes(-32052, 503, 5),
        cache.LeaseError: Codes(-32603, 500, 70),
        cache.UnsupportedCache: Codes(-32053, 422, 3),
        cache.UnsupportedShift: Codes(-32603, 500, 70),
        cache.AuditError: Codes(-32603, 500, 70),
    }


def _drafts() -> dict[type[Exception], Codes]:
    return {
        drafts.DraftError: Codes(-32603, 500, 3),
        drafts.CorruptDraft: Codes(-32055, 500, 3),
        drafts.OtherVocabulary: Codes(-32056, 422, 3),
        drafts.DraftMismatch: Codes(-32057, 422, 3),
        drafts.UnusableAdapter: Codes(-32058, 422, 3),
        drafts.TrainingError: Codes(-32603, 500, 3),
        drafts.BadRecipe: Codes(-32603, 500, 2),
        drafts.NoCorpus: Codes(-32603, 500, 2),
        drafts.OtherRun: Codes(-32603, 500, 2),
        drafts.CorruptCheckpoint: Codes(-32603, 500, 3),
    }


def _indexes() -> dict[type[Exception], Codes]:
    return {
        retrieval.RetrievalError: Codes(-32603, 500, 4),
        retrieval.NoRepository: Codes(-32060, 404, 2),
        retrieval.OutsideRoot: Codes(-32602, 400, 2),
        retrieval.NotIndexed: Codes(-32803, 422, 2),
        retrieval.IndexBusy: Codes(-32061, 409, 5),
        retrieval.UnwritableIndex: Codes(-32062, 507, 4),
        retrieval.CorruptIndex: Codes(-32603, 500, 4),
        retrieval.EmbeddingFailed: Codes(-32603, 500, 3),
    }
