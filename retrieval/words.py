"""Search terms of code and prose.

An identifier counts whole, in lower case, and in its parts: ``HTTPServer_v2`` gives ``httpserver_v2``,
``http``, ``server``. What every file of a language says (``return``, ``the``) is no term.
"""

import re
from functools import lru_cache
from itertools import chain

_IDENTIFIER = re.compile(r"[^\W\d]\w*")
_PART = re.compile(r"[^\W\d_]+")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_ASCII_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
"""What both together give of an ASCII identifier."""
_LONGEST = 64
"""Characters of an identifier; what is longer is data."""
_SHORTEST = 2
"""Characters of a part."""

_KEYWORDS = (
    "abstract and as assert async auto await bool boolean break byte case catch char class const continue "
    "def default defer del do done double elif else elsif end endif enum esac except export extends extern "
    "false fi final finally float fn for foreach from func function global goto if impl implements import "
    "in include inline instanceof int interface internal is lambda let long loop mod module mut namespace "
    "new nil none nonlocal not null object operator or override package pass private protected pub public "
    "raise readonly ref require return self short signed sizeof static str string struct sub super switch "
    "template then this throw throws trait true try typedef typename typeof undefined union unless unsafe "
    "unsigned until use using val var virtual void volatile when where while with yield"
)
_PROSE = (
    "an are at be been but by can could did does has have he her his how if into it its may more most must "
    "no of on one only other our out over she should so some such than that the their them there these they "
    "to too two up was we were what which who will would you your"
)
_STOP_WORDS = frozenset(f"{_KEYWORDS} {_PROSE}".split())


def terms(text: str) -> list[str]:
    """Every term of ``text``, in order, as often as it stands there.

    A term has only letters, digits and underscores and is in lower case.
    """
    return list(chain.from_iterable(map(_terms_of, _IDENTIFIER.findall(text))))


def spaced(text: str) -> str:
    """``text`` with a space at every border inside an identifier, as a model of prose reads it."""
    return _HUMP.sub(" ", text).replace("_", " ")


@lru_cache(maxsize=1 << 16)
def _terms_of(identifier: str) -> tuple[str, ...]:
    if len(identifier) > _LONGEST:
        return ()
    whole = _lower(identifier)
    if identifier.isascii():  # nearly all are, and there are many
        parts = [part.lower() for part in _ASCII_PART.findall(identifier)]
    else:
        parts = [_lower(part) for piece in _PART.findall(identifier) for part in _HUMP.split(piece)]
    inside = [part for part in parts if len(part) >= _SHORTEST and part != whole]
    return tuple(term for term in (whole, *inside) if term not in _STOP_WORDS)


def _lower(text: str) -> str:
    """In lower case; the dot that Unicode leaves over of a Turkish capital i is no letter."""
    return text.lower() if text.isascii() else text.lower().replace("\u0307", "")
