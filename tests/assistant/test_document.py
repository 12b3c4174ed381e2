"""The server's copy of a document: in step with any edit script, or not trusted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.document import Document, Edit
from assistant.errors import DocumentNotOpen, NotText, Outdated, OutOfSync
from assistant.textform import to_inside
from completion.errors import DocumentTooLarge

texts = st.text(st.sampled_from("ab\n\r👩\ud800"), max_size=12)


def opened(text: str = "abc", *, version: int = 1, max_chars: int = 1000) -> Document:
    document = Document(max_chars=max_chars)
    document.replace(version, text)
    return document


@given(texts, st.lists(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99), texts), max_size=3)))
def test_any_edit_script_equals_slicing(start, script):
    document, expected = opened(start), start
    for version, changes in enumerate(script, start=2):
        edits = []
        for a, b, text in changes:
            low, high = sorted((a % (len(expected) + 1), b % (len(expected) + 1)))
            edits.append(Edit(low, high, text))
            expected = expected[:low] + text + expected[high:]
        document.edit(version, edits)
        assert (document.text, document.inside) == (expected, to_inside(expected))
        assert document.version == version


def test_versions_may_leap_but_never_return():
    document = opened()
    document.edit(7, [Edit(0, 0, "x")])
    for version in (7, 3):
        same = opened(document.text, version=7)
        with pytest.raises(OutOfSync, match=f"version {version} came after version 7"):
            same.edit(version, [Edit(0, 0, "y")])


def test_a_lost_document_ignores_edits_until_it_is_sent_again():
    document = opened()
    with pytest.raises(OutOfSync):
        document.edit(1, [])
    document.edit(9, [Edit(0, 0, "x")])
    with pytest.raises(OutOfSync, match="Send the whole document again"):
        document.require(None)
    document.replace(1, "anew")
    document.require(1)
    assert document.text == "anew"


@pytest.mark.parametrize("edit", [Edit(2, 1, ""), Edit(0, 4, ""), Edit(-1, 0, "")])
def test_a_range_that_does_not_fit_loses_the_document(edit):
    document = opened()
    with pytest.raises(OutOfSync, match="version 2"):
        document.edit(2, [edit])


@pytest.mark.parametrize(
    ("text", "error"), [("x" * 1001, DocumentTooLarge), ("\x7fELF\0\0", NotText), ("\0", NotText)]
)
def test_a_refused_text_is_not_kept_and_says_why_every_time(text, error):
    document = Document(max_chars=1000)
    with pytest.raises(error):
        document.replace(1, text)
    assert document.text == document.inside == ""
    for _ in range(2):
        with pytest.raises(error, match="The document"):
            document.require(1)
    document.replace(2, "fine")
    document.require(2)


def test_growing_too_large_by_an_edit():
    document = opened(max_chars=4)
    with pytest.raises(DocumentTooLarge, match="has 6 characters; at most 4"):
        document.edit(2, [Edit(0, 0, "xyz")])


@pytest.mark.parametrize(
    ("pasted", "error"), [("x" * 3000, DocumentTooLarge), ("\0", NotText)], ids=["large", "no text"]
)
def test_undoing_what_was_refused_ends_the_trouble(pasted, error):
    document = opened("abc")
    with pytest.raises(error):
        document.edit(2, [Edit(1, 1, pasted)])
    document.edit(3, [Edit(0, 0, "more ")])
    with pytest.raises(error):
        document.require(3)
    assert (document.text, document.inside) == ("", "")
    document.edit(4, [Edit(6, 6 + len(pasted), "")])
    document.require(4)
    assert document.text == "more abc"


def test_a_refused_text_is_kept_in_bounds_only():
    document = opened("abc", max_chars=1000)
    with pytest.raises(DocumentTooLarge):
        document.edit(2, [Edit(0, 0, "x" * 4000)])
    document.edit(3, [Edit(0, 4000, "")])
    with pytest.raises(DocumentTooLarge):
        document.require(3)
    assert not document.follows


def test_edits_out_of_order_lose_a_refused_text_too():
    document = opened("abc")
    with pytest.raises(NotText):
        document.edit(2, [Edit(0, 0, "\0")])
    with pytest.raises(OutOfSync):
        document.edit(2, [Edit(0, 1, "")])
    assert not document.follows


@pytest.mark.parametrize("start", ["", "x" * 1_000_000])
def test_the_work_of_one_message_is_bounded_though_it_grows(start):
    document = opened(start, max_chars=4_000_000)
    made = 0

    def make(text: str) -> Edit:
        nonlocal made
        made += 1
        return Edit(len(text), len(text), "x" * 400)

    with pytest.raises(OutOfSync, match="edits of version 2 are too many"):
        document.edit(2, [make] * 6000)
    assert made < 2500


def test_growing_far_beyond_the_limit_stops_at_once():
    document, made = opened("", max_chars=1000), []

    def make(text: str) -> Edit:
        made.append(len(text))
        return Edit(0, 0, "x" * 500)

    with pytest.raises(DocumentTooLarge):
        document.edit(2, [make] * 6000)
    assert len(made) == 9


def test_what_a_maker_raises_changes_nothing():
    document = opened("abc")

    def fail(text: str) -> Edit:
        raise ValueError(text)

    with pytest.raises(ValueError, match="abcd"):
        document.edit(2, [Edit(3, 3, "d"), fail])
    document.edit(2, [Edit(0, 0, "x")])
    assert document.text == "xabc"


def test_edits_behind_a_whole_text():
    document = opened("abc")
    document.replace(2, "anew", [Edit(4, 4, "er"), lambda text: Edit(0, len(text) - 2, "old")])
    assert document.text == "older"


def test_the_version_that_is_meant():
    document = opened(version=5)
    document.require(5)
    with pytest.raises(Outdated, match="Version 4 is meant, but the document is at version 5"):
        document.require(4)
    document.require(5)
    with pytest.raises(OutOfSync, match="version 6 is meant"):
        document.require(6)
    with pytest.raises(OutOfSync):
        document.require(5)


def test_never_opened_and_closed():
    document = Document(max_chars=9)
    with pytest.raises(DocumentNotOpen, match="never opened"):
        document.require(None)
    document.replace(1, "x")
    document.close()
    with pytest.raises(DocumentNotOpen, match="was closed"):
        document.require(None)


def test_raising_a_trouble_again_does_not_grow_its_traceback():
    document = Document(max_chars=9)
    raised = []
    for _ in range(2):
        with pytest.raises(DocumentNotOpen) as info:
            document.require(None)
        raised.append(info.value)
    assert raised[0] is not raised[1]
