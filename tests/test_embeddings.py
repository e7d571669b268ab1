"""Projections and what they are worth, against scikit-learn, slow re-implementations, and known truths."""

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE, trustworthiness
from sklearn.neighbors import KNeighborsClassifier

from vizcore import models
from vizcore.images import gallery
from vizcore.images.collection import labelled
from vizcore.inspection import embeddings, features, picture_maps
from vizcore.types import INPUT


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray]:
    """250 digits as pixels (250, 784) float64, and their labels."""
    _, _, x, y = gallery.digits()
    return x[:250].reshape(250, -1) / 255, y[:250].astype(str)


@pytest.fixture(scope="module")
def noise() -> tuple[np.ndarray, np.ndarray]:
    """250 points in 100 dimensions without structure, and labels that know nothing of them."""
    return np.random.default_rng(3).standard_normal((250, 100)), np.arange(250) % 5


@pytest.fixture(scope="module")
def tsne(digits) -> embeddings.Projection:
    return embeddings.project(digits[0], "tsne", seed=1)


# PCA.


@pytest.mark.parametrize("shape", [(80, 12), (12, 80)])
def test_pca_is_that_of_scikit_learn_up_to_sign(shape):
    points = np.random.default_rng(0).standard_normal(shape) @ np.diag(np.linspace(3, 1, shape[1]))
    peer = PCA(3, svd_solver="full").fit(points)
    ours = embeddings.project(points, "pca", 3)
    signs = np.sign((ours.axes.directions * peer.components_).sum(1))
    assert np.allclose(ours.axes.directions * signs[:, None], peer.components_, atol=1e-8)
    assert np.allclose(ours.axes.explained, peer.explained_variance_ratio_, rtol=1e-8)
    assert np.allclose(ours.coordinates * signs, peer.transform(points), atol=1e-5)
    assert np.allclose(ours.place(points[:4]), ours.coordinates[:4], atol=1e-5)


# What a map is worth.


def slow_trust(points: np.ndarray, places: np.ndarray, k: int) -> np.ndarray:
    """Venna & Kaski's sum, one pair at a time."""
    count, each = len(points), []
    for i in range(count):
        order = sorted((j for j in range(count) if j != i), key=lambda j: ((points[i] - points[j]) ** 2).sum())
        here = sorted((j for j in range(count) if j != i), key=lambda j: ((places[i] - places[j]) ** 2).sum())
        ranks = {j: at for at, j in enumerate(order, 1)}
        cost = sum(ranks[j] - k for j in here[:k] if ranks[j] > k)
        each.append(1 - 2 / (k * (2 * count - 3 * k - 1)) * cost)
    return np.array(each)


@pytest.mark.parametrize("k", [3, 10])
def test_trustworthiness_is_that_of_scikit_learn_and_its_mean_over_points(digits, k):
    points, labels = digits[0][:80], digits[1][:80]
    places = embeddings.project(points, "pca").coordinates.astype(np.float64)
    found = embeddings.quality(points, places, labels, k)
    assert found["trustworthiness"] == pytest.approx(trustworthiness(points, places, n_neighbors=k), abs=1e-9)
    assert found["trustworthiness"] == pytest.approx(found["per_point"].mean(), abs=1e-12)
    assert np.allclose(found["per_point"], slow_trust(points, places, k))
    assert all(0 <= found[name] <= 1 for name in ("trustworthiness", "knn_original", "knn_projected"))


def test_knn_accuracy_leaves_each_picture_out(digits):
    points, labels = digits[0][:100], digits[1][:100]
    places = embeddings.project(points, "pca").coordinates.astype(np.float64)
    found = embeddings.quality(points, places, labels, 10)
    for name, space in (("knn_original", points), ("knn_projected", places)):
        right = 0
        for at in range(len(labels)):
            others = np.arange(len(labels)) != at
            peer = KNeighborsClassifier(10, algorithm="brute").fit(space[others], labels[others])
            right += peer.predict(space[at : at + 1])[0] == labels[at]
        assert found[name] == pytest.approx(right / len(labels))


