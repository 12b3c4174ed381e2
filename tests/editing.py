"""A user at a document: edits it by a script and asks for completions."""

import time
from dataclasses import dataclass, replace
from typing import NamedTuple

from hypothesis import strategies as st

from completion.config import CompletionConfig, Reuse
from completion.engine import Engine, Task
from completion.records import Completion, CompletionRequest
from completion.window import Layout, lay_out
from tests.steps import run

CONFIG = CompletionConfig(max_tokens=8, prefix_chars=160, suffix_chars=80, tail_max_chars=60)
"""Windows so small that scripts leave them."""

fragments = st.one_of(
    st.sampled_from(
        ["    ", "return ", "def f(x):\n", "x = foo.bar(", "\n\n", "ret", "é", "😀", "<|fim_middle|>", "\t"]
    ),
    st.text("ab \n().", max_size=8),
)


class Edit(NamedTuple):
    """At ``where`` (a share of the text) ``gone`` characters go and ``come`` comes."""

    where: float
    gone: int
    come: str


SOURCE = (
    "def first(x):\n    return x * 2\n\n\ndef second(y):\n    value = first(y)\n    return value\n\n\n" * 3
)

edits = st.builds(Edit, st.floats(0, 1), st.integers(0, 12), fragments)
starts = st.one_of(st.lists(fragments, max_size=12).map("".join), st.just(SOURCE))


@dataclass
class User:
    """One document, the cursor in it, and what a request about it shows."""

    text: str = ""
    cursor: int = 0
    layout: Layout | None = None
    context: str = ""
    config: CompletionConfig = CONFIG

    def edit(self, edit: Edit) -> None:
        """Go there and change it."""
        self.cursor = round(edit.where * len(self.text))
        self.text = self.text[: self.cursor] + self.text[self.cursor + edit.gone :]
        self.type(edit.come)

    def type(self, text: str) -> None:
        """Insert at the cursor."""
        self.text = self.text[: self.cursor] + text + self.text[self.cursor :]
        self.cursor += len(text)

    def task(self, document: str | None = "doc", reuse: Reuse | None = None) -> Task:
        """Ask what belongs at the cursor."""
        self.layout = lay_out(self.text, self.cursor, self.layout, self.config)
        request = CompletionRequest(
            self.text, self.cursor, document=document, language="python", context=self.context, reuse=reuse
        )
        return Task(request, self.layout, asked_at=time.perf_counter(), emit=lambda _: None)

    def ask(self, engine: Engine, reuse: Reuse | None = None) -> Completion:
        """Ask, and wait for the answer."""
        return run(engine.complete(self.task(reuse=reuse)))

    def ask_cold(self, engine: Engine) -> Completion:
        """The answer of an engine that holds nothing of the document."""
        return run(engine.complete(self.task(document=None)))


def assert_same(warm: Completion, cold: Completion) -> None:
    """Equal questions, token for token, and equal answers; the second owes nothing to a cache."""
    assert cold.trace.reuse == replace(cold.trace.reuse, kept=0, shifted=0, repaired=0, stale=0)
    assert warm.trace.prompt_ids == cold.trace.prompt_ids
    assert warm.trace.output_ids == cold.trace.output_ids
    assert warm.text == cold.text
