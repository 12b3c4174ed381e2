"""The keeper of blocks: the same in one definition, and never late."""

import asyncio
import time
from collections.abc import Sequence

from completion.context.keeper import BlockKeeper, Shown
from completion.context.pieces import Excerpt, Piece, Why
from completion.context.ranking import Question

TEXT = "def one():\n    first\n    second\n\n\ndef two():\n    third\n"
ONE, STILL_ONE, TWO = (TEXT.index(word) for word in ("first", "second", "third"))


def pieces(*paths: str) -> list[Piece]:
    return [Piece(Excerpt(path, 0, 1, f"{path} = 1"), Why.SIMILAR, 1.0) for path in paths]


class Asked:
    """A search that answers in turn what it was given, so many seconds later."""

    def __init__(self, *answers: Sequence[Piece] | Exception | None, after_s: float = 0.0) -> None:
        self.answers = list(answers)
        self.after_s = after_s
        self.times = 0

    async def __call__(self, question: Question) -> Sequence[Piece] | None:
        self.times += 1
        await asyncio.sleep(self.after_s)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def ask(keeper: BlockKeeper, find: Asked, cursor: int, text: str = TEXT) -> Shown:
    return await keeper.block("doc", Question("x.py", text, cursor), find, language="python", window="zzz")


async def test_one_definition_one_block():
    keeper, find = BlockKeeper(500, 1.0), Asked(pieces("a"), pieces("b"))
    first = await ask(keeper, find, ONE)
    assert [piece.excerpt.path for piece in first.pieces] == ["a"]
    assert await ask(keeper, find, STILL_ONE) is first
    typed = TEXT[:STILL_ONE] + "typed\n    " + TEXT[STILL_ONE:]
    assert await ask(keeper, find, STILL_ONE, typed) is first
    assert find.times == 1
    assert [piece.excerpt.path for piece in (await ask(keeper, find, TWO)).pieces] == ["b"]


async def test_a_late_answer_is_used_by_the_next_request():
    keeper, find = BlockKeeper(500, 0.02), Asked(pieces("a"), after_s=0.2)
    begun = time.monotonic()
    assert await ask(keeper, find, ONE) == Shown()
    assert time.monotonic() - begun < 0.15
    await asyncio.sleep(0.3)
    assert [piece.excerpt.path for piece in (await ask(keeper, find, ONE)).pieces] == ["a"]
    assert find.times == 1


async def test_a_search_that_fails_leaves_the_block():
    keeper, find = BlockKeeper(500, 1.0), Asked(pieces("a"), ValueError("broken"), pieces("b"))
    first = await ask(keeper, find, ONE)
    assert await ask(keeper, find, TWO) is first
    assert [piece.excerpt.path for piece in (await ask(keeper, find, TWO)).pieces] == ["b"]


async def test_where_there_is_nothing_to_look_in_it_asks_again():
    keeper, find = BlockKeeper(500, 1.0), Asked(None, pieces("a"))
    assert await ask(keeper, find, ONE) == Shown()
    assert (await ask(keeper, find, ONE)).pieces


async def test_a_request_that_is_given_up_leaves_the_search():
    keeper, find = BlockKeeper(500, 5.0), Asked(pieces("a"), after_s=0.1)
    request = asyncio.create_task(ask(keeper, find, ONE))
    await asyncio.sleep(0.02)
    request.cancel()
    await asyncio.sleep(0.2)
    assert (await ask(keeper, find, ONE)).pieces
    assert find.times == 1


async def test_no_budget_no_search():
    find = Asked()
    assert await ask(BlockKeeper(0, 1.0), find, ONE) == Shown()
    assert find.times == 0


async def test_a_closed_document_is_forgotten():
    keeper, find = BlockKeeper(500, 1.0), Asked(pieces("a"), pieces("b"))
    await ask(keeper, find, ONE)
    keeper.forget("doc")
    keeper.forget("unknown")
    assert [piece.excerpt.path for piece in (await ask(keeper, find, ONE)).pieces] == ["b"]
