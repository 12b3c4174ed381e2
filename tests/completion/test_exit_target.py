"""What training sees of a target is what the target computes."""

import torch

from completion.exit_target import ExitTarget
from kvcache.hf import cache_shape
from tests.completion.cpu.models import CONFIGS, make
from tests.completion.cpu.test_passes import TOKENS, in_pieces, pass_of, store_of, unlike

LENGTH = len(TOKENS)


def test_its_own_hidden_states_explain_what_it_says() -> None:
    model = make(CONFIGS["qwen2"])
    passes = pass_of(model)
    target = ExitTarget(passes, cache_shape(model.config, 4), name="tiny")
    shallow, last, greedy = target.trace(TOKENS, 1)
    store = store_of(model)
    logits = in_pieces(passes, store, [LENGTH])
    assert torch.equal(greedy, logits.argmax(dim=-1))
    words = torch.arange(5, 150, 7)
    frozen = target.frozen(1, words)
    assert frozen.start.target == "tiny"
    assert unlike(frozen.target_logits(last), logits[:, words]) < 1e-2
    with torch.inference_mode():
        fresh = store_of(model)
        with fresh.appending(TOKENS) as rows:
            assert torch.equal(passes.deep(fresh, rows, shallow, 1), logits)
