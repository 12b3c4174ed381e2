"""What can go wrong with drafts and with making them.

::

    DraftError
    ├── CorruptDraft        a draft's directory is damaged; the sentence names the file
    ├── DraftMismatch       the draft does not fit its target
    │   ├── OtherVocabulary     it was made for a target with other tokens
    │   └── UnusableAdapter     an adapter of another target, or none that can be read
    └── TrainingError
        ├── BadRecipe       sizes, exits or steps that do not fit together, or do not fit the target
        ├── NoCorpus        the folders hold too little that may be learnt from
        ├── OtherRun        what is to be resumed was begun with other options or other files
        └── CorruptCheckpoint   a checkpoint is damaged

Every message is one sentence a user can act on.
"""


class DraftError(Exception):
    """Base of every error of this package."""


class CorruptDraft(DraftError):
    """A draft's directory is damaged."""


class DraftMismatch(DraftError):
    """The draft does not fit its target: other tokens, another device. The engine goes on without it."""


class OtherVocabulary(DraftMismatch):
    """The draft was made for a target with other tokens."""


class UnusableAdapter(DraftMismatch):
    """The adapter cannot serve this target, or its file cannot be read."""


class TrainingError(DraftError):
    """Base of what stops the making of a draft."""


class BadRecipe(TrainingError):
    """Sizes, exits or steps that do not fit together, or do not fit the target."""


class NoCorpus(TrainingError):
    """The folders hold too little that may be learnt from."""


class OtherRun(TrainingError):
    """What is to be resumed was begun with other options or other files."""


class CorruptCheckpoint(TrainingError):
    """A checkpoint of a training run is damaged."""
