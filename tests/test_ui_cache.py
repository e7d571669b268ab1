"""The seam of the cache, and the housekeeping that goes on beside it."""

import gc
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from vizcore.ui import cache, housekeeping

ROOT = Path(__file__).parents[1]


def view(model="m", digest="d", target=1):
    return SimpleNamespace(model=model, digest=digest, target=target)


@pytest.mark.parametrize(("decorator", "same", "other"), [
    (cache.per_network, [view(), view(digest="e"), view(target=2)], view(model="n")),
    (cache.per_picture, [view(), view(target=2)], view(digest="e")),
    (cache.per_class, [view(), view()], view(target=2)),
])  # fmt: skip
def test_results_are_kept_by_what_the_decorator_says(decorator, same, other):
    calls = []

    @decorator(entries=8)
    def work(seen, layer, unit=0, *, _array=None):
        calls.append((seen.model, layer))
        return np.full(3, len(calls))

    work.clear()
    first = [work(one, "a", _array=np.zeros(n)) for n, one in enumerate(same)]
    assert len(calls) == 1 and all((found == first[0]).all() for found in first)
    assert first[0] is not first[-1]
    work(same[0], "a", 0)
    work(same[0], layer="a", unit=0)
    assert len(calls) == 1
    work(other, "a")
    work(same[0], "b")
    work(same[0], "a", 1)
    assert len(calls) == 4


def test_functions_do_not_share_what_they_keep():
    def one(number):
        return number

    def two(number):
        return -number

    kept = [cache.once()(function) for function in (one, two)]
    assert [function(3) for function in kept] == [3, -3]


def test_thirty_who_ask_at_once_cost_one_computation():
    calls, ready = [], threading.Barrier(30)

    @cache.once()
    def slow(number):
        calls.append(number)
        time.sleep(0.2)
        return number

    slow.clear()

    def ask():
        ready.wait()
        slow(7)

    threads = [threading.Thread(target=ask) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert calls == [7]


def test_a_failure_is_not_kept():
    calls = []

    @cache.once()
    def fails(number):
        calls.append(number)
        raise ValueError("no")

    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            fails(1)
    assert calls == [1, 1]


def test_digest_tells_arrays_apart():
    plain = np.arange(6, dtype=np.float32)
    others = [plain, plain.reshape(2, 3), plain.astype(np.float64), plain + np.float32(1e-6), plain[::-1]]
    assert len({cache.digest(values) for values in others}) == len(others)
    assert cache.digest(plain[::-1]) == cache.digest(plain[::-1].copy())


def test_housekeeping_is_one_thread_and_frees_what_visitors_leave():
    code = """
import gc, threading, time, weakref
from vizcore.ui import housekeeping
housekeeping.EVERY = 0.05
for _ in range(3):
    housekeeping.start()
names = [thread.name for thread in threading.enumerate()]
assert names.count("housekeeping") == 1, names
time.sleep(0.5)
assert gc.get_freeze_count() > 1000
class Visitor: pass
left = Visitor(); left.me = left
found = weakref.ref(left)
del left
time.sleep(0.5)
assert found() is None
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)


def test_tidy_freezes_only_after_imports():
    modules = housekeeping.tidy()

    class Visitor:
        pass

    left = Visitor()
    found, left.me = weakref.ref(left), left
    before = gc.get_freeze_count()
    assert housekeeping.tidy(modules) == modules and gc.get_freeze_count() <= before
    del left
    housekeeping.tidy(modules)
    assert found() is None
    gc.unfreeze()


def test_memory_is_handed_back_where_the_c_library_can(monkeypatch):
    import ctypes

    asked = []
    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace(malloc_trim=asked.append))
    housekeeping.hand_back()
    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace())  # as on macOS
    housekeeping.hand_back()
    assert asked == [0]
