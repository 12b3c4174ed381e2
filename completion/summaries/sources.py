"""What a summary needs of an index. ``retrieval.index.RepositoryIndex`` fits it as it is."""

from collections.abc import Sequence
from typing import Protocol

from retrieval.records import Snippet, SymbolHit


class Neighbourhood(Protocol):
    """What a file is connected with."""

    @property
    def imports(self) -> Sequence[str]:
        """Paths of the files that it imports."""
        ...


class SummaryIndex(Protocol):
    """Reads, and changes nothing. Raises RetrievalError."""

    def callees(self, path: str, qualified: str) -> Sequence[SymbolHit]:
        """Definitions of the names that a definition calls."""
        ...

    def search(self, query: str, k: int = 10) -> Sequence[Snippet]:
        """The ``k`` best pieces for words or code."""
        ...

    def neighbours(self, path: str) -> Neighbourhood:
        """What a file is connected with."""
        ...
