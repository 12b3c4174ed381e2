"""Reading a GGUF file: metadata as plain values, tensors in rows, damage as an error."""

from pathlib import Path

import numpy as np
import pytest
from gguf import GGMLQuantizationType

from completion.errors import CorruptModel, UnsupportedModel
from completion.gguf_file import GgufFile, GgufTensor
from tests.completion.model_files import QWEN_SPECIAL, random_tensors, write_gguf


@pytest.fixture
def gguf(tmp_path: Path) -> GgufFile:
    return GgufFile(write_gguf(tmp_path / "m.gguf"))


def test_metadata_comes_as_plain_values(gguf: GgufFile) -> None:
    assert gguf.architecture == "qwen2"
    assert gguf.need("qwen2.block_count") == 2
    assert set(QWEN_SPECIAL) <= set(gguf.need("tokenizer.ggml.tokens"))
    assert gguf.value("no.such.key", 7) == 7


def test_missing_metadata_is_named(gguf: GgufFile) -> None:
    with pytest.raises(CorruptModel, match=r"no\.such\.key"):
        gguf.need("no.such.key")


@pytest.mark.parametrize("rows", [1, 5, 1000])
def test_blocks_of_rows_make_the_whole(gguf: GgufFile, rows: int) -> None:
    whole = next(gguf.tensors["token_embd.weight"].rows(10_000))
    assert whole.shape == gguf.tensors["token_embd.weight"].shape
    assert np.array_equal(np.concatenate(list(gguf.tensors["token_embd.weight"].rows(rows))), whole)


def test_a_vector_comes_at_once(gguf: GgufFile) -> None:
    bias = "blk.0.attn_q.bias"
    (values,) = gguf.tensors[bias].rows(1)
    assert np.array_equal(values, random_tensors(288, biases=True)[bias])


def test_an_unknown_storage_type_is_refused_by_name(gguf: GgufFile) -> None:
    stored = gguf.tensors["token_embd.weight"].stored
    integers = stored._replace(tensor_type=GGMLQuantizationType.I8)
    tensor = GgufTensor("strange.weight", (288, 32), "I8", integers)
    with pytest.raises(UnsupportedModel, match=r"strange\.weight is stored as I8"):
        next(tensor.rows(5))
