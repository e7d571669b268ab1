"""The numbers of a chart, read off the figure: what the table and the file under it hold."""

import csv
import io

import numpy as np
import plotly.graph_objects as go
import pytest
from streamlit.testing.v1 import AppTest

from vizcore.figures import charts
from vizcore.ui.charts import as_csv


def test_lines_share_their_steps_and_marks_are_left_out():
    scores = {"most": np.array([1.0, 0.5]), "random": np.array([1.0, 0.75]), "least": np.array([1.0, 0.875])}
    heads, rows = charts.table(charts.removal_chart([0.0, 0.5], scores, 0.5, "Logit"))
    assert heads == ["Pixels removed (%)", *charts.REMOVALS.values()]
    assert rows == [[0.0, 1.0, 1.0, 1.0], [50.0, 0.5, 0.75, 0.875]]
    steps = [0.001, 0.01, 0.1]
    heads, rows = charts.table(charts.error_chart(steps, [0.5, 0.0, 0.25], [1.0, 2.0, 3.0], 0.1))
    assert heads == ["step h, normalized units", "float32 rounding, ε |s| / h", "relative difference"]
    assert rows == [[0.001, 1.0, 0.5], [0.01, 2.0, None], [0.1, 3.0, 0.25]]


def test_names_of_points_are_a_column():
    figure = charts.gradient_chart(["picture", "a.b"], [(3, 4, 4), (7,)], [0.25, 1e-11], "a.b", "RMS of the gradient")
    heads, rows = charts.table(figure)
    assert heads == ["name", "layer, from the picture to the score", "RMS of the gradient"]
    assert rows == [["picture, 3 × 4 × 4", 0, 0.25], ["a.b, 7", 1, 1e-11]]


def test_lying_bars_have_their_names():
    heads, rows = charts.table(charts.class_chart(["cat, tom", "dog"], np.array([1.5, -2.0]), "added"))
    assert heads == ["name", "added"] and rows == [["cat, tom", 1.5], ["dog", -2.0]]


@pytest.mark.parametrize("names", [None, ["left", "right"]])
def test_heat_map_is_a_grid(names):
    figure = go.Figure(go.Heatmap(z=[[1.0, 2.0], [3.0, 4.0]], x=names))
    figure.update_layout(yaxis_title="row")
    heads, rows = charts.table(figure)
    assert heads == ["row", *(names or ["0", "1"])] and rows == [[0, 1.0, 2.0], [1, 3.0, 4.0]]


def test_file_keeps_all_digits_and_the_table_three():
    text = as_csv(["name", "value"], [["a, b", 0.123456789], ["c", None]])
    assert list(csv.reader(io.StringIO(text))) == [["name", "value"], ["a, b", "0.123456789"], ["c", ""]]
    assert [charts.said(value) for value in (0.123456789, 1e-11, None, 7, "a")] == ["0.123", "1e-11", "–", "7", "a"]


def test_table_is_made_when_it_is_opened():
    def page():
        import plotly.graph_objects as go

        from vizcore.ui.charts import chart

        chart(go.Figure(go.Scatter(x=[1, 2], y=[0.5, 0.25], name="share")), "one", "Two shares")

    app = AppTest.from_function(page).run()
    assert not app.exception and app.get("plotly_chart")[0].proto.alt == "Two shares"
    assert not app.table and not app.get("download_button")
    app.session_state["one_data"] = True
    app.run()
    assert not app.exception
    assert app.table[0].value.to_dict("list") == {"x": ["1", "2"], "share": ["0.5", "0.25"]}
