"""The parameters that clients send, as far as they are read; whatever else a message holds is ignored.

Names and bounds are those of LSP 3.18 (``uinteger``: 0 to 2^31 - 1); ``version`` and the two item
notifications are Copilot's additions, ``splice`` is ours. Text may hold lone surrogates, so JSON is read by
``json`` and only shaped here.
"""

from typing import Annotated, Any, Literal, TypeVar

import msgspec

from assistant.errors import BadParams
from completion.config import Reuse

Uint = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
Int = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
Uri = Annotated[str, msgspec.Meta(max_length=4096)]
MessageId = int | str


class Params(msgspec.Struct, frozen=True, rename="camel"):
    """Base: snake_case here, camelCase outside."""


class Nothing(Params, frozen=True):
    """A method without parameters, or whose parameters are not read."""


class Place(Params, frozen=True):
    """``Position``."""

    line: Uint
    character: Uint


class Span(Params, frozen=True):
    """``Range``; it must not end before it starts."""

    start: Place
    end: Place


class General(Params, frozen=True):
    """``GeneralClientCapabilities``."""

    position_encodings: list[str] | None = None


class Capabilities(Params, frozen=True):
    """``ClientCapabilities``."""

    general: General | None = None


class Folder(Params, frozen=True):
    """``WorkspaceFolder``."""

    uri: Uri


class Initialize(Params, frozen=True):
    """``InitializeParams``."""

    capabilities: Capabilities = Capabilities()
    root_uri: Uri | None = None
    """What older clients say in place of the folders."""
    workspace_folders: list[Folder] | None = None


class FolderChange(Params, frozen=True):
    """``WorkspaceFoldersChangeEvent``."""

    added: tuple[Folder, ...] = ()
    removed: tuple[Folder, ...] = ()


class DidChangeFolders(Params, frozen=True):
    """``DidChangeWorkspaceFoldersParams``."""

    event: FolderChange


class SymbolQuery(Params, frozen=True):
    """``WorkspaceSymbolParams``."""

    query: Annotated[str, msgspec.Meta(max_length=1000)]


class DocumentItem(Params, frozen=True):
    """``TextDocumentItem``."""

    uri: Uri
    language_id: str
    version: Int
    text: str


class DocumentVersion(Params, frozen=True):
    """``VersionedTextDocumentIdentifier``."""

    uri: Uri
    version: Int


class DocumentRef(Params, frozen=True):
    """``TextDocumentIdentifier``, perhaps with a version."""

    uri: Uri
    version: Int | None = None


class Change(Params, frozen=True):
    """``TextDocumentContentChangeEvent``; without a range it is the whole text."""

    text: str
    range: Span | None = None


class DidOpen(Params, frozen=True):
    """``DidOpenTextDocumentParams``."""

    text_document: DocumentItem


class DidChange(Params, frozen=True):
    """``DidChangeTextDocumentParams``."""

    text_document: DocumentVersion
    content_changes: list[Change]


class DidClose(Params, frozen=True):
    """``DidCloseTextDocumentParams``."""

    text_document: DocumentRef


class SelectedItem(Params, frozen=True):
    """``SelectedCompletionInfo``."""

    range: Span
    text: str


class Context(Params, frozen=True):
    """``InlineCompletionContext``. Older clients count trigger kinds from 0."""

    trigger_kind: Literal[0, 1, 2]
    selected_completion_info: SelectedItem | None = None


class Wish(Params, frozen=True):
    """What a client wants of one completion beyond LSP."""

    reuse: Reuse | None = None
    """None: as the setting ``completion.reuse`` says."""
    prediction: str = ""
    """What the client expects here, as OpenAI's ``prediction``: for speed, the answer is the same without."""
    temperature: float = 0.0
    """0: the likeliest text. Above: by chance, as OpenAI's."""
    top_p: float = 1.0
    seed: int | None = None
    """None: another one for each completion."""


class InlineCompletion(Params, frozen=True):
    """``InlineCompletionParams``, perhaps with a ``splice`` of our own."""

    text_document: DocumentRef
    position: Place
    context: Context
    partial_result_token: MessageId | None = None
    splice: Wish | None = None


class Command(Params, frozen=True):
    """``ExecuteCommandParams``, and the command of an item."""

    command: str
    arguments: list[Any] | None = None
    work_done_token: MessageId | None = None


class Item(Params, frozen=True):
    """An item as we sent it; its command names the suggestion."""

    command: Command


class DidShow(Params, frozen=True):
    """``textDocument/didShowCompletion``."""

    item: Item


class DidPartiallyAccept(Params, frozen=True):
    """``textDocument/didPartiallyAcceptCompletion``: UTF-16 units from the start of ``insertText``."""

    item: Item
    accepted_length: Uint


class DocumentQuestion(Params, frozen=True):
    """``CodeLensParams``."""

    text_document: DocumentRef


class HoverQuestion(Params, frozen=True):
    """``HoverParams``."""

    text_document: DocumentRef
    position: Place


class SummaryQuestion(Params, frozen=True):
    """The one argument of ``splice.summarize``."""

    uri: Uri
    """Of a file, or of a folder: then of the repository in it."""
    symbol: Uri = ""
    """A function or class of the file."""
    level: str | None = None
    """None: what is named. A level above names what is around it."""
    quiet: bool = False
    """Whether the answer alone is enough: then no ``window/showMessage`` tells it to the person."""


class Cancel(Params, frozen=True):
    """``CancelParams``."""

    id: MessageId


P = TypeVar("P", bound=Params)


def read(kind: type[P], params: object) -> P:
    """Shape ``params``. Raises ``BadParams`` naming the field that does not fit."""
    try:
        return msgspec.convert({} if params is None else params, kind)
    except msgspec.ValidationError as error:
        raise BadParams(f"The parameters do not fit the method: {error}.") from error


def uri_of(params: object) -> str | None:
    """The document that unread parameters are about, if they name one."""
    match params:
        case {"textDocument": {"uri": str() as uri}}:
            return uri
        case _:
            return None
