"""The README's examples work as they stand there."""

import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import page_visits
import pytest
import torch

from vizcore import methods, models

ROOT = Path(__file__).parents[1]


def example(name: str) -> str:
    blocks = re.findall(r"```\w+\n# example: (\w+)\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (source,) = (body for found, body in blocks if found == name)
    assert len(source.strip().splitlines()) < 10
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


def test_method(monkeypatch, tmp_path):
    function, entry = example("method").split("# in _ENTRIES of vizcore/methods.py\n")
    (tmp_path / "readme_method.py").write_text(function)
    monkeypatch.syspath_prepend(tmp_path)
    import readme_method

    scope = {"Method": methods.Method, "deviation": readme_method.deviation}
    monkeypatch.setitem(methods.METHODS, "deviation", eval(entry, scope))
    net = models.wrap(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(48, 2)), input_size=4)
    result = methods.run("deviation", net, torch.ones(1, 3, 4, 4), target=0)
    assert result.values.tolist() == [[3.0] * 4] * 4
    app = page_visits.open_page("timeline", method="deviation", model="mini_vgg")
    assert "Deviation, “" in page_visits.captions(app)[0]
    assert any('methods.run("deviation"' in block.value.replace("'", '"') for block in app.code)


def test_model(monkeypatch, tmp_path):
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 64 * 64, 2))
    file = tmp_path / "tiny.pth"
    torch.save(network.state_dict(), file)

    def my_network(state):
        network.load_state_dict(state)
        return network

    source = example("model").replace("assets/weights/tiny.pth", str(file))
    source = source.replace("0123abcd", hashlib.sha256(file.read_bytes()).hexdigest())
    entry = eval(source, {"Spec": models.Spec, "my_network": my_network})
    monkeypatch.setitem(models.MODELS, "tiny", entry)
    net = models.load("tiny")
    assert net.categories == ("cat", "dog") and net(torch.zeros(1, 3, 64, 64)).shape == (1, 2)


@pytest.mark.slow
def test_page(tmp_path):
    for name in ("vizcore", "pages"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "assets").symlink_to(ROOT / "assets")
    (tmp_path / "pages" / "edges.py").write_text(example("page"))
    (tmp_path / "vizcore" / "content" / "pages" / "edges.md").write_text(example("text"))
    table = (ROOT / "dashboard.py").read_text()
    first = '    "Start": [\n'
    assert first in table
    (tmp_path / "dashboard.py").write_text(table.replace(first, f"{first}        {example('line').strip()}\n"))
    program = (
        "from streamlit.testing.v1 import AppTest\n"
        "app = AppTest.from_file('pages/edges.py', default_timeout=60).run()\n"
        "assert not app.exception, app.exception\n"
        "assert app.title[0].value.endswith('Edges')\n"
        "assert any('The strongest edge is 0.' in text.value for text in app.markdown)\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, timeout=120)
