"""The shape of what is cached, and what it costs."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CacheShape:
    """Sizes of the cached keys (and, alike, values) of one token.

    ``layers`` × ``kv_heads`` × ``head_dim`` elements of ``element_bytes`` each, for the key and
    for the value; where keys are ``movable`` also for the key as it was computed.
    """

    layers: int
    kv_heads: int
    head_dim: int
    element_bytes: int
    movable: bool = False

    @property
    def token_bytes(self) -> int:
        """Bytes one token takes in all arenas together."""
        return (3 if self.movable else 2) * self.layers * self.kv_heads * self.head_dim * self.element_bytes
