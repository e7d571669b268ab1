"""Read activations out of a network that many threads share.

Hooks are installed once, when a network is loaded. They do nothing until the calling thread activates an
observer (a context variable, so no other thread sees it); nothing about the network ever changes.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from torch import Tensor, nn

# Called with (layer name, output) after each layer; returns what the rest of the network should get instead
# of that output, or None to leave it alone.
Observer = Callable[[str, Tensor], Tensor | None]

_observer: ContextVar[Observer | None] = ContextVar("observer", default=None)


class _Hook:
    def __init__(self, name: str):
        self.name = name

    def __call__(self, module: nn.Module, inputs: tuple, output: object):
        observer = _observer.get()
        if observer is None or not isinstance(output, Tensor):
            return None
        return observer(self.name, output)


def install(network: nn.Module) -> None:
    """Give every module of `network`, the root excepted, the hook that reports its output."""
    for name, module in network.named_modules():
        if name:
            module.register_forward_hook(_Hook(name))


def uninstall(network: nn.Module) -> None:
    """Take our hooks off again: used on a fresh copy of a network that had them."""
    for module in network.modules():
        for key in [k for k, hook in module._forward_hooks.items() if isinstance(hook, _Hook)]:
            del module._forward_hooks[key]


@contextmanager
def observing(observer: Observer) -> Iterator[None]:
    """Within this block, and in this thread alone, every layer reports to `observer`."""
    token = _observer.set(observer)
    try:
        yield
    finally:
        _observer.reset(token)


@contextmanager
def recording(names: set[str], cut: str | None = None) -> Iterator[dict[str, Tensor]]:
    """Keep the outputs of the named layers.

    What goes on through the network is a clone, so that a later in-place operation cannot overwrite what was
    kept, whichever way the network spells it. Where a layer runs more than once, its last output is kept.

    Args:
        names: the layers to keep.
        cut: one of them at which the graph is cut: what is kept is a leaf that requires gradients, and
            nothing before it is differentiated. This is "the gradient with respect to any layer, by cutting
            off the computation graph".

    Yields:
        A dict from name to output, filled while the network runs.
    """
    kept: dict[str, Tensor] = {}

    def keep(name: str, output: Tensor) -> Tensor | None:
        if name not in names:
            return None
        kept[name] = output.detach().requires_grad_() if name == cut else output
        return kept[name].clone()

    with observing(keep):
        yield kept