def test_a_map_that_is_the_features_is_trusted_wholly(digits):
    places = np.random.default_rng(0).standard_normal((60, 2))
    assert embeddings.quality(places, places, digits[1][:60])["trustworthiness"] == 1


@pytest.mark.parametrize("method", ["pca", "tsne", "umap"])
def test_on_noise_neighbours_vote_by_chance(noise, method):
    points, labels = noise
    found = embeddings.quality(points, embeddings.project(points, method, perplexity=15).coordinates, labels)
    chance = 1 / 5
    spread = 3.3 * (chance * (1 - chance) / len(labels)) ** 0.5  # 99.9 % of all draws
    assert abs(found["knn_projected"] - chance) < spread and abs(found["knn_original"] - chance) < spread


def test_the_noise_twin_has_the_spread_of_each_number_and_no_structure(digits):
    points = digits[0][:, 100:300]
    twin = embeddings.noise_twin(points, seed=4)
    assert twin.shape == points.shape and np.array_equal(twin, embeddings.noise_twin(points, seed=4))
    assert not np.array_equal(twin, embeddings.noise_twin(points, seed=5))
    assert np.allclose(twin.mean(0), points.mean(0), atol=4 * points.std(0).max() / 250**0.5)
    assert embeddings.principal(twin, 2).explained.sum() < embeddings.principal(points, 2).explained.sum() / 2


# t-SNE.


def test_divergence_is_within_two_percent_of_scikit_learns(digits, tsne):
    """The same affinities and the same start; one exact computation in float64 for both."""
    given = tsne.given.astype(np.float64)
    start = embeddings.start_of(given, 2, 1)
    peer = TSNE(2, perplexity=30, init=start.astype(np.float32), max_iter=750, random_state=1).fit_transform(given)
    ours, theirs = (embeddings.divergence(given, places, 30) for places in (tsne.coordinates, peer))
    assert ours <= 1.02 * theirs


def test_divergence_of_a_known_case():
    """Four corners of a square: all affinities to the two neighbours on an edge are alike, and so are Q's."""
    square = np.array([[0, 0], [0, 1], [1, 1], [1, 0]], dtype=float)
    small = embeddings.divergence(square, 1e-3 * square, 2.9)
    large = embeddings.divergence(square, 100 * square, 2.9)
    assert min(small, large) >= 0 and small != large
    with_itself = min(embeddings.divergence(square, size * square, 2.9) for size in np.geomspace(0.01, 100, 400))
    assert with_itself < 1e-4


@pytest.mark.parametrize("method", ["tsne", "umap"])
def test_the_same_seed_gives_the_same_map_and_another_one_another(digits, method):
    points = digits[0][:60]
    one, two, other = (
        embeddings.project(points, method, seed=seed, perplexity=8, start="random").coordinates for seed in (5, 5, 6)
    )
    assert np.array_equal(one, two) and one.dtype == np.float32
    assert not np.allclose(one, other)


@pytest.mark.parametrize("method", ["pca", "tsne", "umap"])
@pytest.mark.parametrize("dimensions", [2, 3])
def test_place_puts_a_copy_beside_its_original_and_moves_nobody(digits, method, dimensions):
    points = digits[0][:150]
    made = embeddings.project(points, method, dimensions, perplexity=15)
    before = made.coordinates.copy()
    placed = made.place(points[:40])
    assert placed.shape == (40, dimensions) and np.array_equal(before, made.coordinates)
    far = ((made.coordinates[None] - placed[:, None]) ** 2).sum(-1)
    ranks = [1 + int((row < row[at]).sum()) for at, row in enumerate(far)]
    assert np.median(ranks) <= 3


def test_place_works_where_the_map_does_not_lie_around_zero(digits, tsne):
    """openTSNE centres its map before it places anything."""
    moved = embeddings.Projection("tsne", tsne.coordinates + 100, 1, 30, tsne.axes, given=tsne.given)
    assert np.allclose(moved.place(digits[0][:3]) - 100, tsne.place(digits[0][:3]), atol=0.5)


