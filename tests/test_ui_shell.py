"""The frame of every page, as far as it can be seen without a browser."""

import ast
import base64
import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).parents[1]
PANDA, JAGUAR_CLASS = 388, 290


@pytest.fixture(autouse=True)
def _from_the_root(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))


def open_page(path="dashboard.py", **address) -> AppTest:
    app = AppTest.from_file(str(ROOT / path), default_timeout=120)
    for name, value in address.items():
        app.query_params[name] = str(value)
    return app.run()


def texts(app: AppTest) -> str:
    return " ".join(element.value for element in (*app.markdown, *app.caption, *app.warning))


def shown(app: AppTest) -> str:
    """The title of the picture on the button that opens them all."""
    return app.button(key="open_pictures").label.replace("\\", "")


def run_script(body, **address) -> AppTest:
    """A page body of a test's own, inside the frame of the overview."""
    app = AppTest.from_function(body, default_timeout=120)
    for name, value in address.items():
        app.query_params[name] = str(value)
    return app.run()


def with_view(use):
    """Run `use(view)` in a Streamlit script and return what it returned."""
    found = {}

    def script(use, found):
        from vizcore.ui import sidebar

        found["result"] = use(sidebar.draw())

    app = AppTest.from_function(script, default_timeout=120, args=(use, found)).run()
    assert not app.exception, app.exception[0].stack_trace
    return found["result"], app


def test_every_page_is_listed_once_and_the_sections_of_the_lesson_in_order():
    from dashboard import PAGES

    pages = [page for section in PAGES.values() for page in section]
    stems = [page.stem for page in pages]
    assert len(stems) == len(set(stems))
    assert {file.stem for file in (ROOT / "pages").glob("*.py")} <= set(stems)
    assert [page.number for page in pages if page.number] == list(range(1, 23))
    assert all(page.idea and page.icon for page in pages)


def test_start_page_shows_title_prediction_and_choices():
    app = open_page()
    assert not app.exception
    assert [title.value for title in app.title] == ["Overview"]
    assert {"model", "class"} <= {box.key for box in app.selectbox}
    assert app.selectbox(key="class").value == str(PANDA)
    assert app.query_params == {}


def test_page_opened_alone_has_the_same_frame():
    through, alone = open_page(image="jaguar"), open_page("pages/overview.py", image="jaguar")
    assert not alone.exception
    for kind in ("title", "selectbox", "caption", "markdown"):
        assert [e.value for e in alone.get(kind)] == [e.value for e in through.get(kind)]
    alone.session_state["image"] = "koala"
    alone.run()
    assert not alone.exception and shown(alone) == "Koala"


def test_shared_choices_follow_from_page_to_page():
    app = open_page(image="jaguar", **{"class": JAGUAR_CLASS})
    app.switch_page("pages/grad_cam.py").run()
    assert not app.exception
    assert app.session_state["image"] == "jaguar"
    assert app.selectbox(key="class").value == str(JAGUAR_CLASS)


def test_wrong_address_falls_back():
    app = open_page(image="nothing", model="nothing", **{"class": "99999"})
    assert not app.exception
    assert shown(app) == "Giant panda"
    assert app.selectbox(key="class").value == str(PANDA)


def test_visible_picker_changes_the_address():
    app = open_page()
    app.selectbox(key="class").set_value("7").run()
    assert app.query_params == {"class": "7"}
    app.selectbox(key="class").set_value(str(PANDA)).run()
    assert app.query_params == {}


def test_class_list_begins_with_the_top_five():
    app = open_page()
    options = app.selectbox(key="class").options
    assert options[0].startswith("giant panda (")
    assert len(options) == 1000
    assert all(option.endswith("%)") for option in options[:5]) and not options[5].endswith("%)")


def test_model_that_is_not_here_falls_back_with_a_sentence(monkeypatch):
    from vizcore import models

    monkeypatch.setattr(models, "status", lambda name: "embedded" if name == models.DEFAULT else "missing")
    app = open_page(model="vgg16")
    assert not app.exception
    assert "VGG-16 is not on this computer. Shown: SqueezeNet 1.1." in texts(app)

    def refuse(name, progress=None):
        progress(1, 4)
        progress(1, None)  # the server does not say how long it is
        raise models.ModelError("There is no network connection.")

    monkeypatch.setattr(models, "download", refuse)
    app.button(key="download").click().run()
    assert not app.exception
    assert "There is no network connection." in texts(app)


