"""Frozen settings of this package, handed to constructors by ``assistant/wiring.py``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Device = Literal["auto", "cpu", "cuda"]
Weights = Literal["auto", "int8", "int4", "float32", "bfloat16"]
Reuse = Literal["auto", "exact", "recompute"]


@dataclass(frozen=True)
class EngineConfig:
    """How the model is loaded and run."""

    model: str | None = None
    """A name of ``models.toml``, a directory, a ``.gguf`` file or a hub id; None: the default."""
    device: Device = "auto"
    """auto: a CUDA device if there is one, else the CPU."""
    weights: Weights = "auto"
    """auto: bfloat16 on a GPU, int8 on a CPU. int4 takes less memory, and loses some quality."""
    threads: int | None = None
    """CPU threads of the engine; None: the physical cores this process may use."""
    models_dir: Path | None = None
    """Where converted models are kept; None: the user's cache directory."""
    prefill_chunk: int = 64
    """Tokens encoded between two looks at cancellation; a GPU takes eight times as many."""
    cache_bytes: int | None = None
    """Upper bound of all key/value arenas together; None: a quarter of the memory that is free on the device
    when the model has been loaded, from 256 MiB to 4 GiB (on a GPU 16 GiB). Work in the background, such as
    summaries, may take a quarter as much beside it."""
    unload_after_s: float = 1_800.0
    """A model that nobody used for so long is let go, and comes back with the next request; 0: never."""
    max_waiting: int = 64
    """Jobs that may wait for the engine thread."""
    places: int = 3
    """Places of one document whose caches are kept, so that going back to one is cheap."""
    refresh_chunk: int = 32
    """Tokens encoded in one step of what nobody waits for: a keystroke waits for one step at most. A GPU
    takes eight times as many."""


@dataclass(frozen=True)
class CompletionConfig:
    """What a prompt is built of and when a completion ends."""

    prefix_chars: int = 6_000
    """Characters in front of the cursor that a prompt shows at most."""
    suffix_chars: int = 1_500
    """Characters behind the cursor that a prompt shows at most."""
    tail_lines: int = 2
    """Lines above the cursor's own that stand behind the middle token after anchoring."""
    tail_max_chars: int = 1_200
    """A tail longer than this is anchored anew."""
    max_tokens: int = 96
    """Tokens of a completion of several lines; what they break off ends with a whole line."""
    single_line_tokens: int = 32
    """Tokens of a completion of one line."""
    time_budget_s: float = 8.0
    """Decoding ends at the next token boundary after this long; what is there is shown."""
    max_document_chars: int = 4_000_000
    """Characters of a document that completions are offered for at most."""
    reuse: Reuse = "auto"
    """auto: cached keys behind an edit are moved (an approximation, refreshed when idle). exact: only what
    equals a cold computation is used. recompute: nothing is."""
    repair_ms: float = 60.0
    """Time a request may spend on encoding tokens behind an edit again, at the speed of this device."""
    repair_tokens: int | None = None
    """Tokens a request may encode again behind an edit; None: as many as fit into ``repair_ms``."""
    refresh_after_s: float = 0.4
    """So long after the last answer, what an edit left approximate begins to be encoded again."""
    layout: Literal["append", "plain"] = "append"
    """``plain`` puts all in front of the cursor into the prefix and heals nothing; for comparison."""
