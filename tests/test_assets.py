"""The files under assets/: provenance, contents, and the script that makes them."""

from __future__ import annotations

import hashlib
import io
import re
import struct
import tomllib
import zlib
from collections import Counter
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from vizcore.images import composites, gallery

ALLOWED_LICENCES = {
    "Public domain",
    "CC0-1.0",
    "CC-BY-2.0",
    "CC-BY-3.0",
    "CC-BY-4.0",
    "CC-BY-SA-3.0",
    "CC-BY-SA-4.0",
    "GPL-2.0-or-later",
    "MIT",
    "BSD-3-Clause",
    "Apache-2.0",
}
IMAGE_KINDS = ("gallery", "cutout", "photo", "background")
LABELLED = ("gallery", "cutout", "photo")
WITHOUT_RECORD = {"build.py", "README.md", "manifest.toml"}
LONGEST_SIDE = {"gallery": 640, "cutout": 256, "photo": 320, "background": 512}


def images(*kinds: str) -> list[gallery.Asset]:
    return [asset for kind in kinds for asset in gallery.records(kind)]


# --- The manifest ---


def test_every_record_matches_its_file() -> None:
    for asset in gallery.all_records():
        data = asset.file.read_bytes()
        assert len(data) == asset.bytes, asset.path
        assert hashlib.sha256(data).hexdigest() == asset.sha256, asset.path


def test_every_record_says_where_its_file_comes_from() -> None:
    for asset in gallery.all_records():
        for text in (asset.title, asset.category, asset.author, asset.source, asset.how):
            assert text.strip(), asset.path
        assert asset.licence in ALLOWED_LICENCES, f"{asset.path}: {asset.licence}"
        assert not re.search(r"/(work|tmp|home)/", asset.source + asset.how), asset.path