def test_networks_for_digits_come_last_and_are_shown_digits():
    app = open_page()
    assert app.selectbox(key="model").options[-1] == "Digits: Tiny VGG"
    app.selectbox(key="model").set_value("digits_cnn").run()
    assert not app.exception and shown(app).startswith("Test digit 1,")  # the first zero
    assert {option[0] for option in app.selectbox(key="class").options} == set("0123456789")
    app.number_input(key="digit").set_value(17).run()
    assert shown(app) == "Test digit 17, a “8”"
    app.button(key="next_picture").click().run()
    assert shown(app).startswith("Test digit 18,") and app.number_input(key="digit").value == 18
    app.selectbox(key="model").set_value("mini_vgg").run()
    assert not app.exception and shown(app) == "Giant panda"
    assert shown(open_page(model="digits_cnn", digit=17)) == "Test digit 17, a “8”"


def test_a_drawing_is_the_digit_until_a_test_digit_is_taken():
    app = open_page(model="digits_cnn")
    ink = np.zeros((84, 84), np.uint8)
    ink[10:74, 38:46] = 255
    app.session_state["drawing"], app.session_state["use_drawing"] = base64.b64encode(ink.tobytes()).decode(), True
    app.run()
    assert not app.exception and shown(app) == "Your drawing"
    app.button(key="previous_picture").click().run()
    assert shown(app).startswith("Test digit 0,")
    app.session_state["drawing"], app.session_state["use_drawing"] = "nonsense", True
    assert not app.run().exception and shown(app).startswith("Test digit 0,")


def test_upload_is_used_and_a_broken_one_keeps_the_picture_before_it():
    app = open_page(image="jaguar")
    file = io.BytesIO()
    Image.new("RGB", (300, 240), (200, 30, 30)).save(file, "PNG")
    red, broken = ("red*.png", file.getvalue(), "image/png"), ("a.png", b"\x89PNG\r\n\x1a\nnothing", "image/png")
    app.file_uploader(key="upload").set_value(red).run()
    assert not app.exception
    assert shown(app) == "red*.png"
    app.file_uploader(key="upload").set_value(broken).run()
    assert not app.exception
    assert "still shown" in texts(app)
    assert shown(app) == "red*.png"
    app.file_uploader(key="upload").set_value(red).run()
    assert "still shown" not in texts(app)
    app.file_uploader(key="upload").set_value(broken).run()
    app.button(key="next_picture").click().run()
    assert shown(app) == "Dog, bicycle and car" and app.session_state["image"] == "dog_bicycle_car"
    assert "still shown" not in texts(app)


def test_a_file_over_the_limit_is_refused_in_words_before_it_is_decoded(monkeypatch):
    app = open_page()
    monkeypatch.setattr("vizcore.images.decode._decode", None)
    app.file_uploader(key="upload").set_value(("a.png", b"\x89PNG" + bytes(20_000_000), "image/png")).run()
    assert not app.exception
    assert "larger than 20 MB. Save a smaller copy and upload that." in texts(app)
    app.button(key="previous_picture").click().run()
    assert "larger than" not in texts(app)


def test_a_file_that_is_taken_away_takes_its_sentence_along():
    app = open_page()
    app.file_uploader(key="upload").set_value(("a.png", b"words", "image/png")).run()
    assert "still shown" in texts(app)
    app.file_uploader(key="upload").set_value(None).run()
    assert "still shown" not in texts(app)


def test_the_part_that_the_network_sees_can_be_moved_and_begins_in_the_middle():
    from vizcore import ui

    views = []
    _, app = with_view(views.append)
    for at, fit in ((0, False), (100, False), (0, True)):
        app.slider(key="crop").set_value(at)
        app.toggle(key="fit").set_value(fit)
        app.run()
        assert not app.exception
    plain, left, right, fitted = views
    assert plain.x.equal(plain.net.preprocess(plain.image))
    assert len({view.digest for view in views}) == len({view.picture.tobytes() for view in views}) == 4
    width = plain.image.width
    for view, box in ((left, (0, 0)), (right, (width - plain.image.height, 0))):
        side = plain.image.height
        margin = side * (1 - plain.net.input_size / plain.net.resize)
        start = box[0] + (margin if view is right else 0)
        seen = plain.image.crop(
            (round(start), round(margin / 2), round(start + side - margin), round(side - margin / 2))
        )
        small = np.asarray(seen.resize(view.picture.size), float)
        assert np.abs(small - np.asarray(view.picture, float)).mean() < 6
    corner = fitted.picture.getpixel((0, 0))
    assert corner == pytest.approx([255 * mean for mean in plain.net.mean], abs=1)
    assert ui.look(left, target=3).frame == left.frame
    app.button(key="next_picture").click().run()
    assert app.slider(key="crop").value == 50 and not app.toggle(key="fit").value


