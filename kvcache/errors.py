"""What can go wrong in the cache.

::

    CacheError
    ├── CacheFull          no room for the tokens, even after every idle store was dropped
    ├── LeaseError         a store used after its lease was given back, or leased twice
    ├── UnsupportedCache   the model's cache cannot be kept in a store; the sentence names why
    ├── UnsupportedShift   the model's cached keys cannot be moved; the sentence names why
    └── AuditError         bookkeeping and tensors disagree; always a bug
"""


class CacheError(Exception):
    """Base of every error of this package."""


class CacheFull(CacheError):
    """There is no room for the tokens, even after every idle store was dropped."""


class LeaseError(CacheError):
    """A store was used after its lease was given back, or leased twice."""


class UnsupportedCache(CacheError):
    """The model's cache cannot be kept in a store; the sentence names why."""


class UnsupportedShift(CacheError):
    """The model's cached keys cannot be moved; the sentence names why."""


class AuditError(CacheError):
    """Bookkeeping and tensors disagree. Always a bug, never a user's mistake."""
