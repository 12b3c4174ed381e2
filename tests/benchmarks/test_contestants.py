"""The product and llama-server as contestants, against plain transformers on the tiny model."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks.contestants import Llama, OtherPrompt, Product
from benchmarks.infills import END, TOKENS, Infill, Reader
from benchmarks.llama import LlamaError
from benchmarks.reference import Reference
from tests.benchmarks.quality_data import case
from tests.benchmarks.test_llama import server


@pytest.fixture(scope="module")
def reader(tiny_model_dir: Path) -> Reader:
    return Reader(tiny_model_dir)


@pytest.fixture(scope="module")
def reference(tiny_model_dir: Path, reader: Reader) -> Reference:
    return Reference(tiny_model_dir, reader, torch.device("cpu"))


@pytest.fixture(scope="module")
def product(tiny_model_dir: Path) -> Product:
    return Product("tiny", tiny_model_dir, "float32")


def test_the_product_answers_as_the_reference_does(
    reader: Reader, reference: Reference, product: Product
) -> None:
    infills = [reader.infill(case(number)) for number in range(12)]
    assert {bool(each.prompt.piece) for each in infills} == {True, False}
    for infill in infills:
        ours, theirs = product.answer(infill), reference.answer(infill)
        assert (ours.ids, ours.line) == (theirs.ids, theirs.line)
        assert [choices[0][0] for choices in theirs.choices] == list(theirs.ids)


def test_likelihoods_are_equal_however_they_are_cut(
    reader: Reader, reference: Reference, product: Product
) -> None:
    window = reader.codec.encode("".join(f"value_{number} = {number} * 3\n" for number in range(60)))
    assert len(window) > 300
    assert product.nats(window) == pytest.approx(reference.nats(window), rel=1e-5)


def test_another_prompt_is_no_answer(reader: Reader, product: Product) -> None:
    asked = reader.infill(case(0))
    with pytest.raises(OtherPrompt, match="T/0"):
        product.answer(replace(asked, prompt=reader.infill(case(2)).prompt))


def told(infill: Infill, reader: Reader, text: str, stop_type: str = "limit") -> bytes:
    return json.dumps({"tokens": reader.codec.encode(text), "stop_type": stop_type}).encode()


def test_llama_is_cut_at_the_end_of_its_line(reader: Reader) -> None:
    infill = reader.infill(case(0))
    with server(told(infill, reader, "    c = 7\n    d = 8\n")) as (url, asked):
        answer = Llama(url, reader).answer(infill)
    assert answer.line == "    c = 7"
    assert b"\n" in reader.codec.bytes_of(answer.ids[-1])
    (body,) = asked
    assert (tuple(body["prompt"]), body["n_predict"]) == (infill.prompt.ids, TOKENS)
    assert body["temperature"] == 0
    assert not body["cache_prompt"]
    assert "ignore_eos" not in body


def test_an_end_token_ends_llamas_answer(reader: Reader) -> None:
    infill = reader.infill(case(0))
    with server(told(infill, reader, "    c = 7", "eos")) as (url, _):
        answer = Llama(url, reader).answer(infill)
    assert (answer.ids[-1], answer.line) == (END, "    c = 7")


def test_a_piece_is_put_behind_llamas_prompt(reader: Reader) -> None:
    infill = reader.infill(case(1))
    piece = reader.codec.encode(infill.prompt.piece.decode())
    with server(told(infill, reader, "ult = 1\n")) as (url, asked):
        answer = Llama(url, reader).answer(infill)
    assert tuple(asked[0]["prompt"]) == infill.prompt.ids + piece
    assert (answer.ids[: len(piece)], answer.line) == (piece, "ult = 1")


def test_half_an_answer_is_an_error(reader: Reader) -> None:
    infill = reader.infill(case(0))
    with server(told(infill, reader, "    c")) as (url, _), pytest.raises(LlamaError, match="T/0"):
        Llama(url, reader).answer(infill)
