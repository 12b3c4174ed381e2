"""What can be wrong with a drafter, each with a sentence that says what to do."""


class DraftError(Exception):
    """A drafter cannot be used. The engine goes on without it."""


class DraftMismatch(DraftError):
    """The draft does not fit its target: another vocabulary, another device."""
