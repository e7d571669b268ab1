"""The records of the timeline: complete, dated, linked, and in step with the registry and the page table."""

import re
from collections import Counter

import pytest

from vizcore import methods
from vizcore.content import papers
from vizcore.content.papers import CRITICS, FAMILIES, QUESTIONS, SUMMARY, VERDICTS, WORKS

KEYS = {work.key for work in WORKS}
# Every page of the course; those that are not in the table yet are not linked until they are.
STEMS = {
    "overview",
    "weights",
    "output_maps",
    "small_outputs",
    "cnn_explainer",
    "embeddings",
    "unit",
    "caveats",
    "predict",
    "gradients",
    "saliency",
    "segmentation",
    "bias",
    "neuron_gradient",
    "guided_backprop",
    "layer_by_layer",
    "grad_cam",
    "guided_grad_cam",
    "timeline",
    "robustness",
    "arena",
    "questions",
    "instructor",
    "references",
}
CITATION = re.compile(r"([\w-]+)(?: & [\w-]+| et al\.)? (20\d\d)")
YEAR = re.compile(r"\b(?:19|20)\d\d\b")


@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.key)
def test_record_is_complete(work):
    for text in (work.key, work.name, work.title, work.authors, work.venue, work.idea, work.failure):
        assert text.strip() == text and text
    assert re.fullmatch(r"[a-z0-9_]+", work.key)
    assert len(work.name) <= 22 and len(work.idea) <= 140 and len(work.failure) <= 140
    assert work.idea.endswith(".") and work.failure.endswith(".")
    assert work.year == 2008 or 2013 <= work.year <= 2025
    assert work.year in [int(year) for year in YEAR.findall(work.venue)]
    assert work.family in FAMILIES
    assert work.url is None or re.fullmatch(r"https://[\w.-]+/\S+", work.url)
    assert work.page is None or work.page in STEMS
    assert not work.address or work.page


def test_arxiv_numbers_fit_the_years():
    """A preprint's number begins with its year and month: at most two years before the publication, never after."""
    for work in WORKS:
        if work.url and (number := re.search(r"arxiv\.org/abs/(\d\d)(\d\d)\.\d{4,5}$", work.url)):
            year, month = 2000 + int(number[1]), int(number[2])
            last = max(int(found) for found in YEAR.findall(work.venue))
            late = work.key == "post_hoc"  # the authors' copy came after the conference
            assert 1 <= month <= 12 and year <= last and (late or work.year - year <= 2), work.key
        assert not work.url or "arxiv.org" not in work.url or number, work.url


def test_keys_and_addresses_are_unique():
    assert max(Counter(work.key for work in WORKS).values()) == 1
    assert max(Counter(work.name for work in WORKS).values()) == 1
    shared = {url for url, count in Counter(work.url for work in WORKS if work.url).items() if count > 1}
    titles = {url: {work.title for work in WORKS if work.url == url} for url in shared}
    assert all(len(found) == 1 for found in titles.values())  # one paper may hold two methods


def test_every_method_has_a_work_and_every_work_a_registered_method():
    from_works = [work.method for work in WORKS if work.method]
    assert len(from_works) == len(set(from_works))
    assert set(from_works) <= set(methods.METHODS) and len(from_works) >= 18  # one that somebody adds may have none
    for work in WORKS:
        if work.method:
            entry = methods.METHODS[work.method]
            assert entry.family == work.family
            assert work.authors.split()[0].strip(",") in entry.paper
            assert str(work.year) in entry.paper
    assert papers.of_method("edges") is None
    assert papers.of_method("grad_cam").key == "grad_cam"


def test_what_is_cited_for_a_failure_can_be_found():
    known = {(work.authors.split(",")[0].split(" & ")[0], str(work.year)) for work in WORKS}
    known |= {(author, str(year)) for author, year, *_ in CRITICS}
    for work in WORKS:
        for author, year in CITATION.findall(work.failure):
            assert (author, year) in known, (work.key, author, year)


