"""Networks: the registry, the frozen Net, partial runs, and facts read off a network once at load."""

from vizcore.models.net import DEFAULT, MODELS, Layer, ModelError, Net, Spec, download, load, names, spec, status, wrap

__all__ = ["DEFAULT", "MODELS", "Layer", "ModelError", "Net", "Spec", "download", "load", "names", "spec", "status", "wrap"]
