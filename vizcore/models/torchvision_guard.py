"""Lets torchvision be imported beside any torch build.

The torchvision wheel is compiled for one torch build. Beside another one (a CPU-only torch, say) its C++
extension does not load, and ``import torchvision`` stops with "operator torchvision::nms does not exist".
Nothing this project uses is in that extension, so it is enough to declare the two operators torchvision
asks about. Where the extension does load, nothing is declared.
"""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import PathFinder
from importlib.util import find_spec
from types import ModuleType

import torch

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)

_lock = threading.Lock()
_library: torch.library.Library | None = None  # the declarations live exactly as long as this object


def ensure() -> bool:
    """Declare torchvision's missing operators if, and only if, its extension does not load.

    Call it before torchvision is imported; calling it again costs nothing, from any thread. Without
    torchvision on the computer nothing happens.

    Returns: True where the operators had to be declared, False where torchvision works by itself.
    """
    global _library
    with _lock:
        if _library is not None:
            return True
        spec = None if "torchvision" in sys.modules else find_spec("torchvision")
        if spec is None or not spec.submodule_search_locations:
            return False
        if _extension_loads(spec.submodule_search_locations[0]):
            return False
        _library = torch.library.Library("torchvision", "FRAGMENT")
        for schema in _SCHEMAS:
            _library.define(schema)
        return True


def torchvision_models() -> ModuleType:
    """The module ``torchvision.models``, imported on the first call (about 1.5 s)."""
    ensure()
    import torchvision.models

    return torchvision.models


def _extension_loads(folder: str) -> bool:
    """Whether ``torchvision::nms`` exists, after trying to load the extension in torchvision's ``folder``.

    torchvision loads the same file again when it is imported, which is harmless: a shared library that is
    loaded twice is initialized once. As in torchvision itself, a failure to load is not an error.
    """
    if hasattr(torch.ops.torchvision, "nms"):
        return True
    extension = PathFinder.find_spec("_C", [folder])
    if extension is not None and extension.origin is not None:
        try:
            with _dll_folder(folder):
                torch.ops.load_library(extension.origin)
        except (ImportError, OSError):
            return False
    return hasattr(torch.ops.torchvision, "nms")


@contextmanager
def _dll_folder(folder: str) -> Iterator[None]:
    """On Windows, let the libraries that lie beside the extension be found; elsewhere nothing."""
    if sys.platform != "win32":
        yield
        return
    with os.add_dll_directory(folder):
        yield
