"""The target completes batches as it completes one prompt: transformers, prompt by prompt, is the oracle."""

from pathlib import Path

import pytest
import torch

from drafts.train.scaled import load_whole
from drafts.train.target import Target

PROMPTS = [[5, 9, 300, 41], [7], [600, 2, 77, 78, 79, 12, 13, 400]]
MOST = 6


@pytest.fixture(scope="module")
def oracle(tiny_model_dir: Path) -> list[list[int]]:
    model = load_whole(tiny_model_dir, torch.float32).eval()
    found = []
    for prompt in PROMPTS:
        ids = list(prompt)
        for _ in range(MOST):
            ids.append(int(model(input_ids=torch.tensor([ids])).logits[0, -1].argmax()))
        found.append(ids[len(prompt) :])
    return found


def complete(directory: Path, stops=(), temperature: float = 0.0, seed: int = 0) -> list[tuple[int, ...]]:
    target = Target(directory, torch.device("cpu"), stops=stops, most=MOST)
    return target.complete(PROMPTS, temperature, torch.Generator().manual_seed(seed))


def test_a_batch_is_completed_as_its_prompts_are_alone(tiny_model_dir: Path, oracle: list[list[int]]) -> None:
    assert [list(said) for said in complete(tiny_model_dir)] == oracle


def test_a_stop_ends_its_completion_alone(tiny_model_dir: Path, oracle: list[list[int]]) -> None:
    stop = oracle[0][2]
    expected = [said[: said.index(stop) + 1] if stop in said else said for said in oracle]
    assert [list(said) for said in complete(tiny_model_dir, stops=[stop])] == expected


def test_sampled_completions_follow_the_generator(tiny_model_dir: Path) -> None:
    one = complete(tiny_model_dir, temperature=1.0)
    assert complete(tiny_model_dir, temperature=1.0) == one
    assert complete(tiny_model_dir, temperature=1.0, seed=1) != one
    assert complete(tiny_model_dir, temperature=1e-4, seed=1) == complete(tiny_model_dir)
