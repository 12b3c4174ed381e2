"""What packed weights stand for."""

import torch

from completion.cpu.integers import GROUP, PANEL, SCALE_BYTES
from completion.cpu.weights import pack_rows


def unpacked(weight: torch.Tensor) -> torch.Tensor:
    """``weight`` ``[out, in]`` after it was packed: float32, read back from the panels."""
    panels = pack_rows(weight)
    count, groups, _ = panels.shape
    scale = panels[..., :SCALE_BYTES].contiguous().view(torch.float16).float()
    codes = panels[..., SCALE_BYTES:].float().sub(128).view(count, groups, GROUP // 4, PANEL, 4)
    values = (
        codes.permute(0, 3, 1, 2, 4).reshape(count, PANEL, groups, GROUP) * scale.transpose(1, 2)[..., None]
    )
    return values.reshape(count * PANEL, groups * GROUP)[: weight.shape[0], : weight.shape[1]]
