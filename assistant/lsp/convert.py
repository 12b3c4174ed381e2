"""Between LSP's words and ours. Pure."""

import dataclasses
import re
from collections.abc import Sequence
from typing import Any, cast

from assistant.document import Edit, EditMaker
from assistant.errors import BadParams
from assistant.lsp.messages import Change, Command, Place, SelectedItem, Span
from assistant.lsp.positions import Position, PositionEncoding, Units, offset_of, position_of
from assistant.session import Answer
from completion.records import ServiceStatus, Trace, Trigger

ACCEPT = "splice.accept"
"""The command of every item; its one argument is the suggestion's id."""


def choose_encoding(offered: Sequence[str] | None) -> PositionEncoding:
    """The first encoding of the client's that we know; UTF-16 if there is none (LSP's default)."""
    known = {encoding.value: encoding for encoding in PositionEncoding}
    return next((known[name] for name in offered or () if name in known), PositionEncoding.UTF16)


def trigger_of(kind: int, *, zero_based: bool) -> Trigger:
    """LSP counts 1 invoked, 2 automatic; ``zero_based`` clients count 0 invoked, 1 automatic."""
    automatic = kind == 2 or (kind == 1 and zero_based)
    return Trigger.AUTOMATIC if automatic else Trigger.INVOKED


def offset_at(text: str, place: Place, encoding: PositionEncoding) -> int:
    """The code point of ``text`` at ``place``, clamped."""
    return offset_of(text, Position(place.line, Units(place.character)), encoding)


def edit_of(text: str, span: Span, new: str, encoding: PositionEncoding) -> Edit:
    """Replace ``span`` of ``text`` by ``new``. Raises ``BadParams`` if the span is reversed."""
    start = offset_at(text, span.start, encoding)
    end = start if span.end == span.start else offset_at(text, span.end, encoding)
    if start > end:
        raise BadParams("A range ends before it starts.")
    return Edit(start, end, new)


def selection_of(text: str, info: SelectedItem | None, encoding: PositionEncoding) -> Edit | None:
    """The popup's item as an edit."""
    return None if info is None else edit_of(text, info.range, info.text, encoding)


def split_at_whole(changes: Sequence[Change]) -> tuple[str | None, Sequence[Change]]:
    """The last change that is a whole text, and the ones behind it; (None, all) if there is none."""
    for index in range(len(changes) - 1, -1, -1):
        if changes[index].range is None:
            return changes[index].text, changes[index + 1 :]
    return None, changes


def edit_maker(change: Change, encoding: PositionEncoding) -> EditMaker:
    """The edit of ``change``, in terms of the text that it applies to. It raises what ``edit_of`` raises."""
    span = change.range
    if span is None:
        return lambda text: Edit(0, len(text), change.text)
    return lambda text: edit_of(text, span, change.text, encoding)


def item_of(answer: Answer, text: str, encoding: PositionEncoding) -> dict[str, Any]:
    """``InlineCompletionItem`` for the document ``text``, and our own ``splice`` beside it."""
    return {
        "insertText": answer.text,
        "range": {
            "start": place_of(text, answer.start, encoding),
            "end": place_of(text, answer.end, encoding),
        },
        "command": {"title": "Accept", "command": ACCEPT, "arguments": [answer.id]},
        "splice": {"id": answer.id, "trace": None if answer.trace is None else trace_of(answer.trace)},
    }


def suggestion_of(command: Command) -> str:
    """The suggestion that an item's command names. Raises ``BadParams``."""
    match command.arguments:
        case [str() as suggestion]:
            return suggestion
        case _:
            raise BadParams(f"`{ACCEPT}` takes one argument: the suggestion's id.")


def items_of(answer: Answer | None, text: str, encoding: PositionEncoding) -> dict[str, Any]:
    """``InlineCompletionList``."""
    return {"items": [] if answer is None else [item_of(answer, text, encoding)]}


def place_of(text: str, offset: int, encoding: PositionEncoding) -> dict[str, int]:
    """``Position`` of a code point of ``text``."""
    return position_of(text, offset, encoding)._asdict()


def trace_of(trace: Trace) -> dict[str, Any]:
    """A trace in camelCase, without token ids: they would tell the text."""
    fields = dataclasses.asdict(trace)
    del fields["prompt_ids"], fields["output_ids"]
    fields["reuse"] |= {"prompt": trace.reuse.prompt, "exact": trace.reuse.exact}
    fields["drafts"] |= {"drafted": trace.drafts.drafted, "accepted": trace.drafts.accepted}
    return _camel(fields)


def status_of(status: ServiceStatus) -> dict[str, Any]:
    """The service's status in camelCase."""
    return _camel(dataclasses.asdict(status))


def _camel(value: Any) -> Any:
    """The value with every name in it in camelCase, however deep."""
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        return {
            re.sub(r"_(\w)", lambda match: match[1].upper(), name): _camel(each)
            for name, each in fields.items()
        }
    if isinstance(value, list | tuple):
        return [_camel(each) for each in cast("list[Any]", value)]
    return value
