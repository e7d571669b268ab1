"""Every page with every network that comes with the dashboard and every kind of picture: nothing breaks."""

from pathlib import Path

import pytest
from page_visits import captions, checked, html, open_page, texts
from PIL import Image
from streamlit.testing.v1 import AppTest

from dashboard import PAGES
from vizcore import images, models
from vizcore.images import composites
from vizcore.ui.picture import Own

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("few_pictures")]
TITLES = {page.stem: page.title for section in PAGES.values() for page in section if page.file.exists()}
NETWORKS = [name for name in models.names() if models.spec(name).embedded]
COLOUR = [name for name in NETWORKS if len(models.spec(name).mean) == 3]
DIGITS = [name for name in NETWORKS if name not in COLOUR]
WITHOUT_MAPS = [name for name in DIGITS if name != "digits_cnn"]
NEED_MAPS = {"grad_cam", "guided_grad_cam", "output_maps", "small_outputs", "unit", "weights"}


def composite() -> Own:
    """A composite with a known outline, as a visitor's own picture."""
    image, _ = composites.build(composites.recipes()[0], 224)
    return Own(image, images.digest(image), "Composite")


def upload() -> Own:
    """A tall picture of a visitor's own, with a name that is no Markdown."""
    image = Image.linear_gradient("L").resize((90, 240)).convert("RGB")
    return Own(image, images.digest(image), "_my_ [picture](x).png")


def own(app: AppTest, picture: Own) -> AppTest:
    """The page with this picture of the visitor's own."""
    app.session_state["own_picture"], app.session_state["use_own"] = picture, True
    return checked(app.run(), calm=True)


def shown(app: AppTest) -> str:
    """The title of the picture on the button that opens them all."""
    return app.button(key="open_pictures").label.replace("\\", "")


def sensible(app: AppTest, stem: str, model: str) -> None:
    """The page has its title, says something, and the sidebar its network and five most probable classes."""
    assert TITLES[stem] in app.title[0].value
    assert len(texts(app)) > 200
    assert app.selectbox(key="model").value in (model, "auto")
    assert html(app).count("<li") >= 5


@pytest.mark.parametrize("stem", TITLES)
@pytest.mark.parametrize("model", COLOUR)
def test_photographs(model, stem):
    app = open_page(stem, model=model, image="koala")
    assert not app.warning and shown(app) == "Koala"
    sensible(app, stem, model)
    for picture in (composite(), upload()):
        own(app, picture)
        assert shown(app) == picture.title
        sensible(app, stem, model)


@pytest.mark.parametrize("stem", TITLES)
@pytest.mark.parametrize("model", DIGITS)
def test_digits(model, stem):
    app = own(open_page(stem, model=model, digit=17), upload())  # which waits until a network for photographs comes
    assert shown(app) == "Test digit 17, a “8”"
    sensible(app, stem, model)
    offers = [button.key for button in app.button if (button.key or "").startswith("offer_")]
    if model in WITHOUT_MAPS and stem in NEED_MAPS:
        assert offers == ["offer_digits_cnn", "offer_squeezenet1_1"]
        [said] = [info.value for info in app.info if "choose" in info.value]
        assert said.startswith(models.spec(model).title) and said.count(".") == 2  # that of the version and the stop
        app.button(key="offer_digits_cnn").click()
        checked(app.run(), calm=True)
        assert app.selectbox(key="model").value == "digits_cnn" and shown(app) == "Test digit 17, a “8”"
        assert not [button for button in app.button if (button.key or "").startswith("offer_")]
    elif model == "digits_cnn":
        assert not offers


@pytest.mark.parametrize("model", COLOUR)
def test_composite_of_the_page_on_segmentation(model):
    app = open_page("segmentation", model=model, scene="Composite with known outline")
    assert not app.warning
    assert "The true outline: IoU 1.00" in captions(app)


def test_composites_are_for_photographs_and_a_click_chooses_a_network_that_reads_them():
    app = open_page("segmentation", model="digits_cnn", scene="Composite with known outline")
    assert "choose SqueezeNet 1.1." in texts(app)
    app.button(key="offer_squeezenet1_1").click()
    checked(app.run(), calm=True)
    assert app.selectbox(key="model").value == "squeezenet1_1"
    assert app.segmented_control(key="scene").value.startswith("Comp")


def test_all_pages_are_opened():
    assert set(TITLES) == {path.stem for path in (Path(__file__).parents[1] / "pages").glob("*.py")}


@pytest.mark.parametrize("network", ["weights", "layer_by_layer"])
def test_the_sidebar_says_where_a_page_has_a_network_of_its_own(network):
    said = [caption.value for caption in open_page(network, model="efficientnet_lite0").sidebar.caption]
    assert [line for line in said if "of its own" in line]
    assert not [c for c in open_page("saliency").sidebar.caption if "of its own" in c.value]
