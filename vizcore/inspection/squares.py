"""The squares a network sees of a collection's pictures, and working through them two at a time."""

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from PIL import Image
from torch import Tensor

from vizcore.images.collection import Collection
from vizcore.models import Net

AT_ONCE = 2  # pictures; each in a thread of its own, as most of the time is spent outside of Python
KEPT = 128  # squares, some 20 MB

Item = TypeVar("Item")
Result = TypeVar("Result")


_kept: dict[tuple, Image.Image] = {}
_lock = threading.Lock()


def square(net: Net, pictures: Collection, number: int) -> Image.Image:
    """What the network sees of a picture: `net.crop` of it. The latest are kept; nobody may change them."""
    key = pictures.digests[number], net.channels, net.resize, net.input_size, net.interpolation
    found = _kept.get(key) or net.crop(pictures.open(number))
    with _lock:
        _kept[key] = found
        if len(_kept) > KEPT:
            del _kept[next(iter(_kept))]
    return found


def prepared(net: Net, pictures: Collection, number: int) -> Tensor:
    """(1, C, S, S): `net.preprocess` of a picture."""
    return net.preprocess(square(net, pictures, number), crop=False)


def in_order(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """`map`, with AT_ONCE items worked on side by side; when the reader stops, what has not begun is not begun."""
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        yield from pool.map(work, items)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
