"""Traces are kept as they were made, one a sample, and none is made twice."""

from pathlib import Path

import torch

from drafts.train.traces import Sample, read_traces, trace_all
from tests.drafts.train.targets import TinyTarget

SAMPLES = [Sample((1, 2, 3), (0.3, 1.0, 0.0)), Sample((4, 5), (1.0, 1.0)), Sample((6,), (0.3,))]


def test_they_are_read_as_they_were_made(tmp_path: Path) -> None:
    target = TinyTarget()
    assert list(trace_all(target, SAMPLES, 2, folder=tmp_path)) == [1, 2, 3]
    for sample, trace in zip(SAMPLES, read_traces(tmp_path), strict=True):
        shallow, last, greedy = target.trace(sample.ids, 2)
        assert torch.allclose(trace.shallow, shallow, rtol=1e-3, atol=1e-3)
        assert torch.allclose(trace.last, last, rtol=1e-3, atol=1e-3)
        assert torch.equal(trace.greedy, greedy)
        assert trace.weights.tolist() == torch.tensor(sample.weights).tolist()


def test_states_beyond_float16_are_kept(tmp_path: Path) -> None:
    class Loud(TinyTarget):
        def trace(self, ids, layers):
            shallow, last, greedy = super().trace(ids, layers)
            return shallow * 1e6, last * 1e-9, greedy

    list(trace_all(Loud(), SAMPLES[:1], 2, folder=tmp_path))
    trace = read_traces(tmp_path)[0]
    shallow, last, _ = TinyTarget().trace(SAMPLES[0].ids, 2)
    assert torch.allclose(trace.shallow, shallow * 1e6, rtol=1e-3, atol=1e3)
    assert torch.allclose(trace.last, last * 1e-9, rtol=1e-3, atol=1e-12)


def test_who_was_interrupted_goes_on(tmp_path: Path) -> None:
    steps = trace_all(TinyTarget(), SAMPLES, 2, folder=tmp_path)
    assert next(steps) == 1
    steps.close()
    (tmp_path / "000001.part").write_bytes(b"half of one")
    target = TinyTarget()
    assert list(trace_all(target, SAMPLES, 2, folder=tmp_path)) == [1, 2, 3]
    assert target.asked == [sample.ids for sample in SAMPLES[1:]]
    assert len(read_traces(tmp_path)) == 3
