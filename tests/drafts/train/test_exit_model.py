"""The adapter under training: attention that sees no later token, and a head that can be turned.

That the kernels compute the same is tested with them: tests/completion/cpu/test_exits.py.
"""

import torch

from drafts.train.exit_model import ExitModel
from tests.drafts.train.targets import DIM, HEADS, HIDDEN, KV_HEADS, WORDS, frozen


def by_hand(model: ExitModel, hidden: torch.Tensor) -> torch.Tensor:
    """One row after the other, one head after the other."""
    own = frozen()
    unit = hidden / hidden.square().mean(dim=-1, keepdim=True).sqrt()
    queries = (unit @ model.query.T + model.query_bias).view(-1, HEADS, DIM)
    keys, values = (unit @ own.key_value.T + own.key_value_bias).view(-1, 2, KV_HEADS, DIM).unbind(1)
    found: list[torch.Tensor] = []
    for row in range(len(hidden)):
        mixed: list[torch.Tensor] = []
        for head in range(HEADS):
            query = turned(queries[row, head], row)
            scores = torch.stack([query @ turned(keys[at, head // 2], at) for at in range(row + 1)])
            mixed.append((scores * DIM**-0.5).softmax(dim=0) @ values[: row + 1, head // 2])
        guessed = hidden[row] + model.out @ torch.cat(mixed)
        found.append(own.head @ (model.turn @ (guessed / guessed.square().mean().sqrt())))
    return torch.stack(found)


def turned(vector: torch.Tensor, position: int) -> torch.Tensor:
    """Rotated: dimension d together with d + 2."""
    turn = torch.polar(torch.ones(2), position * torch.tensor([1.0, 0.1]))
    product = torch.complex(vector[:2], vector[2:]) * turn
    return torch.cat([product.real, product.imag])


def test_it_is_the_sum_that_is_written_down() -> None:
    torch.manual_seed(0)
    model = ExitModel(frozen())
    hidden = torch.randn(2, 9, HIDDEN)
    with torch.no_grad():
        found = model(hidden)
        assert found.shape == (2, 9, WORDS)
        for ours, states in zip(found, hidden, strict=True):
            assert torch.allclose(ours, by_hand(model, states), atol=1e-4)


def test_all_that_computes_may_lie_elsewhere() -> None:
    moved = frozen().to(torch.device("meta"))
    assert ExitModel(moved).turn.is_meta
    assert ExitModel(moved)(torch.zeros(1, 3, HIDDEN, device="meta")).shape == (1, 3, WORDS)
    assert not moved.start.vocabulary.is_meta


def test_only_the_adapter_learns() -> None:
    model = ExitModel(frozen())
    assert {name for name, _ in model.named_parameters()} == {"query", "query_bias", "out", "turn"}


def test_least_squares_is_the_nearest_start() -> None:
    """Where the goal is a turn of the states, that turn is found."""
    torch.manual_seed(0)
    model, wanted = ExitModel(frozen()), ExitModel(frozen())
    shallow = [torch.randn(60, HIDDEN) for _ in range(30)]
    with torch.no_grad():
        turn = torch.linalg.qr(torch.randn(HIDDEN, HIDDEN)).Q
        wanted.turn.copy_(turn)
        pairs = [(states, wanted.states(states[None])[0]) for states in shallow]
        model.turn_towards(pairs)
    assert torch.allclose(model.turn, turn, atol=1e-2)
    assert model.turn.requires_grad


def test_what_was_learnt_is_the_adapter() -> None:
    model = ExitModel(frozen())
    with torch.no_grad():
        model.turn.mul_(3)
    adapter = model.adapter()
    assert torch.equal(adapter.turn, torch.eye(HIDDEN) * 3)
    assert (adapter.target, adapter.layers) == ("t", 2)
    adapter.require(hidden=HIDDEN, layers=3, vocabulary=2 * WORDS)
