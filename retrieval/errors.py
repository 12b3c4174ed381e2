"""What can go wrong with the index.

::

    RetrievalError
    ├── NoRepository        the folder is not there, is no folder, or holds nothing to index
    ├── OutsideRoot         a path leaves the repository
    ├── NotIndexed          a file that the index leaves alone; the sentence says why
    ├── IndexBusy           another process is writing this index
    ├── CorruptIndex        a file of the index is damaged, and could not be made anew
    └── EmbeddingFailed     the embedding model cannot be had or loaded

Every message is one sentence a user can act on.
"""


class RetrievalError(Exception):
    """Base of every error of this package."""


class NoRepository(RetrievalError):
    """The folder is not there, is no folder, or holds nothing to index."""


class OutsideRoot(RetrievalError):
    """A path leaves the repository."""


class NotIndexed(RetrievalError):
    """A file that the index leaves alone."""


class IndexBusy(RetrievalError):
    """Another process is writing this index."""


class UnwritableIndex(RetrievalError):
    """The folder of the index cannot be made or written."""


class CorruptIndex(RetrievalError):
    """A file of the index is damaged, and could not be made anew."""


class EmbeddingFailed(RetrievalError):
    """The embedding model cannot be had or loaded."""
