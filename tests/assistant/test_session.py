"""Suggestions of one document: typing along, going back, late answers, and who is asked when."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.document import Document, Edit
from assistant.errors import OutOfSync
from assistant.session import Answer, EditorSession, Manner, Ticket
from completion.records import Completion, Trigger
from tests.fakes import TRACE

EXACT = Manner(reuse="exact")
OTHER_MANNERS = [
    (Manner(), Manner(temperature=0.8)),
    (Manner(temperature=0.8), Manner()),
    (Manner(temperature=0.8), Manner(temperature=0.9)),
    (Manner(temperature=0.8), Manner(temperature=0.8, top_p=0.9)),
    (Manner(temperature=0.8, seed=1), Manner(temperature=0.8, seed=2)),
    (Manner(temperature=0.8, seed=1), Manner(temperature=0.8)),
]


def session(text: str = "") -> EditorSession:
    numbers = itertools.count(1)
    document = Document(max_chars=10_000)
    document.replace(1, text)
    return EditorSession("key", document, language="python", new_id=lambda: f"s{next(numbers)}")


def ask(it: EditorSession, at: int, trigger: Trigger = Trigger.AUTOMATIC, **more) -> Answer | Ticket:
    return it.ask(at, trigger=trigger, **more)


def ticket(it: EditorSession, at: int, **more) -> Ticket:
    given = ask(it, at, **more)
    assert isinstance(given, Ticket)
    return given


def shown(it: EditorSession, at: int, text: str) -> Answer:
    answer = it.finish(ticket(it, at), Completion(text, TRACE))
    assert answer is not None
    return answer


def put(it: EditorSession, at: int, text: str) -> None:
    it.document.edit(it.document.version + 1, [Edit(at, at, text)])


def cut(it: EditorSession, start: int, end: int) -> None:
    it.document.edit(it.document.version + 1, [Edit(start, end, "")])


def test_a_question_holds_the_text_as_the_model_sees_it():
    it = session("a\r\nb\ud800c")
    request = ticket(it, 5).request
    assert (request.text, request.cursor) == ("a\nb\ufffdc", 4)
    assert (request.document, request.language, request.trigger) == ("key", "python", Trigger.AUTOMATIC)


def test_an_answer_uses_the_documents_line_ends_and_places():
    it = session("x\r\ny\r\n\r\nz")
    answer = shown(it, 6, "one\ntwo")
    assert (answer.start, answer.end, answer.text) == (6, 6, "one\r\ntwo")
    assert answer.trace == TRACE


@given(
    st.text(st.sampled_from("ab(\n 漢👩"), min_size=1, max_size=12),
    st.sampled_from(["\n", "\r\n"]),
    st.data(),
)
def test_typing_along_never_asks_again_and_backspace_brings_it_back(text, end, data):
    it = session(f"before{end}{end}after")
    at = len("before" + end)
    first = shown(it, at, text)
    path = data.draw(st.lists(st.integers(0, len(text) - 1), max_size=6))
    typed = 0
    for length in path:
        old, new = (text[:count].replace("\n", end) for count in (typed, length))
        it.document.edit(it.document.version + 1, [Edit(at, at + len(old), new)])
        typed = length
        answer = ask(it, at + len(new))
        assert isinstance(answer, Answer)
        assert (answer.id, answer.start) == (first.id, at + len(new))
        assert answer.text == text[length:].replace("\n", end)


def test_typing_something_else_asks_and_going_back_does_not():
    it = session()
    first = shown(it, 0, "return x")
    put(it, 0, "q")
    other = ticket(it, 1)
    assert it.finish(other, Completion("uit()", TRACE)) is not None
    cut(it, 0, 1)
    back = ask(it, 0)
    assert isinstance(back, Answer)
    assert (back.id, back.text) == (first.id, "return x")


def test_all_typed_asks_again():
    it = session()
    shown(it, 0, "ab")
    put(it, 0, "ab")
    assert isinstance(ask(it, 2), Ticket)


def test_an_edit_elsewhere_asks_again():
    it = session("head\n\ntail")
    shown(it, 5, "ab")
    put(it, 0, "# ")
    assert isinstance(ask(it, 7), Ticket)


def test_a_late_answer_is_shortened_by_what_was_typed_along():
    it = session("a\r\n\r\nz")
    late = ticket(it, 3)
    put(it, 3, "re")
    answer = it.finish(late, Completion("return\n1", TRACE))
    assert answer is not None
    assert (answer.start, answer.text) == (5, "turn\r\n1")


@pytest.mark.parametrize("typed", ["x", "return 1!"])
def test_a_late_answer_is_dropped_when_something_else_was_typed(typed):
    it = session()
    late = ticket(it, 0)
    put(it, 0, typed)
    assert it.finish(late, Completion("return 1", TRACE)) is None


def test_a_late_answer_is_dropped_when_the_document_was_lost_or_closed():
    for end in (lambda d: d.lose("so"), lambda d: d.close()):
        it = session()
        late = ticket(it, 0)
        end(it.document)
        assert it.is_hopeless(late)
        assert it.finish(late, Completion("x", TRACE)) is None


def test_a_late_answer_is_dropped_when_the_text_was_replaced_under_the_same_version():
    it = session("abc")
    late = ticket(it, 3)
    it.document.replace(it.document.version, "something else")
    assert it.finish(late, Completion("x", TRACE)) is None


def test_an_empty_answer_shows_nothing_and_covers_nothing():
    it = session()
    assert it.finish(ticket(it, 0), Completion("", TRACE)) is None
    assert isinstance(ask(it, 0), Ticket)


def test_a_newer_question_replaces_the_older_ticket():
    it = session("ab")
    old = ticket(it, 0)
    new = ticket(it, 2)
    assert it.progress(old, "x") is None
    assert it.finish(old, Completion("x", TRACE)) is None
    assert it.finish(new, Completion("y", TRACE)) is not None


def test_the_same_question_joins_the_running_ticket():
    it = session("ab")
    assert ask(it, 1) is ask(it, 1)
    assert ask(it, 1) is not ask(it, 1, Trigger.INVOKED)


def test_a_question_says_how_the_cache_may_be_used():
    it = session("ab")
    assert ticket(it, 1).request.reuse is None
    assert ticket(it, 1, manner=EXACT).request.reuse == "exact"


def test_a_running_ticket_of_another_reuse_is_not_joined():
    it = session()
    running = ticket(it, 0)
    exact = ticket(it, 0, manner=EXACT)
    assert exact is not running
    assert ask(it, 0, manner=EXACT) is exact
    it.progress(exact, "return")
    put(it, 0, "re")
    assert ask(it, 2, manner=EXACT) is exact
    assert ask(it, 2) is not exact


def test_a_suggestion_of_another_reuse_is_not_shown():
    it = session()
    exact = it.finish(ticket(it, 0, manner=EXACT), Completion("return x", TRACE))
    assert exact is not None
    put(it, 0, "re")
    assert isinstance(ask(it, 2), Ticket)
    again = ask(it, 2, manner=EXACT)
    assert isinstance(again, Answer)
    assert (again.id, again.text) == (exact.id, "turn x")


def test_a_question_says_how_tokens_are_chosen():
    request = ticket(session("ab"), 1, manner=Manner("exact", 0.8, 0.9, 7)).request
    assert (request.reuse, request.temperature, request.top_p, request.seed) == ("exact", 0.8, 0.9, 7)


@pytest.mark.parametrize(("one", "other"), OTHER_MANNERS)
def test_an_answer_serves_those_who_ask_for_its_kind_only(one: Manner, other: Manner):
    """A greedy answer is none to who asks for a sampled one, and the other way round."""
    it = session()
    running = ticket(it, 0, manner=one)
    assert ask(it, 0, manner=one) is running
    it.progress(running, "return")
    assert ask(it, 0, manner=one) is running
    replacing = ticket(it, 0, manner=other)
    assert replacing is not running
    assert it.finish(ticket(it, 0, manner=one), Completion("return x", TRACE)) is not None
    put(it, 0, "re")
    assert isinstance(ask(it, 2, manner=one), Answer)
    assert isinstance(ask(it, 2, manner=other), Ticket)


def test_typing_along_what_was_generated_so_far_joins_the_running_ticket():
    it = session()
    running = ticket(it, 0)
    answer = it.progress(running, "ret")
    assert answer is not None
    assert (answer.text, answer.trace) == ("ret", None)
    put(it, 0, "re")
    assert ask(it, 2) is running
    answer = it.progress(running, "return")
    assert answer is not None
    assert (answer.start, answer.text) == (2, "turn")


@pytest.mark.parametrize(
    ("text", "at", "generated", "offered"),
    [
        ("x = foo()", 8, "a, b)", "a, b"),
        ("x = ", 4, "a + ", "a +"),
        ("x = [\r\n    1,\r\n]", 7, "    2,\r\n    1,", "    2,"),
    ],
)
def test_what_is_offered_along_the_way_is_trimmed_as_the_answer_is(text, at, generated, offered):
    it = session(text)
    answer = it.progress(ticket(it, at), generated)
    assert answer is not None
    assert answer.text == offered


def test_what_trimming_leaves_nothing_of_is_not_offered():
    it = session("x = foo()")
    assert it.progress(ticket(it, 8), ")") is None


def test_typing_along_joins_what_was_generated_though_it_was_not_offered():
    it = session("x = foo()")
    running = ticket(it, 8)
    it.progress(running, "a, ")
    put(it, 8, "a,")
    assert not it.is_hopeless(running)
    assert ask(it, 10) is running
    answer = it.progress(running, "a, b)")
    assert answer is not None
    assert (answer.start, answer.text) == (10, " b")


def test_what_nobody_is_offered_is_noted_all_the_same():
    it = session()
    running = ticket(it, 0)
    it.hear(running, "ret\r\n")
    put(it, 0, "re")
    assert ask(it, 2) is running
    put(it, 2, "x")
    it.hear(ticket(it, 3), "other")
    it.hear(running, "nobody's")
    assert it._so_far == "other"


def test_the_line_end_follows_the_text():
    it = session("a\r\nb\r\n")
    assert shown(it, 3, "one\ntwo").text == "one\r\ntwo"
    it.document.replace(2, "a\nb\n")
    answer = ask(it, 2)
    assert isinstance(answer, Answer)
    assert answer.text == "one\ntwo"


def test_typing_beyond_what_was_generated_starts_anew():
    it = session()
    running = ticket(it, 0)
    it.progress(running, "re")
    put(it, 0, "ret")
    assert not it.is_hopeless(running)
    assert ask(it, 3) is not running


@pytest.mark.parametrize(
    ("edit", "hopeless"),
    [
        (Edit(2, 2, "r"), False),
        (Edit(2, 2, "retu"), False),
        (Edit(2, 2, "x"), True),
        (Edit(0, 1, ""), True),
        (Edit(3, 4, ""), True),
    ],
)
def test_hopeless_is_what_can_never_be_shown(edit, hopeless):
    it = session("a\n\nz")
    running = ticket(it, 2)
    it.progress(running, "ret")
    it.document.edit(2, [edit])
    assert it.is_hopeless(running) is hopeless


def test_a_cancelled_ticket_is_not_joined():
    it = session()
    running = ticket(it, 0)
    it.cancel(running)
    assert it.is_hopeless(running)
    assert it.finish(running, Completion("x", TRACE)) is None
    assert ask(it, 0) is not running


def test_a_covering_suggestion_ends_the_running_ticket():
    it = session()
    shown(it, 0, "abc")
    put(it, 0, "x")
    running = ticket(it, 1)
    cut(it, 0, 1)
    assert isinstance(ask(it, 0), Answer)
    assert it.finish(running, Completion("y", TRACE)) is None


def test_an_accepted_suggestion_is_not_shown_again():
    it = session()
    answer = shown(it, 0, "abc")
    assert it.accept(answer.id)
    assert not it.accept(answer.id)
    assert isinstance(ask(it, 0), Ticket)


def test_the_popups_item_is_asked_about_as_if_it_were_inserted():
    it = session("x = pri\r\n")
    chosen = Edit(4, 7, "print")
    running = ticket(it, 7, selection=chosen)
    assert running.request.text == "x = print\n"
    assert running.request.cursor == 9
    answer = it.finish(running, Completion("(x)", TRACE))
    assert answer is not None
    assert (answer.start, answer.end, answer.text) == (4, 7, "print(x)")


def test_a_suggestion_that_agrees_with_the_popups_item_needs_no_model():
    it = session("x = pri")
    shown(it, 7, "nt(x)")
    answer = ask(it, 7, selection=Edit(4, 7, "print"))
    assert isinstance(answer, Answer)
    assert answer.text == "print(x)"
    assert isinstance(ask(it, 7, selection=Edit(4, 7, "private")), Ticket)


def test_an_answer_for_a_popups_item_is_dropped_when_the_text_has_changed():
    it = session("pri")
    running = ticket(it, 3, selection=Edit(0, 3, "print"))
    put(it, 3, "n")
    assert it.finish(running, Completion("(x)", TRACE)) is None


def test_what_the_model_says_is_brought_into_form():
    it = session()
    assert shown(it, 0, "a\r\nb\rc").text == "a\nb\nc"


def test_asking_a_lost_document_says_so():
    it = session()
    it.document.lose("of a test")
    with pytest.raises(OutOfSync, match="of a test"):
        ask(it, 0)


def test_the_session_keeps_few_suggestions():
    it = session()
    for number in range(10):
        put(it, 0, "x")
        shown(it, 1, f"suggestion {number}")
    assert len(it._shown) == 4


def test_the_trace_travels_with_the_shortened_answer():
    trace = replace(TRACE, generated=7)
    it = session()
    it.finish(ticket(it, 0), Completion("abc", trace))
    put(it, 0, "a")
    answer = ask(it, 1)
    assert isinstance(answer, Answer)
    assert answer.trace == trace
