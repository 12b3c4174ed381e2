"""Running completions: one a document, and whoever waits is always answered."""

import asyncio
import itertools

import pytest

from assistant.document import Document, Edit
from assistant.errors import DocumentNotOpen, Superseded
from assistant.lsp.jobs import Jobs
from assistant.session import Answer, EditorSession, Ticket
from completion.errors import EngineBusy
from completion.records import Trigger
from tests.fakes import ScriptedSource
from tests.waiting import until


@pytest.fixture
def done() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def jobs(source: ScriptedSource, done) -> Jobs:
    return Jobs(
        source,
        render=lambda _, answer: None if answer is None else answer.text,
        on_done=lambda session, ticket, completion: done.append((ticket.id, completion.text)),
    )


@pytest.fixture
def session() -> EditorSession:
    numbers = itertools.count(1)
    document = Document(max_chars=1000)
    document.replace(1, "ab")
    return EditorSession("key", document, new_id=lambda: f"t{next(numbers)}")


def ticket(session: EditorSession, at: int) -> Ticket:
    given = session.ask(at, trigger=Trigger.AUTOMATIC)
    assert isinstance(given, Ticket)
    return given


async def test_the_answer_is_rendered_and_told(jobs, session, source, done):
    waiter = jobs.wait(session, ticket(session, 0), None)
    await until(lambda: source.requests)
    source.answer("x")
    assert await waiter == "x"
    assert done == [("t1", "x")]


async def test_partials_go_to_the_newest_waiter(jobs, session, source):
    first: list[Answer] = []
    second: list[Answer] = []
    older = jobs.wait(session, ticket(session, 0), first.append)
    await until(lambda: source.requests)
    source.partial("x")
    newer = jobs.wait(session, ticket(session, 0), second.append)
    source.partial("xy")
    assert [answer.text for answer in first] == ["x"]
    assert [answer.text for answer in second] == ["xy"]
    with pytest.raises(Superseded):
        await older
    source.answer("xyz")
    assert await newer == "xyz"


async def test_partials_nobody_asked_for_are_only_noted(jobs, session, source, monkeypatch):
    offered = []
    monkeypatch.setattr(EditorSession, "progress", lambda *given: offered.append(given))
    waiter = jobs.wait(session, ticket(session, 2), None)
    await until(lambda: source.requests)
    source.partial("xy")
    assert offered == []
    session.document.edit(2, [Edit(2, 2, "x")])
    assert ticket(session, 3).at == 2
    source.answer("xyz")
    assert await waiter == "yz"


async def test_cancelling_an_older_waiter_leaves_the_job(jobs, session, source):
    older = jobs.wait(session, ticket(session, 0), None)
    newer = jobs.wait(session, ticket(session, 0), None)
    with pytest.raises(Superseded):
        await older
    older.cancel()
    await until(lambda: source.requests)
    source.answer("x")
    assert await newer == "x"


async def test_a_newer_waiter_that_joins_just_after_the_cancelling_keeps_the_job(jobs, session, source):
    older = jobs.wait(session, ticket(session, 0), None)
    await until(lambda: source.requests)
    older.cancel()
    newer = jobs.wait(session, ticket(session, 0), None)
    with pytest.raises(asyncio.CancelledError):
        await older
    source.answer("x")
    assert await newer == "x"
    assert source.cancelled == []


async def test_cancelling_the_waiter_ends_the_job(jobs, session, source):
    waiter = jobs.wait(session, ticket(session, 0), None)
    await until(lambda: source.requests)
    waiter.cancel()
    await until(lambda: source.cancelled)
    jobs.prune(session)


async def test_a_job_cancelled_from_below_cancels_its_waiter(jobs, session, source):
    waiter = jobs.wait(session, ticket(session, 0), None)
    await until(lambda: source.requests)
    source._answers[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter


async def test_an_error_reaches_the_waiter(jobs, session, source, done):
    waiter = jobs.wait(session, ticket(session, 0), None)
    await until(lambda: source.requests)
    source.fail(EngineBusy("Busy."))
    with pytest.raises(EngineBusy):
        await waiter
    assert done == []


async def test_dropping_tells_the_reason(jobs, session, source):
    waiter = jobs.wait(session, ticket(session, 0), None)
    await until(lambda: source.requests)
    jobs.drop(session, DocumentNotOpen("Closed."))
    with pytest.raises(DocumentNotOpen):
        await waiter
    await until(lambda: source.cancelled)
    jobs.drop(session, DocumentNotOpen("Closed."))


async def test_pruning_keeps_what_may_still_be_shown(jobs, session, source):
    waiter = jobs.wait(session, ticket(session, 2), None)
    await until(lambda: source.requests)
    session.document.edit(2, [Edit(2, 2, "c")])
    jobs.prune(session)
    assert not waiter.done()
    session.document.edit(3, [Edit(0, 1, "")])
    jobs.prune(session)
    assert await waiter is None
    await until(lambda: source.cancelled)


async def test_closing_ends_everything(jobs, session, source):
    waiter = jobs.wait(session, ticket(session, 0), None)
    await until(lambda: source.requests)
    await jobs.close()
    assert waiter.cancelled()
    assert source.cancelled == source.requests
    await jobs.close()