def test_each_critic_is_cited():
    cited = {found for work in WORKS for found in CITATION.findall(work.failure)}
    assert {(author, str(year)) for author, year, *_ in CRITICS} <= cited
    assert len(papers.sources()) == len(CRITICS)
    assert all(url.startswith("https://") for *_, url in CRITICS)


def test_a_failure_names_who_showed_it_or_that_it_follows():
    for work in WORKS:
        says = CITATION.search(work.failure) or re.search(
            r"[Bb]y construction|the authors|No independent failure analysis", work.failure
        )
        assert says, work.key
    silent = [work.key for work in WORKS if "No independent" in work.failure]
    assert len(silent) <= 3


def test_the_vetted_list_is_all_there():
    names = " | ".join(f"{work.name} {work.authors} {work.venue}" for work in WORKS)
    for wanted in (
        "ECCV 2014",
        "PLoS ONE 2015",
        "KDD 2016",
        "DeepLIFT",
        "SmoothGrad",
        "Meaningful",
        "RISE",
        "FullGrad",
        "XRAI",
        "Extremal",
        "Score-CAM",
        "Ablation-CAM",
        "XGrad-CAM",
        "Eigen-CAM",
        "Blur IG",
        "rollout",
        "HiResCAM",
        "LayerCAM",
        "Guided IG",
        "Relevance-CAM",
        "Chefer",
        "CRP",
        "AttnLRP",
        "Finer-CAM",
        "LeGrad",
        "ROAR",
        "Sixt",
        "ROAD",
        "Binder",
        "Kindermans",
        "Ghorbani",
        "Heo",
        "Dombrowski",
        "Hendrycks",
        "Lapuschkin",
        "Alqaraawi",
        "Nguyen",
        "HIVE",
        "Colin",
        "t-SNE",
        "Wattenberg",
        "UMAP",
        "Yosinski",
        "Olah",
        "CNN Explainer",
        "CNN 101",
        "Nie et al.",
        "ICLR 2022",
        "IDGI",
        "AAAI 2024",
        "IG²",
        "FORGrad",
        "LibraGrad",
        "Mahendran",
        "Samek",
        "FunnyBirds",
        "AttributionLab",
        "PNAS 2024",
        "Geirhos",
        "LATEC",
        "Hedström",
        "ShapleyCAM",
        "Kares",
        "Szegedy",
        "FGSM",
        "PGD",
    ):
        assert wanted in names, wanted


def test_verdicts_speak_of_known_tests_and_works():
    assert set(VERDICTS) == set(QUESTIONS) <= KEYS
    for results in VERDICTS.values():
        assert set(results) <= KEYS
    assert not any(results["guided_backprop"] for results in VERDICTS.values())  # the page says: fails all of them
    assert VERDICTS["sanity_checks"]["grad_cam"] and VERDICTS["sanity_checks"]["saliency"]
    assert not VERDICTS["sanity_checks"]["guided_grad_cam"]


def test_first_tests_came_when_the_page_says():
    """Samek et al. in 2015, two years after the first maps; the next tests of maps in 2017 and 2018."""
    first, *later = papers.in_family("evaluation")
    assert (first.key, first.year, later[0].year) == ("samek", 2015, 2018)
    assert papers.find("saliency").year == 2013 and papers.find("kindermans").year == 2017


def test_summary_links_pages_of_the_course():
    assert len(SUMMARY) == 3
    assert {stem for _, stems in SUMMARY for stem in stems} <= STEMS


def test_look_ups():
    assert papers.find("rise").year == 2018
    with pytest.raises(ValueError, match="no work called 'magic'"):
        papers.find("magic")
    assert len(papers.in_family(None)) == len(WORKS)
    assert sum(len(papers.in_family(family)) for family in FAMILIES) == len(WORKS)
    years = [work.year for work in papers.in_family("cam")]
    assert years == sorted(years) and years[0] == 2016
