"""Fixtures that several test files share. The networks are made once, and no test may change them."""

import pytest
import random_networks
import torch

from vizcore.models import Net

torch.set_num_threads(1)  # as the dashboard does: beside other work two threads wait for each other


@pytest.fixture(scope="session")
def lite0() -> Net:
    """EfficientNet-Lite0 with its real weights."""
    return random_networks.network("efficientnet_lite0")


@pytest.fixture(scope="session")
def photo() -> torch.Tensor:
    """(1, 3, 224, 224): a jaguar, normalized for Lite0."""
    return random_networks.photographs(224, 224)[:1]
