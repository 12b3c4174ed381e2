"""The definition a cursor is in, told by indentation: quick enough for every keystroke, in any language."""

import re

_CONTROL = re.compile(
    r"(?:if|elif|else|for|foreach|while|do|switch|match|case|default|try|except|catch|finally|with|when|unless|until"
    r"|loop|select|return|begin|rescue|ensure|then|yield|await|lock|using|unsafe|defer|guard|repeat)\b"
)
_CLOSING = re.compile(r"[)\]}>]|end\b")
_COMMENT = re.compile(r"#|//|/\*|\*|--|;|\"\"\"|'''|@")
_MOST_LINES = 2_000
_LEVELS = 2
"""A method and its class. What is nested deeper shares their context."""


def place(text: str, cursor: int) -> tuple[str, ...]:
    """The first lines of the definitions around ``cursor``, outermost first, at most two.

    A definition is a line above that is indented less and begins no control flow. Looks back two thousand
    lines at most. Equal for all cursors in one definition, but for those in its first line.
    """
    before = text[:cursor].split("\n")[-_MOST_LINES:]
    indent = _indent(before[-1]) if before[-1].strip() else _indent_of_blank(before, text[cursor:])
    found: list[str] = []
    for line in reversed(before[:-1]):
        if indent == 0:
            break
        content = line.strip()
        if not content or _indent(line) >= indent or _COMMENT.match(content):
            continue
        if _CLOSING.match(content):
            continue
        indent = _indent(line)
        if not _CONTROL.match(content):
            found.append(content)
    return tuple(reversed(found))[:_LEVELS]


def _indent(line: str) -> int:
    """Columns in front of the content; a tab counts as four."""
    blank = line[: len(line) - len(line.lstrip())]
    return len(blank.expandtabs(4))


def _indent_of_blank(before: list[str], after: str) -> int:
    """How deep a line belongs that is empty so far."""
    own = _indent(before[-1] + "x") if before[-1] else 0
    if own:
        return own
    following = next((line for line in after.split("\n", 20)[1:20] if line.strip()), "")
    previous = next((line for line in reversed(before[:-1]) if line.strip()), "")
    return min(_indent(previous), _indent(following)) if following else 0
