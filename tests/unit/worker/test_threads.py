"""Cancellation of threads: an exception raised from outside, or kept back."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from foldlog.worker.threads import ThreadRaiser

DEADLINE = 60


class Stop(Exception):
    pass


def spin(until: threading.Event) -> None:
    """Wait in Python code, where an exception can come up."""
    while not until.wait(0.001):
        pass


def test_raises_in_a_running_thread() -> None:
    raiser, began, never = ThreadRaiser(), threading.Event(), threading.Event()

    def job() -> str:
        try:
            with raiser.entered():
                began.set()
                spin(never)
        except Stop:
            return "stopped"
        return "ran on"

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(job)
        assert began.wait(DEADLINE)
        raiser.raise_in_thread(Stop)
        assert future.result(DEADLINE) == "stopped"


def test_shielded_code_runs_to_its_end() -> None:
    raiser, began, go_on = ThreadRaiser(), threading.Event(), threading.Event()
    steps: list[str] = []

    def job() -> None:
        with raiser.entered():
            with raiser.shielded():
                began.set()
                spin(go_on)
                steps.append("shielded part done")
            steps.append("after the shield")
            spin(threading.Event())

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(job)
        assert began.wait(DEADLINE)
        raiser.raise_in_thread(Stop)
        go_on.set()
        with pytest.raises(Stop):
            future.result(DEADLINE)
    assert steps[0] == "shielded part done"


def test_asked_before_it_began_it_does_not_begin() -> None:
    raiser = ThreadRaiser()
    raiser.raise_in_thread(Stop)

    def job() -> None:
        with raiser.entered():
            spin(threading.Event())

    with ThreadPoolExecutor(1) as pool, pytest.raises(Stop):
        pool.submit(job).result(DEADLINE)


def test_the_next_job_of_the_thread_is_never_hit() -> None:
    with ThreadPoolExecutor(1) as pool:
        for _ in range(300):
            raiser = ThreadRaiser()

            def job(raiser: ThreadRaiser = raiser) -> None:
                with raiser.entered():
                    pass

            future = pool.submit(job)
            raiser.raise_in_thread(Stop)
            assert isinstance(future.exception(DEADLINE), Stop | None)
            assert pool.submit(lambda: sum(range(1000))).result(DEADLINE) == 499500
