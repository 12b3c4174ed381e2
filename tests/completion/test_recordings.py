"""Recordings live as long as the arenas they were made over, and there are few."""

import gc

import pytest
import torch

from completion.recordings import Recordings
from completion.shapes import Output, PassShape
from kvcache.config import CacheShape
from kvcache.store import KVStore

ONE = PassShape(1, 512, Output.LAST)
TWO = PassShape(2, 512, Output.LAST)


def make_store() -> KVStore:
    shape = CacheShape(layers=1, kv_heads=1, head_dim=2, element_bytes=4)
    return KVStore(shape, 8, dtype=torch.float32, device=torch.device("cpu"))


def replay() -> None:
    return None


@pytest.fixture
def store() -> KVStore:
    return make_store()


@pytest.fixture
def recordings() -> Recordings:
    return Recordings(most=2)


def test_found_by_store_and_shape(recordings: Recordings, store: KVStore) -> None:
    recordings.keep(store, ONE, replay)
    assert recordings.find(store, ONE) is replay
    assert recordings.find(store, TWO) is None
    assert recordings.find(make_store(), ONE) is None


def test_a_copy_has_none_of_its_own(recordings: Recordings, store: KVStore) -> None:
    recordings.keep(store, ONE, replay)
    assert recordings.find(store.copy(), ONE) is None


def test_growing_drops_them(recordings: Recordings, store: KVStore) -> None:
    recordings.keep(store, ONE, replay)
    store.grow(8)
    assert recordings.find(store, ONE) is replay
    store.grow(9)
    assert recordings.find(store, ONE) is None
    assert len(recordings) == 0


def test_a_store_that_is_gone_takes_them_along(recordings: Recordings, store: KVStore) -> None:
    other = make_store()
    recordings.keep(other, ONE, replay)
    del other
    gc.collect()
    assert recordings.find(store, ONE) is None
    assert len(recordings) == 0


def test_the_one_not_used_for_longest_goes(recordings: Recordings, store: KVStore) -> None:
    recordings.keep(store, ONE, replay)
    recordings.keep(store, TWO, replay)
    assert recordings.find(store, ONE) is replay
    recordings.keep(store, PassShape(4, 512, Output.LAST), replay)
    assert len(recordings) == 2
    assert recordings.find(store, TWO) is None
    assert recordings.find(store, ONE) is replay


def test_what_is_asked_for_is_remembered(recordings: Recordings, store: KVStore) -> None:
    assert not recordings.asked_before(store, ONE)
    assert recordings.asked_before(store, ONE)
    assert len(recordings) == 0
    recordings.clear()
    assert not recordings.asked_before(store, ONE)
