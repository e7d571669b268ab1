"""The overview: one picture for each question of the lesson, and the ways to the pages."""

from page_visits import captions, open_page, texts

from vizcore import images, models
from vizcore.images.gallery import find

HEADS = ["Weights", "Activations", "Gradients", "Robustness"]


def test_four_thumbnails_with_true_numbers():
    app = open_page("overview", image="jaguar")
    heads = [header.value for header in app.header]
    assert heads[:4] == HEADS
    net = models.load("squeezenet1_1")
    x = net.preprocess(images.load(find("gallery", "jaguar").file))
    probability, target = net(x).softmax(1)[0].max(0)
    name = net.categories[int(target)]
    shown = captions(app)
    assert shown[2] == f"Pixels the score of {name} is most sensitive to; the scale ends at the 99.5th percentile"
    assert shown[3].startswith("With noise: ") and shown[3].endswith(f"Without: {name}, {100 * probability:.3g} %")
    assert "The address in the browser holds every choice" in texts(app)
    links = {(element.proto.page, element.proto.query_string) for element in app.get("page_link")}
    assert ("robustness", "severity=4") in links


def test_the_fourth_thumbnail_is_what_its_page_shows():
    shown, there = open_page("overview", image="jaguar"), open_page("robustness", image="jaguar", severity=4)
    said = captions(shown)[3].removeprefix("With noise: ").partition(". Without")[0]
    assert f"After: {said}" in captions(there)


def test_network_without_kernels_gets_a_sentence():
    app = open_page("overview", model="digits_linear")
    assert ["neither kernels nor maps" in info.value for info in app.info] == [True, True]
    assert [header.value for header in app.header][:5] == [*HEADS, "The lesson"]
    assert len(captions(app)) == 2  # the gradient and the noise
