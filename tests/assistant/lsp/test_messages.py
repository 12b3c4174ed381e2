"""Reading parameters: what fits is shaped, what does not names its field."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.errors import BadParams
from assistant.lsp.messages import (
    Cancel,
    Command,
    DidChange,
    DidOpen,
    Initialize,
    InlineCompletion,
    Nothing,
    read,
)

INLINE = {
    "textDocument": {"uri": "u"},
    "position": {"line": 0, "character": 0},
    "context": {"triggerKind": 1},
}
OPEN = {"textDocument": {"uri": "u", "languageId": "c", "version": 1, "text": "a\ud800b"}}

jsons = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def test_what_fits_is_shaped_and_the_rest_ignored():
    params = read(InlineCompletion, INLINE | {"partialResultToken": "t", "workDoneToken": 3, "x": [1]})
    assert params.partial_result_token == "t"
    assert params.context.trigger_kind == 1
    assert params.splice is None
    for reuse in ("auto", "exact", "recompute"):
        wish = read(InlineCompletion, INLINE | {"splice": {"reuse": reuse, "later": 1}}).splice
        assert wish is not None
        assert wish.reuse == reuse
    assert read(DidOpen, OPEN).text_document.text == "a\ud800b"
    assert read(Initialize, {"capabilities": {"general": {"positionEncodings": ["utf-8"]}}})
    assert read(Nothing, None) == Nothing()


@pytest.mark.parametrize(
    ("kind", "params", "field"),
    [
        (InlineCompletion, INLINE | {"position": {"line": -1, "character": 0}}, "position.line"),
        (InlineCompletion, INLINE | {"position": {"line": 2**31, "character": 0}}, "position.line"),
        (InlineCompletion, INLINE | {"position": {"line": 10**400, "character": 0}}, "position.line"),
        (InlineCompletion, INLINE | {"position": {"line": 1.5, "character": 0}}, "position.line"),
        (InlineCompletion, INLINE | {"position": {"line": True, "character": 0}}, "position.line"),
        (InlineCompletion, INLINE | {"context": {"triggerKind": 3}}, "context.triggerKind"),
        (InlineCompletion, INLINE | {"splice": {"reuse": "most"}}, "splice.reuse"),
        (InlineCompletion, INLINE | {"splice": {"reuse": 1}}, "splice.reuse"),
        (InlineCompletion, INLINE | {"splice": "exact"}, "splice"),
        (InlineCompletion, {}, "textDocument"),
        (InlineCompletion, [], "array"),
        (InlineCompletion, 3, "int"),
        (DidOpen, {"textDocument": {**OPEN["textDocument"], "text": 3}}, "textDocument.text"),
        (DidOpen, {"textDocument": {**OPEN["textDocument"], "uri": "u" * 5000}}, "textDocument.uri"),
        (DidChange, {"textDocument": {"uri": "u", "version": 1}, "contentChanges": {}}, "contentChanges"),
        (Command, {"command": None}, "command"),
        (Cancel, {"id": [1]}, "id"),
    ],
)
def test_what_does_not_fit_is_named(kind, params, field):
    with pytest.raises(BadParams, match="do not fit the method") as info:
        read(kind, params)
    assert field in str(info.value)


@given(st.sampled_from([InlineCompletion, DidOpen, DidChange, Initialize, Command, Cancel, Nothing]), jsons)
def test_no_parameters_whatever_raise_anything_else(kind, params):
    with contextlib.suppress(BadParams):
        assert isinstance(read(kind, params), kind)