def test_every_file_has_exactly_one_record() -> None:
    files = {
        path.relative_to(gallery.ASSETS).as_posix()
        for path in gallery.ASSETS.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    paths = [asset.path for asset in gallery.all_records()]
    assert len(paths) == len(set(paths))
    assert files - WITHOUT_RECORD == set(paths)


def test_ids_are_unique_within_a_kind() -> None:
    for kind in IMAGE_KINDS:
        ids = Counter(asset.id for asset in gallery.records(kind))
        assert max(ids.values()) == 1, ids.most_common(1)


def test_expected_classes_are_real_class_names() -> None:
    names = set(gallery.imagenet_categories())
    for asset in images(*LABELLED):
        assert set(asset.classes) <= names, asset.path
    assert sum(bool(asset.classes) for asset in gallery.records("gallery")) >= 25
    assert any(not asset.classes for asset in gallery.records("gallery"))


def test_gallery_records_have_a_description() -> None:
    for asset in gallery.records("gallery"):
        assert asset.description.endswith(".") and len(asset.description) > 20, asset.path


def test_counts_and_size() -> None:
    assert len(gallery.records("gallery")) >= 34
    assert len(gallery.records("cutout")) >= 150
    assert len(gallery.records("background")) >= 6
    labelled = images(*LABELLED)
    assert len(labelled) >= 350
    assert len({asset.category for asset in labelled}) >= 10
    assert 8 <= len({asset.category for asset in gallery.records("cutout")}) <= 20
    assert sum(path.stat().st_size for path in gallery.ASSETS.rglob("*") if path.is_file()) < 60_000_000


# --- The pictures ---


def test_every_picture_opens_in_its_mode_and_size() -> None:
    for asset in images(*IMAGE_KINDS):
        with Image.open(asset.file) as image:
            assert image.mode == ("RGBA" if asset.kind == "cutout" else "RGB"), asset.path
            assert image.format == ("PNG" if asset.kind == "cutout" else "JPEG"), asset.path
            assert max(image.size) <= LONGEST_SIDE[asset.kind], asset.path
            assert not image.getexif(), asset.path
            image.load()


def test_masks_are_not_trivial() -> None:
    for asset in gallery.records("cutout"):
        alpha = np.asarray(gallery.open_image(asset))[..., 3]
        assert 0.03 < (alpha >= 128).mean() < 0.97, asset.path


def test_find_names_what_is_missing() -> None:
    assert gallery.find("gallery", "giant_panda").classes == ("giant panda",)
    with pytest.raises(KeyError, match="unicorn"):
        gallery.find("gallery", "unicorn")


def test_composite_places_the_cutout_and_returns_its_mask() -> None:
    cutout = Image.new("RGBA", (40, 20), (255, 0, 0, 255))
    background = Image.new("RGB", (300, 200), (0, 0, 255))
    picture, mask = composites.composite(cutout, background, size=100, scale=0.5, position=(0.0, 1.0))
    expected = np.zeros((100, 100), dtype=bool)
    expected[75:, :50] = True
    assert picture.mode == "RGB" and picture.size == (100, 100)
    assert mask.dtype == bool and np.array_equal(mask, expected)
    pixels = np.asarray(picture)
    assert (pixels[mask] == (255, 0, 0)).all()
    assert (pixels[~mask] == (0, 0, 255)).all()


def test_composite_keeps_the_background_outside_a_real_mask() -> None:
    grey = Image.new("RGB", (224, 224), (128, 128, 128))
    picture, mask = composites.composite(gallery.open_image(gallery.find("cutout", "zebra")), grey)
    assert 0.05 < mask.mean() < 0.5
    rows, columns = np.nonzero(mask)
    assert abs((columns.min() + columns.max()) / 2 - 112) < 3
    far_away = np.ones_like(mask)
    far_away[max(rows.min() - 3, 0) : rows.max() + 4, max(columns.min() - 3, 0) : columns.max() + 4] = False
    assert (np.asarray(picture)[far_away] == 128).all()


def test_composite_refuses_a_scale_that_does_not_fit() -> None:
    with pytest.raises(ValueError, match="scale"):
        composites.composite(Image.new("RGBA", (4, 4)), Image.new("RGB", (4, 4)), scale=1.5)


# --- Digits and names ---


def test_digits_are_split_fairly() -> None:
    x_train, y_train, x_test, y_test = gallery.digits()
    assert x_train.shape == (8000, 28, 28) and x_test.shape == (2000, 28, 28)
    assert {array.dtype for array in gallery.digits()} == {np.dtype(np.uint8)}
    seen = {image.tobytes() for image in x_train}
    assert not any(image.tobytes() in seen for image in x_test)
    train, test = np.bincount(y_train, minlength=10), np.bincount(y_test, minlength=10)
    assert np.abs(test / (train + test) - 0.2).max() < 0.002
    assert x_train.max() == 255 and not x_train.flags.writeable


def test_there_are_a_thousand_different_class_names() -> None:
    names = gallery.imagenet_categories()
    assert len(names) == len(set(names)) == 1000
    assert names[0] == "tench" and names[388] == "giant panda" and names[999] == "toilet tissue"


# --- The build script ---


def resource_file(version: int) -> bytes:
    """A Qt resource with /pictures/a.txt (plain) and /pictures/b.txt (zlib)."""
    plain, long_text = b"hello", b"striped " * 20
    packed = struct.pack(">I", len(long_text)) + zlib.compress(long_text)
    payloads = struct.pack(">I", len(plain)) + plain + struct.pack(">I", len(packed)) + packed
    names, offsets = b"", []
    for name in ("pictures", "a.txt", "b.txt"):
        offsets.append(len(names))
        names += struct.pack(">HI", len(name), 0) + name.encode("utf-16-be")
    time = b"" if version == 1 else struct.pack(">Q", 0)
    entries = [
        struct.pack(">IHII", 0, 2, 1, 1),
        struct.pack(">IHII", offsets[0], 2, 2, 2),
        struct.pack(">IHHHI", offsets[1], 0, 0, 1, 0),
        struct.pack(">IHHHI", offsets[2], 1, 0, 1, 4 + len(plain)),
    ]
    tree = b"".join(entry + time for entry in entries)
    return struct.pack(">4s4I", b"qres", version, 20, 20 + len(tree), 20 + len(tree) + len(payloads)) + (
        tree + payloads + names
    )


@pytest.mark.parametrize("version", [1, 2, 3])
def test_resource_reader(build: ModuleType, version: int) -> None:
    files = build.read_rcc(resource_file(version))
    assert files == {"/pictures/a.txt": b"hello", "/pictures/b.txt": b"striped " * 20}


def test_resource_reader_refuses_other_files(build: ModuleType) -> None:
    with pytest.raises(ValueError, match="Qt resource"):
        build.read_rcc(b"GIF89a" + bytes(40))


def test_readme_reader_leaves_out_unknown_licences(build: ModuleType) -> None:
    text = (
        "Copyright: Ada\nLicense: CC0-1.0\nSource: https://example.org/File:A_red_cat.jpg\nFiles:\ncat.webp\n\n"
        "Copyright: Bob\nLicense: CC-BY-NC 4.0\nFiles: dog.webp\n"
    )
    found = build.read_readme(text, "package")
    assert set(found) == {"cat.webp"}
    assert (found["cat.webp"].author, found["cat.webp"].title) == ("Ada", "A red cat")


def test_manifest_survives_a_round_trip(build: ModuleType) -> None:
    record = {"path": "a/ü.png", "bytes": 3, "title": 'says "hi" \\ there', "classes": ["a", "b"]}
    assert tomllib.loads(build.manifest_text([record])) == {"asset": [record]}


def test_compressed_arrays_have_the_same_bytes_every_time(build: ModuleType) -> None:
    arrays = {"x": np.arange(5, dtype=np.uint8)}
    assert build.npz(arrays) == build.npz(arrays)
    with np.load(io.BytesIO(build.npz(arrays))) as file:
        assert np.array_equal(file["x"], arrays["x"])


def test_shares_add_up(build: ModuleType) -> None:
    assert build.share_out([10, 10, 11], 6) == [2, 2, 2]
    assert sum(build.share_out([1001, 1127, 991], 777)) == 777
