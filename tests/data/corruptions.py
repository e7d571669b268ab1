"""Writes corruptions.json: what the reference package makes of a few pictures, and checksums of our own results.

    pip install --no-deps --target /tmp/reference imagecorruptions-imaug==1.1.5
    PYTHONPATH=.:/tmp/reference python tests/data/corruptions.py

Without its requirements, since those bring a second OpenCV; those of the tests are enough.
"""

import json
import sys
import zlib
from pathlib import Path

import numpy as np
from imagecorruptions import corruptions as reference
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from vizcore.evaluation import corruptions
from vizcore.images import gallery

PICTURES, SIDE, SMALL = ("koala", "jaguar", "coffee"), 96, 48
VARIED = {"frost": 12, "fog": 8, "spatter": 24, "snow": 4, "motion_blur": 4}  # seeds: of those that differ much by lot


def square(name: str, side: int) -> Image.Image:
    picture = gallery.open_image(gallery.find("gallery", name))
    return picture.resize((side, side), Image.Resampling.BICUBIC, box=(0, 0, *[min(picture.size)] * 2))


def shuffle(d0, d1, x, c, seed):
    """The reference's shuffling of glass blur as it stands, without the compiler's own random numbers."""
    for _ in range(c[2]):
        for h in range(d0 - c[1], c[1], -1):
            for w in range(d1 - c[1], c[1], -1):
                dx, dy = np.random.randint(-c[1], c[1], size=(2,))  # noqa: NPY002
                x[h, w], x[h + dy, w + dx] = x[h + dy, w + dx], x[h, w]
    return x


def spoiled(name: str, picture: Image.Image, severity: int, seed: int) -> np.ndarray:
    np.random.seed(seed)  # noqa: NPY002
    extra = {"seed": np.random.default_rng(seed)} if name == "impulse_noise" else {}
    return np.asarray(getattr(reference, name)(picture, severity, **extra), dtype=float)


def main() -> None:
    reference._shuffle_pixels_njit_glass_blur = shuffle
    pattern = np.random.default_rng(1).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    ours = Image.fromarray(pattern).resize((48, 48), Image.Resampling.NEAREST)
    small = square(PICTURES[0], SMALL)
    kept: dict = {"pictures": PICTURES, "side": SIDE, "small": SMALL, "change": {}, "rows": {}, "checksums": {}}
    for name in corruptions.names():
        kept["change"][name] = [
            round(
                float(
                    np.mean(
                        [
                            np.abs(spoiled(name, square(picture, SIDE), severity, seed) - square(picture, SIDE)).mean()
                            for picture in PICTURES
                            for seed in range(VARIED.get(name, 1))
                        ]
                    )
                ),
                3,
            )
            for severity in corruptions.SEVERITIES
        ]
        kept["rows"][name] = [
            np.round(spoiled(name, small, severity, 0).mean((1, 2)), 3).tolist() for severity in corruptions.SEVERITIES
        ]
        kept["checksums"][name] = [
            zlib.crc32(corruptions.corrupt(ours, name, severity).tobytes()) for severity in corruptions.SEVERITIES
        ]
        print(name, kept["change"][name], flush=True)
    Path(__file__).with_suffix(".json").write_text(json.dumps(kept, separators=(",", ":")) + "\n", "utf-8")


if __name__ == "__main__":
    main()
