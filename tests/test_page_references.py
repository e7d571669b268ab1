"""The page of references: the lesson's list as the lesson has it, and nothing that a page cites is missing."""

import re

from page_visits import checked, open_page, texts, through_the_table

from vizcore.content import loader, papers, references
from vizcore.content.references import citing, lesson

# The lists at the ends of the lesson's two parts, without the mark that its platform puts behind addresses.
PART_1 = """Fei-Fei Li, Justin Johnson, Serena Yeung, from CS 231n
Zeiler & Fergus, 2014
Simonyan et al, 2013
Hendrycks & Dietterich, 2019
Yosinski et al., “Understanding Neural Networks Through Deep Visualization”, 2015
https://poloclub.github.io/cnn-explainer/
https://fredhohman.com/papers/cnn101
Van der Maaten & Hinton, “Visualizing Data using t-SNE”, 2008.
Adebayo et al., “Sanity Checks for Saliency Maps”, 2018.
""".splitlines()
PART_2 = """\
Simonyan et al., “Deep Inside Convolutional Networks: Visualising Image Classification Models and Saliency Maps”, 2013
Ribeiro et al., "Why Should I Trust You?": Explaining the Predictions of Any Classifier
Springenberg et al., “Striving For Simplicity: The All Convolutional Net"
Visualizing and Understanding Convolutional Networks, Zeiler & Fergus, 2014.
Selfvaraju et al., Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization, 2016.
""".splitlines()


def test_the_lessons_lists_are_as_it_gives_them():
    found = lesson()
    assert {part: [given.given for given in several] for part, several in found.items()} == {1: PART_1, 2: PART_2}
    for given in (given for several in found.values() for given in several):
        first = given.reference.authors.split(",")[0].split(" & ")[0].split()[-1].lower()
        named = re.sub("selfvaraju", "selvaraju", given.given.lower())  # the one name that is misspelt there
        assert first in named or given.given == given.reference.live
        for year in re.findall(r"\b20\d\d\b", given.given):
            assert year in given.reference.venue or given.note, given.given


def test_every_paper_stands_once_in_one_list_or_the_other():
    every = references.references()
    shown = [given.reference for several in lesson().values() for given in several]
    rest = [reference for several in references.by_topic().values() for reference in several]
    assert len(rest) == len(set(rest)) and not set(rest) & set(shown)
    assert set(rest) | set(shown) == set(every)
    assert {key for reference in every for key in reference.keys} >= {work.key for work in papers.WORKS}
    addresses = [reference.url for reference in every if reference.url]
    assert len(addresses) == len(set(addresses)) and all(url.startswith("https://") for url in addresses)
    assert {line["key"] for line in papers.LESSON} <= {key for reference in every for key in reference.keys}


def test_which_page_cites_what_is_read_off_the_pages(tmp_path, monkeypatch):
    by_key = {key: reference for reference in references.references() for key in reference.keys}
    assert citing()[by_key["layer_cam"]] == ["grad_cam"]  # named there without a link
    assert citing()[by_key["cs231n"]] == ["output_maps", "small_outputs", "weights"]
    assert "occlusion" in by_key["deconvnet"].keys and "questions" in citing()[by_key["deconvnet"]]
    monkeypatch.setattr(loader, "PAGES", tmp_path)
    lines = "## Sources\n\n- Bach et al.: [LRP](https://doi.org/10.1371/journal.pone.0130140)\n- A new one (2030)\n"
    (tmp_path / "bias.md").write_text(lines, encoding="utf-8")
    assert citing()[by_key["lrp"]] == ["bias"] and citing()[by_key["layer_cam"]] == []
    assert references.only_on_pages() == [("bias", "A new one (2030)")]


def test_the_page_shows_all_and_links_the_pages():
    alone, through = open_page("references"), through_the_table("references")
    for app in (alone, through):
        checked(app, calm=True)
        said = texts(app)
        assert app.title[0].value == "References" and "need the internet" in said
        assert all(given.reference.title in said for several in lesson().values() for given in several)
        assert all(reference.title in said and (reference.url or "") in said for reference in references.references())
        assert "first author is Selvaraju" in said and "https://cs231n.github.io/understanding-cnn/" in said
    stems = [link.proto.page for link in alone.get("page_link")]
    for reference, pages in citing().items():
        assert set(pages) <= set(stems), reference.title
    shown = {reference for reference, pages in citing().items() if not pages}
    assert stems.count("timeline") >= len(shown)
