"""The layout of the timeline: nothing overlaps, every work stands at its year; the tables say what the records say."""

import re
from html.parser import HTMLParser
from itertools import combinations

import pytest

from vizcore.content import papers
from vizcore.content.papers import FAMILIES, WORKS
from vizcore.figures import tables
from vizcore.figures import timeline as timeline_figures

RUNS = frozenset(work.method for work in WORKS if work.method)


class Balanced(HTMLParser):
    """Fails where a tag is not closed; keeps the attributes of each element."""

    def __init__(self, source: str):
        super().__init__()
        self.open, self.found = [], []
        self.feed(source)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def buttons(source: str) -> dict[str, dict]:
    return {found["data-key"]: found for tag, found in Balanced(source).found if tag == "button"}


@pytest.mark.parametrize("column", timeline_figures.COLUMNS)
def test_no_two_labels_of_a_lane_overlap(column):
    for places in timeline_figures.lanes(WORKS, column).values():
        for a, b in combinations(places, 2):
            if a.row == b.row:
                first, second = sorted((a, b), key=lambda place: place.column)
                assert timeline_figures.width(first.work) <= (second.column - first.column) * column


def test_each_chart_is_as_wide_as_its_last_label():
    charts = timeline_figures.charts(WORKS, RUNS)
    widths = [width for width, _ in charts]
    assert widths == sorted(widths) and widths[0] <= 720 and widths[1] <= 820
    for column, (width, _) in zip(timeline_figures.COLUMNS, charts, strict=True):
        names = timeline_figures.NAMES[timeline_figures.COLUMNS.index(column)]
        ends = [
            place.column * column + timeline_figures.width(place.work)
            for lane in timeline_figures.lanes(WORKS, column).values()
            for place in lane
        ]
        assert width >= names + max(ends) - 1 and width >= names + column * len(timeline_figures.columns(WORKS))


def test_every_work_has_one_place_at_its_year():
    heads, lanes = timeline_figures.columns(WORKS), timeline_figures.lanes(WORKS)
    assert heads[0] == "2008" and heads[1] == "2013" and heads[-1] == "2025"
    placed = [place for lane in lanes.values() for place in lane]
    assert sorted(place.work.key for place in placed) == sorted(work.key for work in WORKS)
    for place in placed:
        assert heads[place.column] == str(place.work.year)
    assert list(lanes) == list(FAMILIES)


@pytest.mark.parametrize("column", timeline_figures.COLUMNS)
def test_lanes_are_as_low_as_the_labels_allow(column):
    """As many rows as labels run over the left edge of the fullest column, itself included."""
    for places in timeline_figures.lanes(WORKS, column).values():
        ends = [(place.column, place.column * column + timeline_figures.width(place.work)) for place in places]
        fullest = max(sum(start <= at and at * column < end for start, end in ends) for at, _ in ends)
        assert 1 + max(place.row for place in places) == fullest


def test_columns_without_and_with_several_early_years():
    late = [work for work in WORKS if work.year >= 2013]
    assert timeline_figures.columns(late)[0] == "2013"
    assert timeline_figures.lanes(late)["gradient"][0].column == 0
    older = WORKS[0]._replace(key="older", year=1990, venue="1990")
    assert timeline_figures.columns([*WORKS, older])[0] == "before 2013"


def test_chart_marks_what_runs_what_is_chosen_and_the_family():
    found = buttons(timeline_figures.chart(WORKS, RUNS, "cam", "rise")[1])
    assert set(found) == {work.key for work in WORKS}
    for work in WORKS:
        classes = found[work.key]["class"].split()
        assert ("runs" in classes) == (work.method is not None)
        assert ("chosen" in classes) == (work.key == "rise") == (found[work.key]["aria-pressed"] == "true")
        assert ("dim" in classes) == (work.family != "cam" and work.key != "rise")
        assert work.venue in found[work.key]["aria-label"]
    assert "dim" not in timeline_figures.chart(WORKS, RUNS)[1]


def test_nothing_is_filled_where_nothing_runs():
    assert "runs" not in " ".join(found["class"] for found in buttons(timeline_figures.chart(WORKS, ())[1]).values())


def test_tips_and_short_names():
    tips = timeline_figures.tips(WORKS)
    assert tips["score_cam"] == ["Score-CAM", "Wang et al., CVPR workshops 2020", papers.find("score_cam").idea]
    assert tables.short("Abnar & Zuidema") == "Abnar & Zuidema"
    assert tables.short("Chefer, Gur & Wolf") == "Chefer et al."


def test_table_says_what_the_records_say():
    works = [*papers.in_family("cam"), WORKS[0]._replace(key="x", name="<b>", url=None)]
    source = tables.works_table(works, RUNS, "CAM & more")
    found = Balanced(source).found
    assert [a["href"] for tag, a in found if tag == "a"] == [work.url for work in works[:-1]]
    assert sum(tag == "tr" for tag, _ in found) == len(works) + 1
    assert source.count("runs here") == sum(work.method in RUNS for work in works)
    assert "&lt;b&gt;" in source and "<b>" not in source and "CAM &amp; more" in source


def test_verdicts_in_words():
    source = tables.verdicts(papers.VERDICTS, papers.QUESTIONS, WORKS, "What tests found")
    said = [passed for results in papers.VERDICTS.values() for passed in results.values()]
    Balanced(source)
    assert source.count("✓ yes") == sum(said) and source.count("✗ no") == len(said) - sum(said)
    rows = re.findall(r"<tr>.*?</tr>", source)
    methods = {method for results in papers.VERDICTS.values() for method in results}
    assert len(rows) == 1 + len(methods)
    assert {row.count("</td>") for row in rows[1:]} == {len(papers.VERDICTS)}
    columns = list(zip(*(re.findall(r"<td.*?</td>", row) for row in rows[1:]), strict=True))
    for results, column in zip(papers.VERDICTS.values(), columns, strict=True):
        assert "".join(column).count("yes") == sum(results.values())


@pytest.mark.parametrize("family", FAMILIES)
def test_each_family_draws(family):
    Balanced(timeline_figures.chart(WORKS, RUNS, family)[1])
    Balanced(tables.works_table(papers.in_family(family), RUNS, family))
