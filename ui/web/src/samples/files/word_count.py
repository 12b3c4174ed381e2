"""Count the words of a text."""

import re
from collections import Counter
from pathlib import Path


def words(text: str) -> list[str]:
    """The words of a text, in lower case."""
    return re.findall(r"[a-z']+", text.lower())


def count_words(path: Path) -> Counter[str]:
    """How often each word stands in a file."""
    ⟨cursor⟩


def most_common(counts: Counter[str], limit: int = 10) -> list[tuple[str, int]]:
    """The words that occur most often, with their counts."""
    return counts.most_common(limit)


if __name__ == "__main__":
    for word, count in most_common(count_words(Path("book.txt"))):
        print(f"{count:6} {word}")
