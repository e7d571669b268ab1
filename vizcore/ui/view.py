"""What every page is about: a network, a picture and a class."""

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from vizcore.images.framing import CENTRE, Frame

if TYPE_CHECKING:
    from torch import Tensor

    from vizcore.models import Net


@dataclasses.dataclass(frozen=True)
class View:
    """What the visitor looks at: a network, a picture and a class.

    Attributes:
        model: the network's name in the registry. net: the network itself.
        image: the whole picture, upright. picture: the square of it that the network sees.
        title: what to call the picture. alt: a sentence that describes it.
        digest: names the picture's content and the part of it that is seen; part of every cache key.
        frame: which part of the whole picture the network sees.
        x: (1, 3, H, W), the picture as the network takes it.
        logits: (K,) float32. target: class index.
    """

    model: str
    net: "Net" = dataclasses.field(repr=False)
    image: Image.Image = dataclasses.field(repr=False)
    picture: Image.Image = dataclasses.field(repr=False)
    x: "Tensor" = dataclasses.field(repr=False)
    digest: str
    logits: np.ndarray = dataclasses.field(repr=False)
    target: int
    title: str
    alt: str = ""
    frame: Frame = CENTRE

    @property
    def class_name(self) -> str:
        return self.net.categories[self.target]

    @property
    def probabilities(self) -> np.ndarray:
        """(K,) softmax of the logits."""
        powers = np.exp(self.logits - self.logits.max())
        return powers / powers.sum()

    def top(self, count: int = 5) -> list[int]:
        """The most probable classes, best first."""
        return [int(index) for index in np.argsort(-self.logits, kind="stable")[:count]]

    @property
    def runner_up(self) -> int:
        """The most probable class other than the chosen one; the chosen one where there is no other."""
        return next((index for index in self.top(2) if index != self.target), self.target)
