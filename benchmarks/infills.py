"""The infills that every engine answers, and where an answer to them ends.

The prompts are the product's own (append layout, healed token boundary), built from the tokenizer
alone, so that engines which know nothing of the product can be asked the same tokens.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from tokenizers import Tokenizer

from benchmarks.fim import Case
from completion.config import CompletionConfig
from completion.detokenize import ByteDecoder
from completion.families import detect_family
from completion.healing import after
from completion.prompt import Prompt, PromptBuilder, cut
from completion.records import CompletionRequest
from completion.stopping import Stop, StopRule
from completion.tokens import TextCodec
from completion.trimming import trim
from completion.window import lay_out

TOKENS = 32
"""Of an answer at most, its healed piece among them."""
END = -1
"""Stands for whichever special token ended an answer."""
_ROOM = 8_192
CONFIG = replace(CompletionConfig(), max_tokens=TOKENS, single_line_tokens=TOKENS, time_budget_s=3_600.0)
"""The product's settings, but that no answer is cut short by time."""


@dataclass(frozen=True)
class Infill:
    """One row of the data set as it is asked."""

    case: Case
    request: CompletionRequest
    prompt: Prompt


@dataclass(frozen=True)
class Answer:
    """What an engine made of an infill."""

    ids: tuple[int, ...]
    """Greedy tokens up to the one that ended the answer, or ``END``."""
    line: str
    """What would be shown, its first line."""
    choices: tuple[tuple[tuple[int, float], ...], ...] = ()
    """In front of each token the likeliest ``(token, logit)``, falling; empty where they are not told."""


class Reader:
    """A model's tokenizer and markers, without its weights."""

    def __init__(self, directory: Path) -> None:
        """``directory`` holds tokenizer.json. Raises NoFimTokens when a marker is missing."""
        self.codec = TextCodec(Tokenizer.from_file(str(directory / "tokenizer.json")))
        family = detect_family(self.codec.special_tokens)
        self._prompts = PromptBuilder(self.codec, family, _ROOM)
        own = (self.codec.find(token) for token in family.stop)
        self.stop_ids = self.codec.special_ids.union(token for token in own if token is not None)

    def infill(self, case: Case) -> Infill:
        """The row as the product asks it: one line, at the place of the missing one."""
        text, cursor = case.prompt + case.suffix, len(case.prompt)
        request = CompletionRequest(text, cursor, language="python", single_line=True, max_tokens=TOKENS)
        layout = lay_out(text, cursor, None, CONFIG)
        return Infill(case, request, self._prompts.build(cut(text, cursor, layout)))

    def listen(self, infill: Infill) -> "Listener":
        """What follows an answer, token by token, to its end."""
        return Listener(self, infill)


class Listener:
    """Follows one answer and tells where the product would end it."""

    def __init__(self, reader: Reader, infill: Infill) -> None:
        before, behind = infill.case.prompt, infill.case.suffix
        self._reader = reader
        self._infill = infill
        self._rule = StopRule(before=before, after=behind, language="python", single_line=True)
        self._decoder = ByteDecoder()
        self._text = ""
        self._ids: list[int] = []
        self._stop: Stop | None = None
        self.piece = infill.prompt.piece
        """What the next tokens must spell still."""

    def hear(self, token: int) -> bool:
        """Take the next token (or ``END``); whether the answer goes on."""
        if token == END or token in self._reader.stop_ids:
            self._ids.append(END)
            return False
        spelled = self._reader.codec.bytes_of(token)
        self._ids.append(token)
        self._text += self._decoder.feed(spelled[len(self.piece) :])
        self.piece = after(self.piece, spelled)
        self._stop = self._rule.check(self._text)
        return self._stop is None and len(self._ids) < TOKENS

    def answer(self, choices: tuple[tuple[tuple[int, float], ...], ...] = ()) -> Answer:
        """The answer as it stands: the end of what was heard is its end."""
        text = self._text
        stop = self._stop
        if stop is None:
            text += self._decoder.finish()
            stop = self._rule.check(text, final=True)
        shown = text if stop is None else text[: stop.keep]
        return Answer(tuple(self._ids), first_line(self._infill, shown), choices)


def first_line(infill: Infill, text: str) -> str:
    """What of ``text`` is judged: trimmed as the product trims it, its first line."""
    shown = trim(text, before=infill.case.prompt, after=infill.case.suffix)
    return shown.partition("\n")[0]
