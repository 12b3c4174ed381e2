"""What a row of the GPU's table amounts to: one line for each thing, beside what is hoped for."""

from collections.abc import Iterator, Mapping

from benchmarks.table import Cell

DECODE_FLOORS = 2.0
"""A token takes so many readings of the weights at most."""
VERIFY_STEPS = 1.5
"""Checking eight drafts takes so many decode steps at most."""
EDIT_SHARE = 0.25
"""The first token behind an edit takes so much of a full computation at most."""
ALIKE = 0.99
"""The least cosine of the logits of recorded and plain passes."""


def verdicts(cells: Mapping[str, Cell]) -> list[str]:
    """Sentences about one model, whose name each begins with. Milliseconds and GB."""
    known = {name: float(value) for name, value in cells.items() if isinstance(value, int | float)}
    lines = [*_steps(known), *_edits(known), *_memory(known)]
    return [f"{cells['model']} {line}" for line in lines]


def _steps(known: Mapping[str, float]) -> Iterator[str]:
    graphs, eager, alike = known["decode graphs ms"], known["decode eager ms"], known["alike"]
    yield (
        f"graphs: {_word(alike > ALIKE)}. Cosine to the logits of plain passes {alike:.4f}, at least {ALIKE} "
        f"is hoped for; a token takes {graphs:.2f} ms instead of {eager:.2f}."
    )
    floor = known["floor ms"]
    yield (
        f"decode: {_word(graphs <= DECODE_FLOORS * floor)}. A token takes {graphs / floor:.1f} readings of "
        f"the weights, {floor:.2f} ms each; {DECODE_FLOORS} are hoped for."
    )
    steps = known["verify graphs ms"] / graphs
    yield (
        f"verify: {_word(steps <= VERIFY_STEPS)}. Eight drafts take {steps:.1f} decode steps; "
        f"{VERIFY_STEPS} are hoped for."
    )


def _edits(known: Mapping[str, float]) -> Iterator[str]:
    for name in [name for name in known if name.startswith("+")]:
        edit, _, where = name.partition(" ")
        share = known[name] / known[f"all {where}"]
        yield (
            f"edit {edit} {where.removesuffix(' ms')}: {_word(share <= EDIT_SHARE)}. First token after "
            f"{known[name]:.1f} ms, {share:.0%} of computing all; {EDIT_SHARE:.0%} are hoped for."
        )


def _memory(known: Mapping[str, float]) -> Iterator[str]:
    if "peak GB" in known:
        yield (
            f"memory: {known['peak GB']:.1f} GB in use at most, {known['reserved GB']:.1f} with what torch "
            f"keeps; {known['weights GB']:.1f} are weights."
        )


def _word(good: bool) -> str:
    return "met" if good else "MISSED"
