"""Long computations that all visitors share: each runs once, in a thread of its own, and reports how far it is."""

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any

import streamlit as st

from vizcore.ui import progress

PATIENCE = 2.0  # seconds after which a job that nobody waits for is given up


class Abandoned(RuntimeError):
    """Nobody waits for this job any more."""


class Job:
    """One computation: not started, running, or done. Shared by all visitors."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._running = False
        self._asked = 0.0
        self._error: BaseException | None = None
        self._result: Any = None
        self.share = 0.0
        self.seen: Any = None  # what the work lets be seen while it runs
        self.began = 0.0

    def start(self, work: Callable[[Callable[[float], None]], Any], keep: bool, patience: float = PATIENCE) -> None:
        """Run `work(report)` unless it runs already or is done.

        Args:
            keep: go on when nobody waits any more; otherwise `report` raises :class:`Abandoned` then.
            patience: seconds after the last question until nobody waits.
        """
        self._asked = time.monotonic()
        with self._lock:
            if self._running or (self._done.is_set() and self._error is None):
                return
            self._running, self._error, self.share, self.seen = True, None, 0.0, None
            self.began = time.monotonic()
            self._done.clear()
        threading.Thread(target=self._work, args=(work, keep, patience), daemon=True).start()

    def _work(self, work: Callable, keep: bool, patience: float) -> None:
        def report(share: float) -> None:
            self.share = share
            if not keep and time.monotonic() - self._asked > patience:
                raise Abandoned

        try:
            self._result = work(report)
        except BaseException as error:
            self._error = error
        self.seen = None
        with self._lock:
            self._running = False
            self._done.set()

    def wait(self, seconds: float) -> bool:
        """Whether it is done, after waiting at most so long."""
        self._asked = time.monotonic()
        return self._done.wait(seconds)

    @property
    def finished(self) -> bool:
        """Whether there is a result; asking does not count as waiting."""
        return self._done.is_set() and self._error is None

    @property
    def seconds_left(self) -> float | None:
        """An estimate from the share that is done; None while there is too little to tell."""
        if self.share < 0.02:
            return None
        return (time.monotonic() - self.began) * (1 - self.share) / self.share

    def result(self) -> Any:
        """What `work` returned; what it raised is raised here."""
        if self._error is not None:
            raise self._error
        return self._result


@st.cache_resource(max_entries=256, show_spinner=False)
def _job(key: tuple) -> Job:
    return Job()


def find(key: tuple) -> Job:
    """The job of this key, for those who look at it while it runs; it may not have been started."""
    return _job(key)


def clear() -> None:
    """Forget all jobs and what came out of them."""
    _job.clear()


def run(key: tuple, work: Callable[[Callable[[float], None]], Any], label: str, keep: bool = False) -> Any:
    """The result of `work(report)`, with a progress bar in the page's progress line until it is there.

    It runs once for all visitors who ask for the same key, and its result is kept under it.

    Args:
        key: a name for the kind of work, then plain values that name the case.
        label: what to call it beside the bar.
        keep: go on when nobody waits any more.
    """
    job = _job(key)
    with progress.line.get() or contextlib.nullcontext():
        return shared(job, work, label, keep)


def ahead(key: tuple, work: Callable[[Callable[[float], None]], Any]) -> float:
    """The share done of a job that nobody waits for: it is started, or goes on; 1 when its result is there.

    Ask again within PATIENCE seconds, or it is given up.
    """
    job = _job(key)
    job.start(work, keep=False)
    return 1.0 if job.wait(0.05) else min(0.99, job.share)


def shared(job: Job, work: Callable[[Callable[[float], None]], Any], label: str, keep: bool = False) -> Any:
    """The result of a job, with a progress bar in its place until it is there."""
    job.start(work, keep)
    if not job.wait(0.2):
        bar = st.empty()
        while not job.wait(0.25):
            bar.progress(min(1.0, job.share), f"{label}: {100 * job.share:.0f} %")
        bar.empty()
    try:
        return job.result()
    except Abandoned:  # by those before us, just as we came
        return shared(job, work, label, keep)
