"""The shape of what is cached, and what it costs."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CacheShape:
    """Sizes of the cached keys (and, alike, values) of one token.

    ``layers`` × ``kv_heads`` × ``head_dim`` elements of ``element_bytes`` each, twice: once
    for the key and once for the value.
    """

    layers: int
    kv_heads: int
    head_dim: int
    element_bytes: int

    @property
    def token_bytes(self) -> int:
        """Bytes one token takes in the arenas of keys and values together."""
        return 2 * self.layers * self.kv_heads * self.head_dim * self.element_bytes
