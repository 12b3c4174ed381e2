"""Records steps as CUDA graphs.

As torch's notes on CUDA graphs demand: warmed up and captured on a side stream, over tensors
that outlive the graph, in one memory pool, since the graphs never run at the same time.
"""

import torch

from completion.graphs import Step
from completion.recordings import Replay


class CudaRecorder:
    """Captures on a stream of its own, in a pool of its own. Lives on the engine thread."""

    def __init__(self, device: torch.device) -> None:
        """Captures an all but empty graph.

        torch frees a pool with the last graph in it and takes its name no second time, so one
        graph has to stay.
        """
        self._stream = torch.cuda.Stream(device)
        self._pool = torch.cuda.graph_pool_handle()
        self._anchor = self._capture(lambda: torch.zeros(1, device=device))

    def record(self, step: Step) -> Replay:
        """See :class:`completion.graphs.Recorder`. Waits for the device, twice as long as a step takes."""
        here = torch.cuda.current_stream()
        self._stream.wait_stream(here)
        with torch.cuda.stream(self._stream):
            step()
        here.wait_stream(self._stream)
        return self._capture(step)

    def _capture(self, step: Step) -> Replay:
        graph = torch.cuda.CUDAGraph()
        # The outer block gives the stream back also where the end of a failed capture raises. Other threads
        # of the process may use the device meanwhile: thread_local.
        with (
            torch.cuda.stream(self._stream),
            torch.cuda.graph(graph, pool=self._pool, stream=self._stream, capture_error_mode="thread_local"),
        ):
            logits = step()

        def replay() -> torch.Tensor | None:
            graph.replay()
            return logits

        return replay
