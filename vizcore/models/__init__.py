"""Networks: the registry, the frozen Net, partial runs, and facts read off a network once at load."""

from vizcore.models.net import Layer, Net, wrap
from vizcore.models.registry import DEFAULT, MODELS, ModelError, Spec, download, load, names, spec, status

__all__ = [
    "DEFAULT",
    "MODELS",
    "Layer",
    "ModelError",
    "Net",
    "Spec",
    "download",
    "load",
    "names",
    "spec",
    "status",
    "wrap",
]