def test_errors_of_the_visitor_are_sentences():
    def script():
        from vizcore.ui.shell import _calm

        with _calm():
            raise ValueError("There is no layer called 'x'.")

    app = run_script(script)
    assert not app.exception
    assert [warning.value for warning in app.warning] == ["There is no layer called 'x'."]


def test_attribution_is_the_methods_own_and_computed_once(monkeypatch):
    from vizcore import methods, ui

    calls = []
    run = methods.run
    monkeypatch.setattr(methods, "run", lambda *a, **k: calls.append(a) or run(*a, **k))

    def use(view):
        first = ui.attribution(view, "grad_cam", target=7)
        second = ui.attribution(view, "grad_cam", target=7)
        return view, first, second

    (view, first, second), _ = with_view(use)
    assert len(calls) <= 1
    np.testing.assert_array_equal(first.values, run("grad_cam", view.net, view.x, 7).values)
    np.testing.assert_array_equal(first.values, second.values)


def test_look_changes_picture_or_class_only():
    from vizcore import ui

    def use(view):
        grey = Image.new("RGB", (224, 224), (128, 128, 128))
        same = ui.look(view, picture=view.picture)
        return view, ui.look(view, target=3), ui.look(view, image=grey, title="Grey"), same

    (view, other_class, other_picture, same), _ = with_view(use)
    assert same.x.equal(view.x) and same.net is view.net
    assert other_class.target == 3 and other_class.digest == view.digest
    assert other_picture.title == "Grey" and other_picture.digest != view.digest
    assert other_picture.target == int(other_picture.logits.argmax())
    assert view.probabilities.sum() == pytest.approx(1)


def test_layer_and_parameter_widgets():
    from vizcore import methods, ui

    def use(view):
        return ui.layer_select(view, kinds=("conv",)), ui.param_widgets(methods.METHODS["smooth_grad"], "sg")

    (layer, params), app = with_view(use)
    assert layer == "conv10"
    assert params == {p.name: p.default for p in methods.METHODS["smooth_grad"].params}
    assert not [box for box in app.selectbox if box.key == "layer" and "conv1" not in box.options]


def test_scale_has_its_ends():
    from vizcore.ui.blocks import scale

    text = scale(4.0, 2, True, "<b>")
    assert ">-4<" in text and ">0<" in text and ">4<" in text and "<b>" not in text


def test_terms_are_explained():
    from vizcore import ui

    assert 'title="' in ui.term("logit") and ">the logits<" in ui.term("logit", "the logits")
    with pytest.raises(KeyError):
        ui.term("no such word")


def test_the_frame_does_not_import_heavy_packages():
    code = "import sys, vizcore.ui; print({*sys.modules} & {*sys.argv[1].split()})"
    heavy = "torch torchvision sklearn umap cv2"
    command = [sys.executable, "-c", code, heavy]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def test_a_key_means_one_kind_of_widget_on_all_pages():
    """What a visitor leaves in a widget meets the widget of that key on the next page."""
    kinds: dict[str, dict[str, str]] = {}
    pickers = {"layer_select": "select", "class_select": "select", "linked_select": "select", "index": "number_input"}
    for path in [*(ROOT / "pages").glob("*.py"), *(ROOT / "vizcore" / "ui").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            keys = [keyword.value for keyword in node.keywords if keyword.arg == "key"]
            keys += node.args[1:3] if name in pickers else []
            for key in keys:
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    kinds.setdefault(key.value, {})[pickers.get(name, name)] = path.stem
    assert len(kinds) > 40
    assert {key: of for key, of in kinds.items() if len(of) > 1} == {}
