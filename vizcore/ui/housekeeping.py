"""Garbage collection off the click: one thread for the whole server, which now and then collects.

Streamlit would collect after every run of a script and each time walk all of torch while nobody else can compute:
`.streamlit/config.toml` switches that off. Here what was imported is frozen, that is, taken out of the collection;
what visitors leave behind is not, so it is found and freed. And the C library hands back to the system what it holds
free: it keeps a store for every few threads, and a class of visitors has many.
"""

import contextlib
import ctypes
import gc
import logging
import sys
import threading
import time

EVERY = 20.0  # seconds between two collections
RARELY = 10_000  # Python's own full collections, which would fall into a click, come after so many young ones
_log = logging.getLogger(__name__)
_lock = threading.Lock()
_thread: threading.Thread | None = None


def start() -> None:
    """Begin, unless it has begun: called by every loading of a network, whichever page comes first."""
    global _thread
    with _lock:
        if _thread is None or not _thread.is_alive():
            young, middle, _ = gc.get_threshold()
            gc.set_threshold(young, middle, RARELY)
            _thread = threading.Thread(target=_keep_house, name="housekeeping", daemon=True)
            _thread.start()


def _keep_house() -> None:
    modules = 0
    while True:
        modules = tidy(modules)
        time.sleep(EVERY)


def tidy(modules: int = 0) -> int:
    """Collect; then freeze where modules were imported since there were `modules` of them. Their number now."""
    start, count = time.perf_counter(), len(sys.modules)
    gc.collect()
    if count != modules:
        gc.freeze()
    hand_back()
    _log.debug("Collected in %.0f ms, %d objects frozen", 1000 * (time.perf_counter() - start), gc.get_freeze_count())
    return count


def hand_back() -> None:
    """Have the C library hand free memory back to the system; nothing where it cannot (only glibc can)."""
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
