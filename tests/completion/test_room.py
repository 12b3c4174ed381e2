"""How long prompts may be; what settings and models do to that is in test_engine."""

from completion.config import CompletionConfig
from completion.room import Room, longest_prompt


def test_model_and_answer_bound_the_prompt() -> None:
    assert longest_prompt(CompletionConfig(max_tokens=96), 4_096) == 4_000
    assert longest_prompt(CompletionConfig(max_tokens=96), 131_072) == 8_192


def test_prompts_are_short_for_a_minute_after_memory_ran_out() -> None:
    now = 10.0
    room = Room(8_000, clock=lambda: now)
    assert room.tokens == 8_000
    room.shorten(500)
    now += 59
    assert room.tokens == 500
    room.shorten(250)
    now += 59
    assert room.tokens == 250
    now += 2
    assert room.tokens == 8_000
