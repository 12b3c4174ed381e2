"""The shape of code as far as lines and brackets show it: no parser, any language.

Languages are LSP language identifiers (``python``, ``typescriptreact``, …). An unknown one is
treated like a language with braces.
"""

import re
from dataclasses import dataclass
from types import MappingProxyType

_INDENTED = frozenset({"python", "yaml", "nim", "gdscript", "coffeescript", "dockercompose", "pug", "sass"})
_WITH_END = frozenset({"ruby", "lua", "elixir", "julia", "crystal", "shellscript", "matlab", "fish"})
_MARKUP = frozenset(
    {"html", "xml", "vue", "svelte", "astro", "javascriptreact", "typescriptreact", "handlebars", "php"}
)
_COMMENT = re.compile(r"(?:^|\s)(?:#|//|--\s).*$")
_ENDING = re.compile(r"(?:[:{(\[]|=>|->)$")
_CONTINUED = re.compile(r"(?:[,\\+*/%&|=<.?]|(?<!-)-|\b(?:and|or|not|in|return))$")
_BLOCK_WORD = re.compile(r"(?:\b(?:do|then|else|begin|repeat)|\bdo\s*\|[^|]*\|)$")
_BLOCK_START = re.compile(
    r"\s*(?:local\s+)?(?:def|class|module|if|unless|while|until|for|case|begin|function|else|elsif|struct)\b"
)
_OPEN_TAG = re.compile(r"<([A-Za-z][\w.:-]*)(?:\s[^<>]*)?(?<!/)>$|<>$")
_VOID_TAGS = frozenset({"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"})
_LONG_CLOSERS = ("</", "/>", "-->")
_CLOSER = re.compile(r"[)\]}]|</|/>|-->")
_END_WORDS = ("end", "fi", "done", "esac", "until")
_END_WORD = re.compile(rf"(?:{'|'.join(_END_WORDS)})\b")
_PAIRS = MappingProxyType({")": "(", "]": "[", "}": "{"})
_TAB = 4


def last_line(text: str) -> str:
    """The text's last line, without the line end in front of it."""
    return text[text.rfind("\n") + 1 :]


def first_line(text: str) -> str:
    """The text's first line, without the line end behind it."""
    return text.partition("\n")[0]


def indentation(line: str) -> int:
    """Columns of blank space in front; a tab reaches to the next multiple of four."""
    return len(line[: len(line) - len(line.lstrip())].expandtabs(_TAB))


def last_content(text: str) -> str:
    """The last line of ``text`` that is not blank, or an empty string."""
    return last_line(text.rstrip())


def next_content(after: str) -> str:
    """The first line behind the cursor's own line that is not blank, or an empty string."""
    behind = after.partition("\n")[2]
    skipped = len(behind) - len(behind.lstrip())
    return first_line(behind[behind.rfind("\n", 0, skipped) + 1 :]) if behind.strip() else ""


def opens_block(line: str, language: str) -> bool:
    """Whether the next line is expected to be indented deeper than ``line``."""
    code = _COMMENT.sub("", line).rstrip()
    if _ENDING.search(code):
        return True
    if language in _WITH_END:
        starts = _BLOCK_START.match(code) and not re.search(r"\b(?:end|fi|done|esac)$", code)
        return bool(starts or _BLOCK_WORD.search(code))
    tag = _OPEN_TAG.search(code) if language in _MARKUP else None
    return tag is not None and (tag[1] or "").lower() not in _VOID_TAGS


def goes_on(line: str, language: str) -> bool | None:
    """Whether a statement reaches beyond its first ``line``; None: only the next line tells."""
    code = _COMMENT.sub("", line).rstrip()
    if opens_block(line, language) or brackets(code).open or _CONTINUED.search(code):
        return True
    if not code or language in _INDENTED or code.endswith((";", "}")):
        return False
    return None


def closes_block(line: str, language: str) -> bool:
    """Whether ``line`` begins with what ends a block: a bracket, a closing tag, ``end``."""
    code = line.lstrip()
    return bool(_CLOSER.match(code) or (language in _WITH_END and _END_WORD.match(code)))


def may_close_block(start: str, language: str) -> bool:
    """Whether a line that begins with ``start`` may turn out to close a block."""
    code = start.lstrip()
    closers = (*_LONG_CLOSERS, *_END_WORDS) if language in _WITH_END else _LONG_CLOSERS
    return closes_block(start, language) or any(closer.startswith(code) for closer in closers)


def in_docstring(text: str, language: str) -> bool:
    """Whether ``text`` ends inside a triple-quoted string that begins in it."""
    return language == "python" and any(text.count(quote) % 2 for quote in ('"""', "'''"))


@dataclass(frozen=True)
class Brackets:
    """What a piece of code leaves open, and what it closes without having opened it."""

    open: str = ""
    """Brackets, outermost first."""
    surplus: str = ""
    """Closing brackets that have no partner, in order."""
    quote: str = ""
    """The quote of a string that is still open."""


class _BracketReader:
    """Reads code character by character and keeps what is open."""

    def __init__(self) -> None:
        self.stack: list[str] = []
        self.surplus: list[str] = []
        self.quote = ""
        self._skip = False

    def read(self, char: str) -> None:
        if self._skip:
            self._skip = False
        elif self.quote:
            self._skip = char == "\\"
            if char == self.quote or (char == "\n" and self.quote != "`"):
                self.quote = ""
        elif char in "\"'`":
            self.quote = char
        elif char in "([{":
            self.stack.append(char)
        elif char in _PAIRS:
            self._close(char)

    def _close(self, char: str) -> None:
        if _PAIRS[char] in self.stack:
            del self.stack[len(self.stack) - 1 - self.stack[::-1].index(_PAIRS[char]) :]
        else:
            self.surplus.append(char)


def brackets(text: str) -> Brackets:
    """Match the brackets of ``text`` outside of strings.

    A string in single or double quotes ends with its line at the latest; one in backquotes
    does not. Comments are not recognised.
    """
    reader = _BracketReader()
    for char in text:
        reader.read(char)
    return Brackets("".join(reader.stack), "".join(reader.surplus), reader.quote)


def closing(opener: str, text: str) -> int | None:
    """Where in ``text`` the bracket or quote ``opener`` in front of it is closed; None: nowhere.

    Read like ``brackets`` does, once.
    """
    reader = _BracketReader()
    reader.read(opener)
    for index, char in enumerate(text):
        reader.read(char)
        if not reader.stack and not reader.quote:
            return index
    return None
