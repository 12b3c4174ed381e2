"""The words of a draft: the target's most frequent tokens, and what is read in place of the others.

Most of a small model would be its vocabulary, and most of a step its head (FastDraft, arXiv
2411.11055, keeps the tokenizer; FR-Spec, arXiv 2502.14856, the frequent tokens alone). A *word* is
the draft's number for a token. The draft says words only; a token that is none is read as the
longest word that it ends with, because what follows a token depends on its end most.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors import numpy as safetensors_numpy

from drafts.errors import CorruptDraft, OtherVocabulary

FILE = "vocabulary.safetensors"


class Spelling(Protocol):
    """What each token of a tokenizer stands for; ``completion.tokens.TextCodec`` is one."""

    def __len__(self) -> int:
        """Tokens."""
        ...

    def bytes_of(self, token: int, /) -> bytes:
        """The bytes of a token; empty for specials."""
        ...


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """``tokens[word]`` is the token a word stands for, ``words[token]`` the word read for a token.

    Both int32; ``tokens`` is ascending, ``words`` has an entry for every token of the tokenizer.
    """

    tokens: NDArray[np.int32]
    words: NDArray[np.int32]

    def __len__(self) -> int:
        """Words."""
        return len(self.tokens)

    def read(self, tokens: Sequence[int] | NDArray[np.integer]) -> NDArray[np.int32]:
        """The words the draft is shown for ``tokens``, one for each; padding ids read as word 0."""
        ids = np.asarray(tokens, dtype=np.int64)
        return np.where(ids < len(self.words), self.words[np.minimum(ids, len(self.words) - 1)], 0)

    def says(self, tokens: Sequence[int] | NDArray[np.integer]) -> NDArray[np.bool_]:
        """Which of ``tokens`` are words."""
        ids = np.asarray(tokens, dtype=np.int64)
        return self.tokens[self.read(ids)] == ids

    def token(self, word: int) -> int:
        """The token a word stands for."""
        return int(self.tokens[word])


def choose(counts: NDArray[np.int64], size: int, always: Collection[int]) -> NDArray[np.int32]:
    """The ids of ``size`` tokens, ascending: those of ``always``, then the most frequent.

    ``counts`` ``[tokens]`` says how often each occurs; of equals the lower id is taken.
    """
    ranked = np.argsort(-counts, kind="stable")
    wanted = sorted(set(always))
    rest = ranked[~np.isin(ranked, wanted)][: max(size - len(wanted), 0)]
    return np.sort(np.concatenate([np.asarray(wanted, np.int64), rest])).astype(np.int32)


def vocabulary_of(tokens: NDArray[np.int32], spelling: Spelling) -> Vocabulary:
    """The vocabulary of these tokens: every other token gets its stand-in."""
    pieces: list[bytes] = [spelling.bytes_of(token) for token in range(len(spelling))]
    known = {pieces[int(token)]: word for word, token in enumerate(tokens) if pieces[int(token)]}
    words = np.array([_stand_in(piece, known) for piece in pieces], np.int32)
    words[tokens] = np.arange(len(tokens), dtype=np.int32)
    return Vocabulary(tokens, words)


def _stand_in(piece: bytes, known: dict[bytes, int]) -> int:
    """The longest word that ``piece`` ends with; 0 without one."""
    return next((known[piece[at:]] for at in range(len(piece)) if piece[at:] in known), 0)


def fingerprint(spelling: Spelling) -> str:
    """SHA-256 over what every token stands for: equal for models that share a tokenizer.

    However far their embeddings are padded.
    """
    digest = hashlib.sha256()
    for token in range(len(spelling)):
        piece = spelling.bytes_of(token)
        digest.update(len(piece).to_bytes(4, "little") + piece)
    return digest.hexdigest()


def check_tokenizer(name: str, made_for: str, target: str) -> None:
    """Raise OtherVocabulary unless both fingerprints are the same."""
    if made_for != target:
        raise OtherVocabulary(f"The tokens of {name} are not those of the target.")


def write_vocabulary(directory: Path, vocabulary: Vocabulary) -> None:
    """Write the map into ``directory``. Writes one file."""
    files: Any = safetensors_numpy  # partly untyped
    files.save_file({"tokens": vocabulary.tokens, "words": vocabulary.words}, directory / FILE)


def read_vocabulary(directory: Path) -> Vocabulary:
    """The map in ``directory``. Raises CorruptDraft."""
    files: Any = safetensors_numpy  # partly untyped
    try:
        found = files.load_file(directory / FILE)
        vocabulary = Vocabulary(found["tokens"].astype(np.int32), found["words"].astype(np.int32))
        sound = _is_sound(vocabulary)
    except (OSError, SafetensorError, KeyError) as error:
        raise CorruptDraft(f"The draft in {directory} is damaged: {FILE} cannot be read.") from error
    if not sound:
        raise CorruptDraft(f"The draft in {directory} is damaged: {FILE} is no map of tokens.")
    return vocabulary


def _is_sound(vocabulary: Vocabulary) -> bool:
    """Whether every word stands for one token, which reads as it, and nothing leads outside."""
    tokens, words = vocabulary.tokens, vocabulary.words
    if not len(tokens) or tokens.ndim != 1 or words.ndim != 1:
        return False
    inside = tokens.min() >= 0 and tokens.max() < len(words) and 0 <= words.min() <= words.max() < len(tokens)
    return bool(inside and np.array_equal(words[tokens], np.arange(len(tokens))))
