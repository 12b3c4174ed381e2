"""Random trees of guesses behind a sequence, for Hypothesis."""

from hypothesis import strategies as st

from kvcache.branch import ROOT


def parents(most: int = 10, least: int = 0) -> st.SearchStrategy[tuple[int, ...]]:
    """The parents of ``least`` to ``most`` nodes: chains, bushes and all between."""
    sizes = st.integers(least, most)
    trees = sizes.flatmap(lambda count: st.tuples(*(st.integers(ROOT, node - 1) for node in range(count))))
    chains = sizes.map(lambda count: tuple(range(ROOT, count - 1)))
    return st.one_of(trees, chains)


def paths(count: int) -> st.SearchStrategy[int]:
    """The end of a path through a tree of ``count`` nodes; ``ROOT`` is that of none."""
    return st.integers(ROOT, count - 1)


def path_to(parents: tuple[int, ...], node: int) -> tuple[int, ...]:
    """The nodes that lead to ``node``, itself last."""
    return () if node == ROOT else (*path_to(parents, parents[node]), node)
