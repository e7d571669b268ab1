"""How long the page on robustness makes people wait: corruptions, curves, attacks.

python tests/bench/bench_robustness.py [network]
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import torch

from vizcore import methods, models
from vizcore.evaluation import attacks, corruptions, robustness
from vizcore.images import gallery

LEVELS = (0, 0.25, 0.5, 1, 2, 4, 8, 16)


def timed(work, times: int = 1) -> float:
    """Seconds of the quickest run."""
    took = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        took.append(time.perf_counter() - start)
    return min(took)


def main() -> None:
    net = models.load(sys.argv[1] if len(sys.argv) > 1 else models.DEFAULT)
    torch.set_num_threads(1)  # as the dashboard
    square = net.crop(gallery.open_image(gallery.find("gallery", "koala")))
    x = net.preprocess(square, crop=False)
    said = int(net(x).argmax())
    print(f"{net.title}, one thread, {time.strftime('%Y-%m-%d')}")
    for name in corruptions.names():
        print(f"  {name:18} {1000 * timed(lambda name=name: corruptions.corrupt(square, name, 3), 3):6.0f} ms")
    print(f"  one corruption, the gallery, five severities {timed(lambda: robustness.measure(net, ['fog'])):6.1f} s")
    bounds = [level / 255 for level in LEVELS]
    print(f"  FGSM, all bounds        {timed(lambda: attacks.fgsm_path(net, x, said, bounds), 2):6.2f} s")
    print(f"  PGD, one path           {timed(lambda: attacks.pgd_path(net, x, said, bounds)):6.2f} s")
    path = attacks.pgd_path(net, x, said, bounds)

    def answer() -> None:
        """What one move of the slider computes: the map of a picture of the path."""
        methods.run("saliency", net, path.points[4:5], said)

    print(f"  the slider's new map    {timed(answer, 5):6.2f} s")
    for method in attacks.EXPLANATIONS:
        if method != "grad_cam" or net.cam_layer:
            took = timed(lambda method=method: attacks.move_explanation(net, x, said, 2 / 255, method))
            print(f"  attack on {method:16} {took:6.1f} s")


if __name__ == "__main__":
    main()
