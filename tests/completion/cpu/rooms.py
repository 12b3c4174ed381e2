"""Room for one thread's attention."""

import numpy as np

from completion.cpu.attention import BLOCK, NARROW
from completion.cpu.integers import PANEL
from completion.cpu.layers import Own
from completion.cpu.product import ROWS, SWEEP
from completion.cpu.weights import padded_to


def room_of_a_thread(dim: int, queries: int = 64) -> Own:
    """As a pass makes it, for fewer queries."""
    width = padded_to(dim, NARROW)
    shapes = {
        "row": (16,),
        "products": (2, SWEEP, PANEL),
        "panel": (dim, BLOCK),
        "padded": (BLOCK, width),
        "scores": (ROWS, BLOCK),
        "sums": (queries, width),
        "greatest": (queries,),
        "total": (queries,),
    }
    return Own(**{name: np.zeros(shape, np.float32) for name, shape in shapes.items()})
