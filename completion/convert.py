"""From a GGUF file to a directory that transformers opens quickly: done once per model.

Weights are dequantised tensor by tensor with the ``gguf`` package and stored as float16. Measured on
Qwen2.5-Coder 0.5B (Q4_K_M): the relative error of that rounding is 2e-4 (root mean square over any
tensor) and nothing overflows, while the vectors (norms, biases) survive without any error at all;
bfloat16 would cost eight times more, and the quantisation itself costs some 5e-2. float32 would double the
file for nothing.

The output matrix is tied to the embedding only where the file says so: by leaving it out, or by
storing the same bytes twice. (Qwen's own files store it in a finer quantisation than the
embedding, and the finer one is kept.)
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from completion.architectures import ARCHITECTURES, model_config, permuted_heads, tensor_name
from completion.disk import FreeBytes, free_bytes, need_room
from completion.errors import CorruptModel, UnsupportedModel
from completion.families import FimFamily, detect_family
from completion.gguf_file import FloatArray, GgufFile, GgufTensor
from completion.gguf_tokenizer import write_tokenizer
from completion.progress import OnProgress, Progress, quiet
from completion.tensor_file import TensorFile

_BLOCK_VALUES = 1 << 24  # 64 MB of float32 at a time


def convert(
    source: Path, directory: Path, *, progress: OnProgress = quiet, free: FreeBytes = free_bytes
) -> None:
    """Fill the empty ``directory`` with config, tokenizer and weights of the GGUF file ``source``.

    Raises NoFimTokens, UnsupportedModel, CorruptModel or DiskFull; what was written so far is then useless.
    """
    progress(Progress("convert", 0, 0, "Reading the model"))
    gguf = GgufFile(source)
    if gguf.architecture not in ARCHITECTURES:
        raise UnsupportedModel(
            f"GGUF files of the architecture {gguf.architecture!r} are not supported (only"
            f" {', '.join(ARCHITECTURES)}); use the model's safetensors directory instead."
        )
    tokens: list[str] = gguf.need("tokenizer.ggml.tokens")
    family = detect_family(tokens)
    write_tokenizer(gguf, directory)
    _write_json(directory / "generation_config.json", _generation(gguf, tokens, family))
    _write_weights(gguf, directory, progress, free)


def _write_weights(gguf: GgufFile, directory: Path, progress: OnProgress, free: FreeBytes) -> None:
    tensors = _tensors_to_keep(gguf)
    embedding = gguf.tensors.get("token_embd.weight")
    if embedding is None:
        raise CorruptModel(f"{gguf.path} has no embedding matrix.")
    config = model_config(
        gguf, gguf.architecture, vocab_size=embedding.shape[0], tied="output.weight" not in tensors
    )
    _write_json(directory / "config.json", config)
    shapes = {tensor_name(name): tensor.shape for name, tensor in tensors.items()}
    total = sum(int(np.prod(shape)) * 2 for shape in shapes.values())
    need_room(directory, total, free)
    done = 0
    with TensorFile(directory / "model.safetensors", shapes) as file:
        for tensor in tensors.values():
            for block in _blocks(tensor, permuted_heads(tensor.name, config)):
                file.write(_half(block, tensor.name))
                done += block.size * 2
                progress(Progress("convert", done, total, "Converting the weights"))


def _tensors_to_keep(gguf: GgufFile) -> dict[str, GgufTensor]:
    tensors = dict(gguf.tensors)
    if "rope_freqs.weight" in tensors:
        raise UnsupportedModel(
            "The GGUF file scales rotary frequencies one by one, which is not supported;"
            " use the model's safetensors instead."
        )
    embedding, output = tensors.get("token_embd.weight"), tensors.get("output.weight")
    if embedding and output and embedding.equals(output):
        del tensors["output.weight"]
    return tensors


def _blocks(tensor: GgufTensor, heads: int | None) -> Iterator[FloatArray]:
    if heads is None:
        yield from tensor.rows(max(1, _BLOCK_VALUES // tensor.shape[-1]))
        return
    for whole in tensor.rows(tensor.shape[0]):
        # [heads * pairs * 2, in] interleaved -> [heads * 2 * pairs, in] halves
        pairs = whole.reshape(heads, -1, 2, *whole.shape[1:])
        yield pairs.swapaxes(1, 2).reshape(whole.shape)


def _half(block: FloatArray, name: str) -> NDArray[np.float16]:
    with np.errstate(over="ignore"):
        half = block.astype(np.float16)
    if not np.isfinite(half).all():
        raise CorruptModel(f"Tensor {name} holds values that are no numbers or do not fit float16.")
    return half


def _generation(gguf: GgufFile, tokens: list[str], family: FimFamily) -> dict[str, Any]:
    """Greedy, ended by the declared end token or any token that ends a completion."""
    ids = {token: index for index, token in enumerate(tokens)}
    declared = gguf.value("tokenizer.ggml.eos_token_id")
    ends = ([] if declared is None else [declared]) + [ids[token] for token in family.stop if token in ids]
    padding = gguf.value("tokenizer.ggml.padding_token_id")
    return {
        "do_sample": False,
        "bos_token_id": gguf.value("tokenizer.ggml.bos_token_id"),
        "eos_token_id": list(dict.fromkeys(ends)),
        "pad_token_id": declared if padding is None else padding,
    }


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
