"""Watch: who waits for a call that does not come back goes on, and whoever made it touches nothing more."""

from __future__ import annotations

import threading

import pytest
from foldlog.processors import watch as module
from foldlog.processors.watch import StuckError, Watch

from tests.until import wait_until

DEADLINE = 60.0


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.02)


def test_it_ends_with_the_work() -> None:
    done: list[str] = []
    Watch().run(lambda: done.append(threading.current_thread().name), "work")
    assert done == ["work"]


def test_it_raises_what_the_work_raises() -> None:
    def work() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Watch().run(work, "work")


def test_a_call_in_time_is_no_matter() -> None:
    watch = Watch()
    done: list[bool] = []

    def work() -> None:
        with watch.within(DEADLINE, "a call"):
            pass
        with pytest.raises(ZeroDivisionError), watch.within(DEADLINE, "a call that fails"):
            raise ZeroDivisionError
        done.append(True)

    watch.run(work, "work")
    assert done


class Looked(Watch):
    """Looks after the work once it may, and tells when it has."""

    def __init__(self) -> None:
        super().__init__()
        self.may_look = threading.Event()
        self.looks = threading.Semaphore(0)

    def _look(self) -> None:
        assert self.may_look.wait(DEADLINE)
        super()._look()
        self.looks.release()


def test_work_without_calls_may_take_any_time() -> None:
    watch = Looked()
    done: list[bool] = []

    def work() -> None:
        with watch.within(0.0, "a call that ends before anybody looks"):
            pass
        watch.may_look.set()
        for _ in range(3):
            assert watch.looks.acquire(timeout=DEADLINE)
        done.append(True)

    watch.run(work, "work")
    assert done


@pytest.mark.parametrize("fails", [False, True])
def test_a_thread_that_is_stuck_is_left_behind(fails: bool) -> None:
    watch = Watch()
    come_back = threading.Event()
    ended = threading.Event()
    touched: list[str] = []

    def work() -> None:
        try:
            try:
                with watch.within(0.01, "the call"):
                    assert come_back.wait(DEADLINE)
                    if fails:
                        raise ZeroDivisionError
                touched.append("it goes on")
            except Exception as error:
                touched.append(f"it handles {error}")
        finally:
            ended.set()

    with pytest.raises(StuckError, match="the call"):
        watch.run(work, "stuck")
    come_back.set()
    assert ended.wait(DEADLINE)
    wait_until(lambda: all(thread.name != "stuck" for thread in threading.enumerate()), "its thread has ended")
    assert not touched
