"""Fixtures that several test files share. The networks are made once, and no test may change them."""

import importlib.util
import os
import sys
from collections.abc import Iterator
from types import ModuleType

import page_visits
import pytest
import random_networks
import torch

from vizcore.images import gallery
from vizcore.models import Net

# One, as in the dashboard: beside other work two threads wait for each other. VIZ_THREADS=2 tries another number.
torch.set_num_threads(int(os.environ.get("VIZ_THREADS", "1")))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What shares something dear stays in one of the processes that share the tests.

    The browser tests share a server; so no other work but one process's runs beside them. A file shares its networks,
    and the many tests of the reference implementations are shared out by network.
    """
    for item in items:
        case = getattr(item, "callspec", None) and item.callspec.params.get("case")
        group = "browser" if item.path.parent.name == "browser" else f"{item.path.stem} {case or ''}"
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session")
def build() -> ModuleType:
    """assets/build.py as a module."""
    spec = importlib.util.spec_from_file_location("assets_build", gallery.ASSETS / "build.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def lite0() -> Net:
    """EfficientNet-Lite0 with its real weights."""
    return random_networks.network("efficientnet_lite0")


@pytest.fixture(scope="session")
def photo() -> torch.Tensor:
    """(1, 3, 224, 224): a jaguar, normalized for Lite0."""
    return random_networks.photographs(224, 224)[:1]


@pytest.fixture(scope="module")
def few_pictures(tmp_path_factory) -> Iterator[None]:
    """In this file, searches see ten pictures only; nobody else finds what was made of them, nor they anyone's."""
    import streamlit as st

    from vizcore.ui import jobs

    def forget() -> None:
        jobs.clear()
        st.cache_data.clear()

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIZ_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        page_visits.show_few(patch, 10)
        forget()
        yield
    forget()
