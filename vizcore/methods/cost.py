"""How often the network runs for one picture and one class: what a method costs."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from vizcore.models import Net


class Cost(NamedTuple):
    """Pictures that go through the network forwards, and of these back again.

    Attributes:
        forward, backward: their numbers. exact: otherwise it is at least so many.
        partial: the forward runs begin at the layer, not at the picture.
    """

    forward: int
    backward: int = 0
    exact: bool = True
    partial: int = 0

    def sentence(self) -> str:
        """In words."""
        parts = [_count(self.forward, "forward pass")] if self.forward else []
        parts += [_count(self.backward, "backward pass")] if self.backward else []
        parts += [f"{_count(self.partial, 'run')} of what lies behind the layer, in batches"] if self.partial else []
        if not parts:
            return "The network does not run at all."
        return f"{'' if self.exact else 'At least '}{' and '.join(parts) if len(parts) < 3 else ', '.join(parts)}."


# The cost for a network, the method's parameters (layer excepted), and the (K, h, w) maps of the layer for the picture,
# where there are any; None where it depends on maps that are not given.
Costing = Callable[[Net, Mapping[str, Any], np.ndarray | None], Cost | None]


def always(forward: int, backward: int = 0) -> Costing:
    """The same for every network, parameter and picture."""
    return lambda net, params, maps: Cost(forward, backward)


def per_map(forward: int) -> Costing:
    """`forward` passes, and one more for every map that is not constant."""
    return lambda net, params, maps: (
        None if maps is None else Cost(forward + int((np.ptp(maps.reshape(len(maps), -1), axis=1) > 0).sum()))
    )


def per_ablation(net: Net, params: Mapping[str, Any], maps: np.ndarray | None) -> Cost | None:
    """One pass, and one from the layer on for every map that is not zero."""
    return None if maps is None else Cost(1, partial=int(maps.reshape(len(maps), -1).any(1).sum()))


def _count(number: int, what: str) -> str:
    return f"1 {what}" if number == 1 else f"{number} {what}{'es' if what.endswith('s') else 's'}"
