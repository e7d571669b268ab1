"""The page Small output sizes."""

from functools import partial

import page_visits
from page_visits import checked, choose_layer, texts, through_the_table

open_page = partial(page_visits.open_page, "small_outputs")


def metric(app, label):
    return next(m.value for m in app.metric if m.label == label)


def test_page_alone_names_the_real_size_of_the_field():
    app = open_page()
    assert metric(app, "Theoretical field") == "207 px"
    assert metric(app, "Of it in the picture") == "207 × 207 px"
    assert "13 × 13 cells for 227 × 227 pixels" in texts(app)
    lite0 = open_page(model="efficientnet_lite0", inputs=1)
    assert "851 pixels wide, is larger than the picture of 224" in texts(lite0)


def test_through_the_table():
    app = through_the_table("small_outputs")
    assert app.title[0].value.endswith("Small output sizes")


def test_every_control_changes_what_is_shown():
    app = open_page(inputs=1)
    assert app.select_slider(key="inputs").value == 1
    before = metric(app, "90 % of the effect")
    checked(app.select_slider(key="share").set_value(50).run())
    assert int(metric(app, "50 % of the effect").split()[0]) < int(before.split()[0])
    checked(app.number_input(key="row").set_value(0).run())
    checked(app.number_input(key="column").set_value(6).run())
    assert "The cell at row 0, column 6 is" in texts(app)
    checked(app.slider(key="opacity").set_value(0.9).run())
    checked(app.number_input(key="unit").set_value(7).run())
    checked(choose_layer(app, "fire3"))
    field = int(metric(app, "Theoretical field").split()[0])
    assert field < 224 and int(metric(app, "Of it in the picture").split()[0]) < field  # at the upper edge
    assert "56 × 56 cells" in texts(app)


def test_link_reproduces_the_view_and_wrong_numbers_fall_back():
    app = open_page(layer="fire9.squeeze", unit=3, row=1, column=2, inputs=1)
    assert "The cell at row 1, column 2" in texts(app)
    assert app.number_input(key="unit").value == 3
    app = open_page(layer="nothing", unit=99999, row=77, inputs=1)
    assert "13 × 13 cells" in texts(app)


def test_a_smaller_layer_takes_the_nearest_cell():
    app = open_page(layer="conv1", row=100, inputs=1)
    checked(choose_layer(app, "fire9"))
    assert app.number_input(key="row").value == 12


def test_digit_networks():
    app = open_page(model="digits_cnn", inputs=1)
    assert metric(app, "Theoretical field").endswith("px")
    app = open_page(model="digits_linear")
    assert "has no feature maps" in texts(app)
