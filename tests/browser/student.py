"""A page with a student's own network in the explainer: every kind of layer, with sizes that differ down and across."""

import streamlit as st
import torch
from torch import nn

from vizcore import models
from vizcore.inspection import explainer
from vizcore.ui import components
from vizcore.ui.components.explainer import encode

SIZE = 26


def network() -> models.Net:
    """Convolutions with stride, padding and dilation, ReLU and ReLU6, both pools with padding, 14 maps, two heads."""
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(4)
        layers: list[nn.Module] = [
            nn.Conv2d(3, 4, (3, 2), stride=(2, 1), padding=(1, 2), dilation=(1, 2)),
            nn.ReLU6(),
            nn.AvgPool2d((3, 2), 2, (1, 0), ceil_mode=True, count_include_pad=False),
            nn.Conv2d(4, 14, 3, stride=(1, 2), padding=2, dilation=(2, 1), bias=False),
            nn.ReLU(),
            nn.MaxPool2d(3, 2, 1, ceil_mode=True),
            nn.Flatten(),
        ]
        for layer in layers:
            if isinstance(layer, nn.Conv2d):
                nn.init.normal_(layer.weight, 0, 0.5)
        maps = nn.Sequential(*layers)(torch.zeros(1, 3, SIZE, SIZE))
        layers += [nn.Linear(maps.numel(), 20), nn.ReLU(), nn.Linear(20, 5)]
    return models.wrap(nn.Sequential(*layers), "mine", SIZE, (0.5,) * 3, (0.25,) * 3, categories=list("abcde"))


def taken() -> explainer.Explained:
    """The network on a picture of noise."""
    x = torch.randn(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    return explainer.explain(network(), x, 2)


if __name__ == "__main__":
    st.set_page_config(layout="wide")
    st.title("Mine")
    components.explainer("explainer", encode(taken(), network().categories, "Noise"))