def test_progress_goes_up_snapshots_come_and_what_it_raises_cancels(digits):
    shares, seen = [], []
    embeddings.project(digits[0][:40], "tsne", perplexity=8, progress=shares.append, seen=seen.append)
    assert shares == sorted(shares) and shares[0] == 0 and shares[-1] == 1 and len(seen) > 20
    assert all(one.shape == (40, 2) and one.dtype == np.float32 for one in seen)

    def give_up(share: float) -> None:
        if share > 0.3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        embeddings.project(digits[0][:40], "tsne", perplexity=8, progress=give_up)


def test_more_than_fifty_numbers_go_through_pca_first(digits, tsne):
    assert tsne.given.shape == (250, embeddings.BEFORE) and len(tsne.axes.directions) == embeddings.BEFORE
    few = embeddings.project(digits[0][:40, 300:340], "tsne", perplexity=8)
    assert few.axes is None and few.given.shape == (40, 40)


# Several maps.


def test_alignment_undoes_a_turn_a_mirror_a_scale_and_a_shift():
    places = np.random.default_rng(0).standard_normal((50, 2))
    turn = np.array([[0.6, -0.8], [0.8, 0.6]]) @ np.diag([1, -1])
    other = 3 * places @ turn + (5, -2)
    assert np.allclose(embeddings.align(other, places), places, atol=1e-5)
    same = embeddings.stability([places, other])
    assert same.places == pytest.approx(1, abs=1e-6) and same.neighbours == 1
    strange = embeddings.stability([places, np.random.default_rng(1).standard_normal((50, 2))])
    assert strange.places < 0.3 and abs(strange.neighbours - strange.by_chance) < 0.1


def test_digits_are_stable_and_noise_is_not(digits, noise):
    scores = []
    for points in (digits[0][:150], noise[0][:150]):
        several = [
            embeddings.project(points, "tsne", seed=s, perplexity=15, start="random").coordinates for s in (0, 1)
        ]
        scores.append(embeddings.stability(several).neighbours)
    assert scores[0] > scores[1] + 0.1


# Bad input: a sentence.


@pytest.mark.parametrize(
    ("points", "settings", "said"),
    [
        (np.zeros((20, 1)), {}, "1 number per picture"),
        (np.random.default_rng(0).random((4, 9)), {}, "at least 5 pictures"),
        (np.random.default_rng(0).random((20, 9)), {"perplexity": 30}, "perplexity of 30 does not fit 20 pictures"),
        (np.random.default_rng(0).random((20, 9)), {"method": "umap", "perplexity": 30}, "number of neighbours of 30"),
        (np.ones((20, 9)), {}, "the same numbers"),
        (np.where(np.eye(20, 9) > 0, np.nan, 0.5), {}, "9 of 20 pictures have numbers that are not finite"),
        (np.full((20, 9), np.inf), {}, "not finite"),
        (np.zeros((2, 3, 4)), {}, "an .N, D. array"),
        (np.random.default_rng(0).random((20, 9)), {"method": "lda"}, "no projection called 'lda'"),
        (np.random.default_rng(0).random((20, 9)), {"dimensions": 4}, "2 or 3 dimensions"),
    ],
)
def test_what_cannot_be_projected_is_said_in_a_sentence(points, settings, said):
    with pytest.raises(ValueError, match=said):
        embeddings.project(points, **({"perplexity": 5} | settings))


def test_quality_and_place_say_what_does_not_fit(digits, tsne):
    points, labels = digits
    with pytest.raises(ValueError, match="as many labels"):
        embeddings.quality(points, tsne.coordinates, labels[:5])
    with pytest.raises(ValueError, match="do not belong together"):
        embeddings.quality(points, tsne.coordinates[:9], labels)
    with pytest.raises(ValueError, match="less than half"):
        embeddings.quality(points[:20], tsne.coordinates[:20], labels[:20], k=10)
    with pytest.raises(ValueError, match="784 numbers"):
        tsne.place(points[:, :9])
    with pytest.raises(ValueError, match="not finite"):
        tsne.place(np.full((1, 784), np.nan))


def test_five_pictures_are_enough():
    points = np.random.default_rng(0).random((5, 4))
    for method in embeddings.METHODS:
        made = embeddings.project(points, method, perplexity=2)
        assert made.coordinates.shape == (5, 2) and np.isfinite(made.coordinates).all()


