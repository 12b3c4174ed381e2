"""The one table of errors: complete, within the ranges of its protocols, with a sentence for everything."""

import re

import pytest

import assistant.errors
from assistant.errors import AssistantError, DocumentNotOpen, OutOfSync, codes_by_error, report
from completion.errors import CompletionError, DocumentTooLarge
from drafts.errors import DraftError
from kvcache.errors import CacheError
from retrieval.errors import RetrievalError

ROOTS = AssistantError, CompletionError, DraftError, CacheError, RetrievalError


def tree(cls: type[Exception]) -> set[type[Exception]]:
    return {cls}.union(*(tree(sub) for sub in cls.__subclasses__()))


def is_command(cls: type[Exception]) -> bool:
    """Errors of the command line never cross a protocol; each has its exit code itself."""
    return cls.__module__ == "assistant.cli.errors"


ALL = set[type[Exception]]().union(*(tree(root) for root in ROOTS))
EVERY = sorted((cls for cls in ALL if not is_command(cls)), key=lambda cls: cls.__name__)


def test_every_error_class_is_in_the_table_itself():
    assert set(EVERY) == set(codes_by_error())


@pytest.mark.parametrize("cls", EVERY, ids=lambda cls: cls.__name__)
def test_codes_are_within_the_protocols_ranges(cls):
    codes = codes_by_error()[cls]
    assert codes.rpc in {-32600, -32602, -32603, -32800, -32801, -32803} or -32059 <= codes.rpc <= -32030
    assert 400 <= codes.http < 600
    assert 1 <= codes.exit <= 125


def test_our_own_codes_name_one_error_each():
    own = [codes.rpc for codes in codes_by_error().values() if -32059 <= codes.rpc <= -32030]
    assert len(own) == len(set(own))


@pytest.mark.parametrize("cls", EVERY, ids=lambda cls: cls.__name__)
def test_an_error_without_words_has_its_class_sentence(cls):
    assert report(cls()).sentence


def test_the_sentence_is_the_errors_own():
    assert report(OutOfSync("Send it again.")) == (codes_by_error()[OutOfSync], "Send it again.")
    assert report(DocumentTooLarge("Too large.")).codes.http == 413


def test_a_class_added_below_takes_its_parents_codes():
    class Gone(DocumentNotOpen):
        pass

    assert report(Gone("x")).codes == codes_by_error()[DocumentNotOpen]


def test_a_foreign_error_tells_no_content():
    made = report(ValueError("def secret(): ..."))
    assert made.codes.rpc == -32603
    assert "secret" not in made.sentence
    assert "ValueError" in made.sentence


def test_the_drawn_tree_is_the_tree():
    drawn = set(re.findall(r"[├└]── (\w+)", assistant.errors.__doc__ or ""))
    assert drawn == {cls.__name__ for cls in EVERY if issubclass(cls, AssistantError)} - {"AssistantError"}
