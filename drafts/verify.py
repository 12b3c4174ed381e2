"""What the target makes of a draft, by its own choices or by chance. Pure, but for tensors.

*Greedy*: a guess is accepted where the target would say the same. *Sampled*: the output has the
target's own distribution whatever was drafted, by rejection. A guess ``x`` drawn from ``q`` is accepted
with the chance ``min(1, p(x) / q(x))``; where it is refused, ``p`` becomes ``max(p - q, 0)`` made to sum
to 1, the next child is tried against that, and at the end the target's own token is drawn from it
(Leviathan et al. 2023, arXiv 2211.17192, theorem 1; several children, drawn without replacement:
Jeon et al. 2024, arXiv 2402.14160, theorem 3.1, and Chen et al. 2024, arXiv 2402.12374, algorithm 2).

Where guesses are sure to be drafted (``q`` is 1 for each) there is a simpler way that accepts as often: draw
the target's own token and see whether it was guessed. The chance is then spent token by token, as without
a draft, so that the same seed gives the same output whatever is drafted.
"""

from collections.abc import Callable, Sequence

import torch

from drafts.draft import Draft, Verdict

Choice = Callable[[int, Sequence[int]], int]
"""The target's own token behind a row: 0 is the latest token, ``1 + i`` node ``i``. The sequence is the
tokens accepted so far, for whoever may not choose freely. Called for rows of accepted nodes only.
"""

_COLDEST = 1e-6
"""Below it there is nothing left to chance, but float32 runs over."""

_FEW = 64
"""Tokens that are sorted at first."""

Distribution = Callable[[int, Sequence[int]], torch.Tensor]
"""Likewise the target's probabilities, ``[vocabulary]``, on any device."""


def judge_greedy(draft: Draft, choice: Choice) -> Verdict:
    """Follow the target's own choices through ``draft`` as far as it has guessed them."""
    nodes: list[int] = []
    tokens: list[int] = []
    while True:
        row = nodes[-1] + 1 if nodes else 0
        own = choice(row, tokens)
        child = next((node for node in _children(draft, row - 1) if draft.tokens[node] == own), None)
        if child is None:
            return Verdict(draft, tuple(nodes), own)
        nodes.append(child)
        tokens.append(own)


def judge_sampled(
    draft: Draft,
    target: Distribution,
    generator: torch.Generator,
    *,
    guesses: Sequence[torch.Tensor | None] = (),
) -> Verdict:
    """Accept and draw so that the output is distributed as the target's own.

    ``guesses[i]`` is what node ``i`` was drawn from, ``[vocabulary]``; None: it is taken as sure to be
    drafted there, which is right however it was found and only accepts less. Without any ``guesses`` each
    token of the output takes one draw of ``generator``, whatever was drafted.
    Siblings are tried in their order, and what was drawn must lie in the order of drawing, whole: to
    sort or prune a draft by what was drawn is to draw from something else. ``generator`` gives all
    chance; the sums are made on its device in float64.
    """
    if not guesses:
        return judge_greedy(draft, lambda row, tokens: _drawn(target(row, tokens), generator))
    nodes: list[int] = []
    tokens: list[int] = []
    while True:
        row = nodes[-1] + 1 if nodes else 0
        left = target(row, tokens).to(generator.device, torch.float64, copy=True)
        left /= left.sum()
        elder: list[int] = []
        for node in _children(draft, row - 1):
            guess = _without(guesses[node], elder, left)
            if _accepts(draft.tokens[node], left, guess, generator):
                break
            elder.append(draft.tokens[node])
        else:
            return Verdict(draft, tuple(nodes), _drawn(left, generator))
        nodes.append(node)
        tokens.append(draft.tokens[node])


def probabilities(logits: torch.Tensor, temperature: float = 1.0, top_p: float = 1.0) -> torch.Tensor:
    """The distribution to sample from: float32, of the shape of ``logits`` ``[..., vocabulary]``.

    ``temperature`` 0, or below a millionth, leaves the likeliest token alone, of equals the first.
    ``top_p`` in ``(0, 1]`` leaves the fewest of the likeliest tokens that have this share together
    (Holtzman et al. 2020, arXiv 1904.09751, section 3.1). Raises ValueError for what lies outside.
    """
    if not (0 <= temperature < float("inf") and 0 < top_p <= 1):
        raise ValueError(f"There is no sampling at temperature {temperature} and top_p {top_p}.")
    if temperature < _COLDEST:
        best = logits.argmax(-1, keepdim=True)
        return torch.zeros_like(logits, dtype=torch.float32).scatter_(-1, best, 1.0)
    shares = torch.softmax(logits.float() / temperature, dim=-1)
    if top_p == 1:
        return shares
    ordered, order = _likeliest(shares, top_p)
    in_front = ordered.cumsum(-1) - ordered
    ordered = torch.where(in_front < top_p, ordered, 0.0)
    ordered[..., 0] = shares.amax(-1)
    return torch.zeros_like(shares).scatter_(-1, order, ordered / ordered.sum(-1, keepdim=True))


def _likeliest(shares: torch.Tensor, top_p: float) -> tuple[torch.Tensor, torch.Tensor]:
    """The likeliest tokens, the first first, at least as many as have the share ``top_p`` together.

    Not all are sorted: that takes a CPU several times as long as the step that gave the logits.
    """
    size, count = shares.shape[-1], _FEW
    while True:
        ordered, order = shares.topk(min(count, size), dim=-1)
        if count >= size or bool((ordered.sum(-1) >= top_p).all()):
            return ordered, order
        count *= _FEW


def _drawn(shares: torch.Tensor, generator: torch.Generator) -> int:
    """A token by its share of ``shares`` ``[vocabulary]``, which need not sum to 1: by one number."""
    ends = shares.to(generator.device, torch.float64).cumsum(0)
    chance = torch.rand((), generator=generator, dtype=torch.float64, device=generator.device)
    return int(torch.searchsorted(ends, (1 - chance) * ends[-1]))  # above 0: no token without a share


def _children(draft: Draft, parent: int) -> list[int]:
    """The nodes behind ``parent``, in their order; ``ROOT`` is the latest token."""
    return [node for node in range(parent + 1, len(draft)) if draft.parents[node] == parent]


def _without(guess: torch.Tensor | None, elder: Sequence[int], like: torch.Tensor) -> torch.Tensor | None:
    """What a child was drawn from when its elder siblings had been; None where it was not drawn."""
    if guess is None:
        return None
    rest = guess.to(like, copy=True)
    rest[list(elder)] = 0.0
    return rest / rest.sum()


def _accepts(token: int, left: torch.Tensor, guess: torch.Tensor | None, generator: torch.Generator) -> bool:
    """Whether a child is accepted; where not, ``left`` becomes what is left of the target's distribution."""
    chance = torch.rand((), generator=generator, dtype=torch.float64, device=generator.device)
    drawn = 1.0 if guess is None else guess[token]
    if bool(chance * drawn < left[token]):
        return True
    if guess is None:
        left[token] = 0.0
    else:
        rest = (left - guess).clamp_min_(0.0)
        if bool(rest.sum() > 0):  # else both are equal up to rounding
            left.copy_(rest)
    left /= left.sum()
    return False
