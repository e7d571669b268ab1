"""Uploads: whatever the bytes are, an upright RGB picture or a sentence."""

import io
import re
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, features

from vizcore import images
from vizcore.images import decode

RNG = np.random.default_rng(7)
PIXELS = RNG.integers(0, 256, (40, 60, 3), dtype=np.uint8)
PHOTO = Image.fromarray(PIXELS)


def encoded(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def quadrants(width=64, height=48):
    """Red, green / blue, white: every rotation and flip looks different."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[: height // 2, : width // 2] = 255, 0, 0
    picture[: height // 2, width // 2 :] = 0, 255, 0
    picture[height // 2 :, : width // 2] = 0, 0, 255
    picture[height // 2 :, width // 2 :] = 255, 255, 255
    return picture


def refused(data):
    with pytest.raises(images.ImageError) as caught:
        images.load(data)
    sentence = str(caught.value)
    assert re.fullmatch(r"[A-Z].*\.", sentence), sentence
    assert re.search(r"\b(upload|Upload|Save|Choose|Export|Crop|Open|Check)\b", sentence), sentence
    assert "Error" not in sentence and "object at" not in sentence
    return sentence


def close(image, expected, tolerance=0):
    assert image.mode == "RGB"
    difference = np.abs(np.asarray(image, int) - np.asarray(expected, int))
    assert difference.max() <= tolerance


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM"])
def test_lossless_formats_keep_every_pixel(kind):
    close(images.load(encoded(PHOTO, kind)), PIXELS)


@pytest.mark.parametrize("kind", decode.FORMATS)
def test_every_listed_format_is_read(kind):
    result = images.load(encoded(Image.fromarray(quadrants()), kind, quality=95))
    assert result.mode == "RGB"
    assert np.abs(np.asarray(result, np.float32) - quadrants()).mean() < 4  # lossy formats blur the seams


def test_sources(tmp_path):
    data = encoded(PHOTO, "PNG")
    path = tmp_path / "picture.png"
    path.write_bytes(data)
    half_read = io.BytesIO(data)
    half_read.read(10)
    for source in (data, bytearray(data), memoryview(data), path, str(path), half_read):
        close(images.load(source), PIXELS)
    with path.open("rb") as file:
        close(images.load(file), PIXELS)


def test_sources_that_cannot_be_read(tmp_path):
    assert "missing.png" in refused(tmp_path / "missing.png")
    refused(tmp_path)
    refused("nul\0byte.png")
    refused(io.StringIO("text"))
    closed = io.BytesIO(b"x")
    closed.close()
    refused(closed)
    with pytest.raises(TypeError, match="int"):
        images.load(3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(kind, orientation):
    stored = {  # how a camera held in this way stores the upright picture
        1: lambda p: p,
        2: lambda p: p[:, ::-1],
        3: lambda p: p[::-1, ::-1],
        4: lambda p: p[::-1],
        5: lambda p: p.swapaxes(0, 1),
        6: lambda p: np.rot90(p, 1),
        7: lambda p: p[::-1, ::-1].swapaxes(0, 1),
        8: lambda p: np.rot90(p, -1),
    }[orientation](quadrants())
    exif = Image.Exif()
    exif[0x0112] = orientation
    result = images.load(encoded(Image.fromarray(np.ascontiguousarray(stored)), kind, exif=exif, quality=95))
    close(result.crop((4, 4, 28, 20)), np.full((16, 24, 3), (255, 0, 0)), 40)
    close(result.crop((36, 28, 60, 44)), np.full((16, 24, 3), 255), 40)
    close(result.crop((36, 4, 60, 20)), np.full((16, 24, 3), (0, 255, 0)), 40)
    assert result.size == (64, 48)


def test_orientation_out_of_range_and_broken_exif_are_ignored():
    exif = Image.Exif()
    exif[0x0112] = 99
    close(images.load(encoded(PHOTO, "PNG", exif=exif)), PIXELS)
    close(images.load(encoded(PHOTO, "PNG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xffrubbish")), PIXELS)


def test_metadata_does_not_travel():
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    result = images.load(encoded(PHOTO, "JPEG", exif=exif, comment=b"secret"))
    assert not result.info and not dict(result.getexif())


def test_transparency_is_laid_on_white():
    rgba = np.dstack([PIXELS, np.full((40, 60), 255, np.uint8)])
    rgba[:, :20, 3], rgba[:, 20:40, 3] = 0, 128
    result = np.asarray(images.load(encoded(Image.fromarray(rgba), "PNG")), int)
    assert (result[:, :20] == 255).all()
    assert np.abs(result[:, 20:40] - (PIXELS[:, 20:40] * (128 / 255) + 255 * (127 / 255))).max() <= 1
    assert (result[:, 40:] == PIXELS[:, 40:]).all()


def test_other_kinds_of_transparency():
    grey_alpha = Image.merge("LA", (Image.new("L", (8, 8), 10), Image.new("L", (8, 8), 0)))
    close(images.load(encoded(grey_alpha, "PNG")), np.full((8, 8, 3), 255))
    palette = Image.new("P", (8, 8), 1)
    palette.putpalette([0, 0, 0, 200, 10, 10])
    palette.paste(0, (0, 0, 4, 8))
    for kind in ("PNG", "GIF"):
        result = np.asarray(images.load(encoded(palette, kind, transparency=0)))
        assert (result[:, :4] == 255).all() and (result[:, 4:] == (200, 10, 10)).all()
    keyed = encoded(Image.new("RGB", (8, 8), (9, 9, 9)), "PNG", transparency=(9, 9, 9))
    close(images.load(keyed), np.full((8, 8, 3), 255))


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK"])
def test_modes(mode):
    picture = PHOTO.convert(mode)
    close(images.load(encoded(picture, "TIFF")), picture.convert("RGB"))


def test_adobe_cmyk_jpeg_is_not_inverted():
    flat = Image.new("RGB", (32, 32), (200, 40, 40)).convert("CMYK")
    close(images.load(encoded(flat, "JPEG", quality=95)), np.full((32, 32, 3), (200, 40, 40)), 8)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bit_grey_is_scaled_not_clipped(kind):
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    result = np.asarray(images.load(encoded(Image.fromarray(ramp), kind)), int)
    assert (result[..., 0] == np.rint(ramp / 257)).all()
    assert (result[..., 0] == result[..., 2]).all()


def test_big_endian_sixteen_bit_and_pgm():
    ramp = np.linspace(0, 65535, 256).astype(">u2").reshape(16, 16)
    pgm = b"P5 16 16 65535\n" + ramp.tobytes()
    assert (np.asarray(images.load(pgm), int)[..., 0] == np.rint(ramp / 257)).all()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.float32([[0, 0.5, 1]]), [0, 128, 255]),
        (np.float32([[-100, 0, 100]]), [0, 128, 255]),
        (np.float32([[1000, 1500, 2000]]), [0, 128, 255]),
        (np.float32([[np.nan, 0, 1]]), [0, 0, 255]),
        (np.float32([[7, 7, 7]]), [128, 128, 128]),
        (np.float32([[-3e38, 0, 3e38]]), [0, 128, 255]),
        (np.int32([[0, 100, 255]]), [0, 100, 255]),
        (np.int32([[0, 257 * 100, 65535]]), [0, 100, 255]),
        (np.int32([[-(2**31), 0, 2**31 - 1]]), [0, 128, 255]),
    ],
)
def test_wide_numbers_are_scaled(values, expected):
    result = images.load(encoded(Image.fromarray(values), "TIFF"))
    assert np.asarray(result)[0, :, 0].tolist() == expected


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_an_animation_the_first_frame(kind):
    frames = [Image.new("RGB", (24, 24), colour) for colour in ("red", "lime", "blue")]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    close(images.load(data), np.full((24, 24, 3), (255, 0, 0)))


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (3, 100)])
def test_small_and_thin(size):
    assert images.load(encoded(Image.new("RGB", size, "red"), "PNG")).size == size


def test_a_strip_is_refused():
    assert "51 x 1" in refused(encoded(Image.new("RGB", (51, 1)), "PNG"))


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((4000, 3000), (2048, 1536)),
        ((1500, 4100), (749, 2048)),
        ((2048, 2048), (2048, 2048)),
        ((2049, 100), (2048, 100)),
    ],
)
def test_the_long_side_is_reduced(kind, size, expected):
    result = images.load(encoded(Image.new("RGB", size, (200, 100, 50)), kind))
    assert result.size == expected
    close(result, np.full((*expected[::-1], 3), (200, 100, 50)), 3)


def png_header(width, height):
    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(bytes(1000)))
        + chunk(b"IEND", b"")
    )


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize(("width", "height"), [(8000, 8000), (12000, 12000), (60000, 60000)])
def test_bombs_are_refused_by_their_header(width, height):
    assert "million pixels" in refused(png_header(width, height))
    assert "million pixels" in refused(f"P6 {width} {height} 255\n".encode())


def test_zero_size():
    refused(png_header(0, 10))
    refused(b"P6 0 0 255\n")


def test_too_many_bytes():
    assert "20 MB" in refused(bytes(decode.BYTE_CAP + 1))
    endless = io.BytesIO(bytes(decode.BYTE_CAP + 1000))
    assert "20 MB" in refused(endless)
    assert endless.tell() == decode.BYTE_CAP + 1


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "empty"),
        (b"a shopping list\n", "text"),
        ("Käse und Öl\n".encode() * 200, "text"),
        (b"   \n", "text"),
        (b"BMW is a car, not a bitmap", "text"),
        (b"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"%PDF-1.7\n%\xe2\xe3", "PDF"),
        (b"PK\x03\x04\x14\0\0\0", "archive"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isommp42", "video"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "damaged"),
        (b"\x89PNG\r\n\x1a\n", "damaged"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "text"),
        (bytes(range(128, 256)), "format"),
        (bytes(64), "format"),
    ],
)
def test_things_that_are_no_pictures(data, word):
    assert word in refused(data)


def test_formats_outside_the_list_are_refused():
    for kind in ("ICO", "TGA", "PCX", "ICNS"):
        refused(encoded(PHOTO.resize((32, 32)), kind))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP"])
def test_a_truncated_picture_is_refused(kind):
    data = encoded(PHOTO, kind)
    for share in (0.3, 0.6, 0.9):
        refused(data[: int(len(data) * share)])


def test_icc_profile_is_converted():
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    close(images.load(encoded(PHOTO, "PNG", icc_profile=lab)), PIXELS)  # a profile for other colours: ignored
    close(images.load(encoded(PHOTO, "PNG", icc_profile=b"rubbish")), PIXELS)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    close(images.load(encoded(PHOTO, "PNG", icc_profile=srgb)), PIXELS)


@pytest.mark.skipif(not features.check("littlecms2"), reason="Pillow was built without LittleCMS")
def test_another_rgb_profile_changes_the_colours():
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = swap_red_and_blue(srgb)
    red = Image.new("RGB", (8, 8), (255, 0, 0))
    result = np.asarray(images.load(encoded(red, "PNG", icc_profile=swapped)))[0, 0]
    assert result[2] > 250 and result[0] < 10


def swap_red_and_blue(profile):
    """The profile with the rXYZ and bXYZ tags exchanged, and a description that does not name sRGB."""
    data = bytearray(profile.replace(b"s\0R\0G\0B", b"o\0t\0h\0r").replace(b"sRGB ", b"othr "))
    for at in range(132, 132 + 12 * struct.unpack_from(">I", data, 128)[0], 12):
        name = bytes(data[at : at + 4])
        data[at : at + 4] = {b"rXYZ": b"bXYZ", b"bXYZ": b"rXYZ"}.get(name, name)
    return bytes(data)


VALID = [encoded(PHOTO, kind) for kind in ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP")]
VALID += [
    encoded(PHOTO, "JPEG", progressive=True),
    encoded(PHOTO, "TIFF", compression="tiff_lzw"),
    encoded(PHOTO.convert("P"), "PNG"),
    encoded(PHOTO, "GIF", save_all=True, append_images=[PHOTO.rotate(9)]),
]
FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


def picture_or_sentence(data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            result = images.load(data)
        except images.ImageError as error:
            assert re.fullmatch(r"[A-Z].*\.", str(error))
        else:
            assert result.mode == "RGB" and min(result.size) >= 1 and max(result.size) <= decode.LONG_SIDE
            assert len(result.tobytes()) == 3 * result.width * result.height


@FUZZ
@given(
    st.binary(max_size=300),
    st.sampled_from(
        [b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM", b"II*\0", b"MM\0*", b"P6 ", b"Pf\n"]
    ),
)
def test_fuzz_random_bytes(data, start):
    picture_or_sentence(start + data)


@FUZZ
@given(st.sampled_from(VALID), st.floats(0, 1))
def test_fuzz_truncation(data, share):
    picture_or_sentence(data[: int(len(data) * share)])


@FUZZ
@given(
    st.sampled_from(VALID),
    st.lists(st.tuples(st.integers(0, 2**20), st.integers(0, 255)), max_size=12),
    st.sampled_from([64, 400, 2**20]),
)
def test_fuzz_byte_flips(data, flips, reach):
    changed = bytearray(data)
    for at, byte in flips:
        changed[at % min(reach, len(changed))] = byte
    picture_or_sentence(bytes(changed))


def test_sixteen_threads_agree_with_one():
    broken = [data[:200] for data in VALID]
    jobs = (VALID + broken) * 8

    def outcome(data):
        try:
            return images.digest(images.load(data))
        except images.ImageError as error:
            return str(error)

    alone = [outcome(data) for data in jobs]
    before = Image.MAX_IMAGE_PIXELS
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(outcome, jobs)) == alone
    assert before == Image.MAX_IMAGE_PIXELS


def test_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    for data in VALID:
        images.load(data)
    assert not list(tmp_path.iterdir())


def test_digest_tells_pictures_apart():
    changed = PIXELS.copy()
    changed[20, 30, 1] ^= 1
    names = {
        images.digest(picture)
        for picture in (PHOTO, Image.fromarray(changed), PHOTO.convert("L"), Image.fromarray(PIXELS.reshape(60, 40, 3)))
    }
    assert len(names) == 4
    assert images.digest(PHOTO) == images.digest(PHOTO.copy())
    assert re.fullmatch("[0-9a-f]{32}", images.digest(PHOTO))


def test_digest_counts_the_palette():
    first, second = Image.new("P", (4, 4)), Image.new("P", (4, 4))
    first.putpalette([1, 2, 3])
    second.putpalette([3, 2, 1])
    assert images.digest(first) != images.digest(second)