# Rows of layers.


def test_rows_are_what_the_layer_gives_averaged_over_blocks(tmp_path):
    net = models.load("digits_cnn")
    source = labelled("digits", 20)
    layers = features.offered(net)
    assert layers[0] == INPUT and {"relu2_2", "linear"} <= set(layers)
    found = features.load_or_gather(net, source.pictures, layers, folder=tmp_path)
    x = net.preprocess(source.pictures.open(7))
    logits, outputs = net.forward(x, capture=["relu2_2"])
    maps = outputs["relu2_2"][0].numpy()
    high, wide = features.cells(maps.shape)
    assert found.rows["relu2_2"].shape == (20, 10 * high * wide) and high * wide * 10 <= features.MOST
    top = [range(at * 8 // high, -(-(at + 1) * 8 // high)) for at in range(high)]
    slow = [[[maps[c][np.ix_(a, b)].mean() for b in top] for a in top] for c in range(10)]
    assert np.allclose(found.rows["relu2_2"][7], np.ravel(slow), rtol=1e-3, atol=1e-3)
    assert found.predicted[7] == int(logits.argmax())
    assert np.allclose(features.of_picture(net, x, "relu2_2")[0], found.rows["relu2_2"][7], rtol=1e-3, atol=1e-3)


def test_rows_are_read_from_disk_and_a_damaged_file_is_made_again(tmp_path, monkeypatch):
    net, source = models.load("digits_linear"), labelled("digits", 12)
    layers = features.offered(net)
    first = features.load_or_gather(net, source.pictures, layers, folder=tmp_path)
    (file,) = tmp_path.iterdir()
    monkeypatch.setattr(features, "gather", lambda *_: pytest.fail("it lies on the disk"))
    again = features.load_or_gather(net, source.pictures, layers, folder=tmp_path)
    assert all(np.array_equal(first.rows[name], again.rows[name]) for name in layers)
    monkeypatch.undo()
    file.write_bytes(b"PK")
    once_more = features.load_or_gather(net, source.pictures, layers, folder=tmp_path)
    assert np.array_equal(once_more.predicted, first.predicted) and features.read(file, layers, 12)


def test_a_cancelled_pass_leaves_nothing(tmp_path):
    net, source = models.load("digits_linear"), labelled("digits", 40)

    def stop(_share: float) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        features.load_or_gather(net, source.pictures, features.offered(net), stop, tmp_path)
    assert not list(tmp_path.iterdir())


# Maps in files.


def test_maps_survive_their_file(tmp_path, digits):
    made = picture_maps.make(digits[0][:40], digits[1][:40], "pca")
    kept = picture_maps.Kept("abc", 40, {("layer.a", False): made, ("layer.a", True): made}, np.arange(40))
    file = tmp_path / "maps.npz"
    np.savez(file, **picture_maps.to_file(kept))
    found = picture_maps.from_file(file)
    same = found.maps["layer.a", True]
    assert (found.identity, found.size) == ("abc", 40) and np.array_equal(found.predicted, kept.predicted)
    assert np.array_equal(same.coordinates, made.coordinates) and np.array_equal(same.neighbours, made.neighbours)
    assert same.projected == made.projected and np.allclose(same.trust, made.trust, atol=1e-3)
    assert np.array_equal(same.false_neighbours, made.false_neighbours)


@pytest.mark.parametrize(("model", "collection", "size"), [("squeezenet1_1", 0, 0), ("digits_cnn", "digits", 1000)])
def test_maps_that_come_with_the_dashboard_are_of_these_networks_and_pictures(model, collection, size):
    net, source = models.load(model), labelled("photographs and cut-outs" if not size else "digits", size)
    file = gallery.ASSETS / "embeddings" / f"{model}-{'digits' if size else 'photographs'}.npz"
    found, layers = picture_maps.from_file(file), features.offered(net)
    assert found.identity == features.identity(net, source.pictures, layers), "run python -m training.embeddings"
    assert set(found.maps) == {(layer, noise) for layer in layers for noise in (False, True)}
    assert {len(one.coordinates) for one in found.maps.values()} == {len(source.labels)}
