"""What packed weights stand for."""

import torch

from completion.cpu.integers import GROUP, PANEL, SCALE_BYTES
from completion.cpu.weights import pack_rows


def unpacked(weight: torch.Tensor, bits: int = 8) -> torch.Tensor:
    """``weight`` ``[out, in]`` after it was packed: float32, read back from the panels."""
    panels = pack_rows(weight, bits)
    count, groups, _ = panels.shape
    scale = panels[..., :SCALE_BYTES].contiguous().view(torch.float16).float()
    if bits == 8:
        codes, offset = panels[..., SCALE_BYTES:].float().sub(128), torch.zeros_like(scale)
    else:
        offset = panels[..., SCALE_BYTES : 2 * SCALE_BYTES].contiguous().view(torch.float16).float()
        both = panels[..., 2 * SCALE_BYTES :].reshape(count, groups, GROUP // 8, 1, 4 * PANEL)
        codes = torch.cat([both & 15, both >> 4], dim=3).float()
    codes = codes.reshape(count, groups, GROUP // 4, PANEL, 4)
    codes = codes.permute(0, 3, 1, 2, 4).reshape(count, PANEL, groups, GROUP)
    values = codes * scale.transpose(1, 2)[..., None] - offset.transpose(1, 2)[..., None]
    return values.reshape(count * PANEL, groups * GROUP)[: weight.shape[0], : weight.shape[1]]
