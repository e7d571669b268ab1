"""Take the README's screenshots: start the dashboard, open the pages in headless Chromium, write JPEG files.

Usage: python docs/screenshots.py  (needs tests/requirements.txt and Debian's chromium)
"""

import io
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from browser import conftest

SHOTS = {
    "overview": ("overview?image=giant_panda", "light"),
    "cnn_explainer": ("cnn_explainer?digit=12&focus=conv1_2:3:12:10:-1", "light"),
    "grad_cam": ("grad_cam?image=dog_bicycle_car&class=249&versus=444", "light"),
    "guided_grad_cam": ("guided_grad_cam?image=jaguar", "dark"),
    "saliency": ("saliency?image=koala", "light"),
    "gradients": ("gradients?image=jaguar", "dark"),
    "layer_by_layer": ("layer_by_layer?image=koala", "light"),
    "embeddings": ("embeddings?image=giant_panda", "light"),
    "caveats": ("caveats?image=koala", "light"),
    "bias": ("bias", "light"),
    "robustness": ("robustness?image=koala", "dark"),
    "timeline": ("timeline?image=giant_panda&family=class+activation", "light"),
}


def main() -> None:
    """Write docs/<name>.jpg for every entry of SHOTS."""
    process, address = conftest.start_server()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=conftest.ARGUMENTS)
            for name, (path, scheme) in SHOTS.items():
                context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme=scheme)
                window = conftest.Visitor(context.new_page(), address).open(path)
                window.page.wait_for_timeout(2500)
                picture = Image.open(io.BytesIO(window.page.screenshot()))
                picture.convert("RGB").save(ROOT / "docs" / f"{name}.jpg", quality=85, optimize=True)
                context.close()
            browser.close()
    finally:
        process.terminate()


if __name__ == "__main__":
    main()
