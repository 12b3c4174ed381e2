"""What test_passes holds every pass to, on a GPU: computed plainly, and as CUDA graphs."""

import pytest

from completion.cuda_graphs import CudaRecorder
from completion.graphs import GraphPass
from completion.loading import LoadedModel
from completion.passes import Pass, TransformersPass
from tests.completion.test_passes import (  # noqa: F401 - collected here again, over the fixtures below
    reference,
    test_every_row_has_its_logits,
    test_scattered_slots_change_nothing,
    test_what_was_encoded_before_is_seen,
)

pytestmark = pytest.mark.gpu


@pytest.fixture
def tiny(tiny_on_gpu: LoadedModel) -> LoadedModel:
    return tiny_on_gpu


@pytest.fixture(params=["plain", "recorded"])
def subject(request: pytest.FixtureRequest, tiny: LoadedModel) -> Pass:
    plain = TransformersPass(tiny.model)
    if request.param == "plain":
        return plain
    return GraphPass(plain, CudaRecorder(tiny.device), at_once=True)
