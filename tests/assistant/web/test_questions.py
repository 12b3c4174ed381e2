"""Bodies, and what is asked by them; and which part of an answer is sure while it comes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.errors import BadParams, NotText
from assistant.web.infill import Infill
from assistant.web.questions import Body, Question, encoded, event, question, read
from completion.records import CompletionRequest


def ask(before: str, after: str = "", **more) -> Question:
    body = read(Infill, json.dumps(more.pop("body", {})).encode())
    return question(body, before, after, **{"document": "d", "max_tokens": None, **more})


def test_the_text_is_asked_as_the_model_sees_it():
    asked = ask("a\r\nb\ud800", "\r\nc", context="x\r\n", prediction="p\r\n")
    assert asked.request == CompletionRequest(
        "a\nb\ufffd\nc", 4, document="d", context="x\n", prediction="p\n", reuse="exact"
    )
    assert asked.outside("one\ntwo") == "one\r\ntwo"


def test_fields_reach_the_request():
    wishes = {"temperature": 1, "top_p": 0.9, "seed": 7, "stop": ["END", "", "\r\n"], "language": "python"}
    request = ask("x", body=wishes, max_tokens=9).request
    assert (request.temperature, request.top_p, request.seed) == (1.0, 0.9, 7)
    assert (request.stop, request.language, request.max_tokens) == (("END", "\n"), "python", 9)


def test_what_is_null_or_absent_is_the_default():
    names = ("temperature", "top_p", "seed", "stop", "stream", "language")
    assert ask("x", body=dict.fromkeys(names)) == ask("x") == ask("x", body={"unheard_of": [1]})
    assert ask("x", body={"stop": "END"}).request.stop == ("END",)


def test_below_nought_is_no_limit_and_no_seed():
    request = ask("x", body={"seed": -1}, max_tokens=-1).request
    assert (request.seed, request.max_tokens, request.document) == (None, None, "d")


def test_with_a_seed_nothing_asked_before_has_a_part():
    assert ask("x", body={"seed": 0}).request.document is None


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"[]", "Expected `object`"),
        (b'{"stream": 1}', r"Expected `bool \| null`, got `int` - at `\$.stream`"),
        (b'{"temperature": "hot"}', r"at `\$.temperature`"),
        (b'{"seed": -2}', r"at `\$.seed`"),
        (b'{"seed": 1.5}', r"at `\$.seed`"),
        (b'{"stop": [1]}', r"at `\$.stop\[0\]`"),
    ],
)
def test_a_body_that_does_not_fit_is_told_in_a_sentence(data: bytes, sentence: str):
    with pytest.raises(BadParams, match=sentence) as told:
        read(Body, data)
    assert str(told.value).endswith(".")


@pytest.mark.parametrize(("before", "after"), [("\0", ""), ("", "\0")])
def test_what_is_no_text_is_refused(before: str, after: str):
    with pytest.raises(NotText):
        ask(before, after)


@pytest.mark.parametrize(
    ("text", "sure"),
    [
        ("", ""),
        ("a = 1", ""),
        ("a = 1\n", "a = 1"),
        ("a = 1\n\n", "a = 1"),
        ("a = 1\n    b", "a = 1"),
        ("a = 1\nb = 2\n", "a = 1\nb = 2"),
    ],
)
def test_whole_lines_are_sure(text: str, sure: str):
    assert ask("x").sure(text) == sure


def test_what_may_begin_a_stop_string_is_not_sure():
    asked = ask("x", body={"stop": ["\n\nEND", "z"]})
    assert asked.sure("one\ntwo\n\n") == "one"
    assert asked.sure("one\ntwo\n\nEN") == "one"
    assert asked.sure("one\ntwo\n\nENTER") == "one\ntwo"


@given(st.text(alphabet="ab\n) ", max_size=30), st.sampled_from(["", ")", "\na\n"]))
def test_what_is_sure_stays_sure(text: str, after: str):
    """While a text grows by characters, the next sure part is longer or the same, or tells nothing."""
    asked = ask("f(", after)
    for end in range(len(text)):
        assert text.startswith(asked.sure(text[:end]))


def test_json_may_hold_lone_surrogates():
    assert json.loads(encoded({"a": "\ud800é"})) == {"a": "\ud800é"}
    assert event([1]) == b"data: [1]\n\n"
