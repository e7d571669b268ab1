"""The guard declares torchvision's operators where the extension does not load, and only there."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# A stand-in for the extension of a matching pair: loading it defines the operators, once.
MATCHING_PAIR = """
    import torch
    loads = []
    def load_library(path):
        loads.append(path)
        if len(loads) == 1:
            global extension
            extension = torch.library.Library("torchvision", "DEF")
            extension.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            extension.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    torch.ops.load_library = load_library
"""

# A stand-in for the extension of another torch build.
OTHER_BUILD = """
    import torch
    def load_library(path):
        raise OSError("libcudart.so: cannot open shared object file")
    torch.ops.load_library = load_library
"""


def run(*snippets: str) -> str:
    """Run the snippets in one fresh interpreter and return what they print."""
    code = "\n".join(textwrap.dedent(snippet) for snippet in snippets)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def imports_by_itself() -> bool:
    """Whether torchvision works here without any help."""
    done = subprocess.run([sys.executable, "-c", "import torchvision"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 or "torchvision::nms does not exist" in done.stderr, done.stderr
    return done.returncode == 0


def test_torchvision_can_be_imported_and_help_is_given_only_where_needed():
    out = run("""
        from vizcore.models import torchvision_guard
        helped = torchvision_guard.ensure()
        import torchvision
        print(helped, torchvision.models.resnet18(weights=None).fc.out_features)
    """)
    assert out == f"{not imports_by_itself()} 1000"


def test_another_build_of_torch_gets_the_operators():
    out = run(
        OTHER_BUILD,
        """
        from vizcore.models import torchvision_guard
        ops = torch.ops.torchvision
        print(torchvision_guard.ensure(), hasattr(ops, "nms"), hasattr(ops, "qnms"))
        import torchvision
        print(torchvision.extension._has_ops())
    """,
    )
    assert out.split() == ["True", "True", "True", "False"]


def test_a_matching_pair_is_left_alone():
    out = run(
        MATCHING_PAIR,
        """
        from vizcore.models import torchvision_guard
        print(torchvision_guard.ensure(), torchvision_guard.ensure(), torchvision_guard._library, len(loads))
        print("torchvision" in __import__("sys").modules)
    """,
    )
    assert out.split() == ["False", "False", "None", "1", "False"]


def test_operators_that_exist_already_are_left_alone():
    out = run(
        MATCHING_PAIR,
        """
        load_library("loaded by somebody else")
        from vizcore.models import torchvision_guard
        print(torchvision_guard.ensure(), torchvision_guard._library, len(loads))
    """,
    )
    assert out.split() == ["False", "None", "1"]


@pytest.mark.parametrize("setup", [MATCHING_PAIR, OTHER_BUILD], ids=["matching pair", "another build"])
def test_many_threads_at_once_agree(setup: str):
    out = run(
        setup,
        """
        from concurrent.futures import ThreadPoolExecutor
        from vizcore.models import torchvision_guard
        with ThreadPoolExecutor(16) as pool:
            print(*set(pool.map(lambda _: torchvision_guard.ensure(), range(64))))
    """,
    )
    assert out == str(setup is OTHER_BUILD)


def test_without_torchvision_nothing_happens():
    out = run("""
        from vizcore.models import torchvision_guard
        torchvision_guard.find_spec = lambda name: None
        print(torchvision_guard.ensure())
    """)
    assert out == "False"


def test_models_come_with_the_guard():
    out = run("""
        from vizcore.models.torchvision_guard import torchvision_models
        print(torchvision_models().alexnet(weights=None).features[0].kernel_size)
    """)
    assert out == "(11, 11)"
