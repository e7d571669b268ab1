"""The README's examples work as they stand there."""

import ast
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import save_file
from torch import nn

ROOT = Path(__file__).parents[1]


def example(name: str) -> str:
    blocks = re.findall(r"```\w+\n# example: (\w+)\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (source,) = (body for found, body in blocks if found == name)
    written = [line for line in source.splitlines() if line.strip() and not line.startswith(("# ", "#!"))]
    assert len(written) < 10
    return source


def test_commands_and_files():
    text = (ROOT / "README.md").read_text()
    assert "pip install -r requirements.txt && streamlit run dashboard.py" in text
    assert "pip install -r requirements.txt -r tests/requirements.txt && python -m pytest" in text
    for picture in re.findall(r"!\[.*?\]\((.*?)\)", text):
        assert (ROOT / picture).is_file()


def test_wrap(capsys):
    exec(example("wrap"), {})
    assert capsys.readouterr().out.startswith("(62, 62)")


# The three recipes, done in a copy as a reader would do them.

# What is run there of the project's own tests: these files, and of these long ones the cases that are new.
WHOLE = ("tests/test_content.py", "tests/test_dependency_direction.py")
PARTS = ("method_facts", "methods", "methods_reference", "models", "programs", "page_timeline")
NEW = "deviation or tiny or edges or registry or all_of_ours or every_method or new_method or spec or status or alone"


def steps(recipe: str) -> list[tuple[str, str, str]]:
    """(file, place, lines) of each step: a comment names the file, and the place where it is not a new file."""
    parts = re.split(
        r"^# ((?:pages|vizcore|tests)/[\w/.]+|dashboard\.py)(?:, (.*))?$\n", example(recipe), flags=re.MULTILINE
    )
    assert not parts[0].strip()
    return [(parts[n], parts[n + 1] or "", parts[n + 2]) for n in range(1, len(parts), 3)]


def last_line_of(source: str, name: str) -> int:
    """The line, from 0, of the bracket that closes the assignment of `name`."""
    for node in ast.parse(source).body:
        targets = getattr(node, "targets", [getattr(node, "target", None)])
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            return node.end_lineno - 1
    raise AssertionError(f"There is no {name} to add to.")


def follow(folder: Path, recipe: str) -> None:
    """Do what the README says, with these very lines."""
    for file, place, lines in steps(recipe):
        path = folder / file
        if not place:
            assert not path.exists()
            path.write_text(lines)
        elif place == "at the end":
            path.write_text(f"{path.read_text()}\n\n{lines}")
        elif place == 'in PAGES["Start"]':
            first = '    "Start": [\n'
            assert first in path.read_text()
            path.write_text(path.read_text().replace(first, first + lines))
        else:
            source = path.read_text().splitlines(keepends=True)
            source.insert(last_line_of("".join(source), place.removeprefix("in ")), lines)
            path.write_text("".join(source))


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    """The project with the README's method, model and page; the tiny network's weights are random."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("vizcore", "pages", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("assets", "training", "requirements.txt", "README.md"):
        (folder / name).symlink_to(ROOT / name)
    for name in ("dashboard.py", "pyproject.toml"):
        shutil.copy(ROOT / name, folder / name)
    for recipe in ("method", "model", "page"):
        follow(folder, recipe)
    weights = folder / "weights" / "tiny.safetensors"
    weights.parent.mkdir()
    tiny = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    save_file(tiny.state_dict(), weights)
    registry = folder / "vizcore" / "models" / "registry.py"
    registry.write_text(registry.read_text().replace("0123abcd", hashlib.sha256(weights.read_bytes()).hexdigest()))
    return folder


def run(folder: Path, *command: str) -> str:
    """What a program prints that is run in the copy."""
    env = os.environ | {
        "VIZ_WEIGHTS_DIR": str(folder / "weights"),
        "PYTHONPATH": f"{folder}{os.pathsep}{folder / 'tests'}",
    }
    done = subprocess.run(
        [sys.executable, *command], cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=280
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


@pytest.mark.slow
def test_recipes_work(copy):
    program = """
import page_visits
import torch
from streamlit.testing.v1 import AppTest
from vizcore import methods, models

net = models.load("tiny")
assert net.categories == ("cat", "dog") and net(torch.zeros(1, 3, 64, 64)).shape == (1, 2)
assert methods.run("deviation", net, torch.ones(1, 3, 64, 64), target=0).values.tolist() == [[3.0] * 64] * 64
app = AppTest.from_file("pages/edges.py", default_timeout=60).run()
assert not app.exception, app.exception
assert app.title[0].value.endswith("Edges")
assert any("The strongest edge is 0." in text.value for text in app.markdown)
app = AppTest.from_file("pages/timeline.py", default_timeout=60)
app.query_params["method"], app.query_params["model"] = "deviation", "tiny"
app.run()
assert not app.exception, app.exception
shown = page_visits.captions(app)
assert "Deviation, “" in shown[0], shown
programs = [block.value for block in app.code if "deviation" in block.value and "net = models.load" in block.value]
for source in programs:
    exec(source.replace("your_picture.jpg", "assets/gallery/giant_panda.jpg"), {})
assert programs
"""
    run(copy, "-c", program)


@pytest.mark.slow
def test_the_projects_own_tests_pass_with_the_recipes(copy):
    for files in (WHOLE, (*(f"tests/test_{name}.py" for name in PARTS), "-k", NEW)):
        out = run(copy, "-m", "pytest", "-n", "0", "-p", "no:cacheprovider", *files)
        assert re.search(r"[1-9]\d* passed", out), out[-500:]
