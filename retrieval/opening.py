"""Which embedder an index is made with."""

from retrieval.config import RetrievalConfig
from retrieval.embed import Embedder


def open_embedder(config: RetrievalConfig) -> Embedder | None:
    """The embedder that the settings name; None: words and symbols only.

    No default has been chosen yet, so there is none.
    """
    del config
    return None
