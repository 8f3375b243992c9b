"""IDs that nobody else has, whichever thread or process makes them."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from foldlog import _random_ids
from foldlog._random_ids import random_id

MANY = 3 * _random_ids._STOCK + 1


def test_each_is_another() -> None:
    made = [random_id() for _ in range(MANY)]
    assert len(set(made)) == MANY
    assert all(len(each) == 32 and int(each, 16) >= 0 for each in made)


def test_threads_get_others() -> None:
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: [random_id() for _ in range(MANY)], range(8)))
    assert len({each for ids in made for each in ids}) == 8 * MANY


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_forked_process_gets_others() -> None:
    random_id()  # there is a stock to share
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, random_id().encode())
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(reading, 32).decode()
    os.close(reading)
    os.close(writing)
    assert theirs not in [random_id() for _ in range(_random_ids._STOCK)]
