"""Every program that a page shows is run as it stands, from the project's folder."""

import page_visits
import pytest

from dashboard import PAGES

WITHOUT = ("overview", "references")
STEMS = [page.stem for section in PAGES.values() for page in section if page.file.exists() and page.stem not in WITHOUT]
ADDRESSES = {  # settings that keep a page quick, and pages that show several programs
    "small_outputs": [{"inputs": 1}],
    "grad_cam": [{}, {"model": "squeezenet1_1"}],
    "guided_grad_cam": [{}, {"model": "squeezenet1_1"}],
    "unit": [{}, {"model": "squeezenet1_1"}],
    "segmentation": [{}, {"model": "squeezenet1_1"}],
    "saliency": [{}, {"variant": "SmoothGrad", "sg_samples": 4}, {"variant": "FORGrad"}],
    "timeline": [{"method": "eigen_cam"}, {"method": "guided_grad_cam"}, {"method": "score_cam"}],
    "questions": [{"q": 2}, {"q": 4}, {"q": 5}, {"q": 6}],
}
CASES = [(stem, address) for stem in STEMS for address in ADDRESSES.get(stem, [{}])]


@pytest.mark.parametrize(("stem", "address"), CASES, ids=lambda value: value if isinstance(value, str) else str(value))
def test_program_on_the_page_runs(stem, address, monkeypatch):
    monkeypatch.chdir(page_visits.ROOT)
    app = page_visits.open_page(stem, image="jaguar", **{"model": "mini_vgg"} | address)
    programs = [block.value for block in app.code if "net = models.load(" in block.value]
    assert programs, "a page shows a program that makes its picture alone"
    for program in programs:
        scope: dict = {}
        exec(compile(program, stem, "exec"), scope)
        assert scope.get("result") is not None or "result =" not in program
