"""Final cleaning: a completion must fit what already stands behind the cursor.

Run against the document as it is when the text is shown, every time: an editor may have added
a closing bracket since the model was asked.
"""

from completion.shape import brackets, first_line, last_line

_CONTEXT_CHARS = 4_000
_BLANKS = " \t\n"


def trim(text: str, *, before: str, after: str) -> str:
    """The part of ``text`` worth inserting between ``before`` and ``after``; may be empty.

    Always a start of ``text``. Taken off the end: lines that follow the cursor anyway, brackets,
    quotes and words that stand right behind it, blank space nobody needs. A trimmed text is
    not trimmed further.
    """
    before, after = before[-_CONTEXT_CHARS:], after[:_CONTEXT_CHARS]
    while True:
        shorter = _without_blanks(text, after)
        shorter = _without_next_lines(shorter, before, after)
        shorter = _without_rest(shorter, before, first_line(after))
        if shorter == text:
            return text
        text = shorter


def _without_blanks(text: str, after: str) -> str:
    """Drop blank space at the end, unless it parts the completion from what follows."""
    kept = text.rstrip(_BLANKS)
    rest = first_line(after)
    if not kept or not rest.strip() or rest[0] in _BLANKS:
        return kept
    gap = text[len(kept) :]
    return text if "\n" not in gap or rest[0] in ")]}<" else kept


def _without_next_lines(text: str, before: str, after: str) -> str:
    """Drop lines at the end that equal the lines below the cursor's. Half typed lines stay.

    Only where they would follow: not with code behind the cursor on its own line.
    """
    rest, _, following = after.partition("\n")
    if rest.strip() or not following.strip():
        return text
    lines = (last_line(before) + text).split("\n")
    below = [line.rstrip() for line in after.split("\n")[1:] if line.strip()]
    first_own = 1 if last_line(before).strip() else 0
    for count in range(min(len(lines) - first_own, len(below)), 0, -1):
        if [line.rstrip() for line in lines[-count:]] == below[:count]:
            return text[: max(0, len(text) - len("\n".join(lines[-count:])) - 1)]
    return text


def _without_rest(text: str, before: str, rest: str) -> str:
    """Drop what stands behind the cursor already: ``f(|)`` must not become ``f(x))``."""
    if rest.lstrip()[:1] in {")", "]"} and text.endswith(";"):
        text = text[:-1]
    for length in range(min(len(text), len(rest)), 0, -1):
        if text.endswith(rest[:length]) and _is_double(text, before, rest, length):
            return text[:-length]
    return text


def _is_double(text: str, before: str, rest: str, length: int) -> bool:
    """Whether the last ``length`` characters of ``text`` are there twice, not by chance."""
    overlap = rest[:length].strip()
    shorter = text[:-length]
    if overlap in {"", ";", ","}:
        return bool(overlap)
    more, less = _errors(before + text, rest), _errors(before + shorter, rest)
    if more != less:
        return more > less
    return overlap == rest.strip() and any(map(str.isalnum, overlap)) and _at_word_start(shorter, overlap)


def _at_word_start(text: str, following: str) -> bool:
    return not (text[-1:].isalnum() and following[0].isalnum())


def _errors(front: str, rest: str) -> int:
    """How badly brackets and quotes match: closing ones without partner, a string left open."""
    whole = brackets(front + rest)
    return len(whole.surplus) + bool(whole.quote)
