"""The adapter of an early exit: what a target's first layers need to guess its tokens.

After Kangaroo (arXiv 2404.18911, section 3): an attention between two norms, no feed-forward part, and the
target's own head. Ours differs in three ways, so that nothing of it has to follow an edit:

- Its keys and values are the target's own, those of the layer behind the exit. The cache has them for every
  token of the prompt, moves them, and the target would compute them next anyway.
- With keys and values given, the attention cannot map a token onto itself freely. A square matrix
  behind the second norm does; it is folded into the head, where it costs nothing.
- The head knows the frequent tokens only (FastDraft, arXiv 2411.11055).

::

    h               hidden states behind the target's first layers
    g = h + out · attention(query · norm(h), the next layer's keys and values)
    logits          = head[vocabulary] · turn · g / rms(g)
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open

from drafts.errors import UnusableAdapter

FORMAT = 1
"""Raised whenever the same numbers would mean something else."""

_TENSORS = ("query", "query_bias", "out", "turn")


@dataclass(frozen=True, eq=False)
class Adapter:
    """An exit behind the first ``layers`` of the target called ``target``.

    With ``inner`` the dimensions of all heads, ``query`` is ``[inner, hidden]``, ``query_bias`` ``[inner]``,
    ``out`` ``[hidden, inner]``, ``turn`` ``[hidden, hidden]``, of any floating type. ``vocabulary``, int64
    ``[words]``, has the target's ids of the words that are guessed, ascending.
    """

    target: str
    layers: int
    query: torch.Tensor
    query_bias: torch.Tensor
    out: torch.Tensor
    turn: torch.Tensor
    vocabulary: torch.Tensor

    def require(self, *, hidden: int, layers: int, vocabulary: int) -> None:
        """Raise UnusableAdapter, naming the reason, unless it fits a target of these sizes."""
        if self.turn.shape != (hidden, hidden):
            raise UnusableAdapter(f"The adapter is for a width of {len(self.turn)}, the target has {hidden}.")
        if not 0 < self.layers < layers:
            raise UnusableAdapter(f"The adapter exits behind layer {self.layers} of {layers}.")
        if not len(self.vocabulary) or int(self.vocabulary.max()) >= vocabulary:
            raise UnusableAdapter(f"The adapter guesses tokens that are none of the target's {vocabulary}.")
        inner = len(self.query)
        if self.query.shape != (inner, hidden) or self.out.shape != (hidden, inner):
            raise UnusableAdapter("The adapter's matrices do not fit each other.")


def write_adapter(path: Path, adapter: Adapter) -> None:
    """Write ``adapter`` in float16, in one step: ``path`` is whole or what it was."""
    told = {"format": FORMAT, "target": adapter.target, "layers": adapter.layers}
    tensors = {name: getattr(adapter, name).detach().half().cpu().contiguous() for name in _TENSORS}
    tensors["vocabulary"] = adapter.vocabulary.int()
    beside, save = path.with_suffix(".part"), cast("Any", safetensors.torch).save_file
    save(tensors, beside, {"adapter": json.dumps(told)})
    beside.replace(path)


def read_adapter(path: Path) -> Adapter:
    """The adapter at ``path``, in float32. Raises UnusableAdapter for a file that is none, or damaged."""
    try:
        opened: Any = safe_open(path, "pt")
        with opened as file:
            told: dict[str, Any] = json.loads(file.metadata()["adapter"])
            tensors = {name: file.get_tensor(name) for name in (*_TENSORS, "vocabulary")}
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise UnusableAdapter(f"The adapter {path} cannot be read: {error}") from error
    if told.get("format") != FORMAT:
        raise UnusableAdapter(f"The adapter {path} has format {told.get('format')}; {FORMAT} is read here.")
    floats = {name: tensors[name].float() for name in _TENSORS}
    return Adapter(told["target"], told["layers"], **floats, vocabulary=tensors["vocabulary"].long())
