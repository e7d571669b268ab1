"""Caveats: the first full cascade of one picture by every quick method, and one step of the slider once computed.

Usage: python tests/bench/bench_caveats.py
"""

import statistics
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]

import torch
from page_visits import open_page

from vizcore import models
from vizcore.evaluation import randomization
from vizcore.images import gallery


def cascade() -> float:
    """Seconds for all steps of SqueezeNet's cascade: methods, similarities and complexities, on one thread."""
    torch.set_num_threads(1)
    net = models.load("squeezenet1_1")
    x = net.preprocess(gallery.open_image(gallery.find("gallery", "koala")))
    target = int(net(x)[0].argmax())
    start, cpu = time.perf_counter(), time.process_time()
    trained, _ = randomization.explain(net, x, target)
    references = {name: randomization.Reference(values, net.input_size) for name, values in trained.items()}
    parts = [stage.layers[0] for stage in randomization.stages(net)]
    for at, (_, twin) in enumerate(randomization.cascade(net, 0, parts), 1):
        found, _ = randomization.explain(twin, x, target, noise=at)
        for name, values in found.items():
            references[name].similarity(values)
            randomization.complexity(values)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    print(f"cascade: {len(found)} methods, {len(parts)} parts: {seconds:.1f} s, of which {cpu:.1f} s on the processor")
    return seconds


def steps() -> None:
    """Milliseconds of one step of the slider on the whole page, first and once computed."""
    for methods in ("6, before and after", "15 methods"):
        app = open_page("caveats", model="squeezenet1_1", image="koala", method_set=methods, part="Why user studies")
        slider = app.select_slider(key="down_to")
        for label in ("first", "once computed"):
            times, cpu = [], []
            for option in slider.options[1:]:
                start, before = time.perf_counter(), time.process_time()
                app.select_slider(key="down_to").set_value(option).run()
                times.append(time.perf_counter() - start)
                cpu.append(time.process_time() - before)
            median, processor = (1000 * statistics.median(several) for several in (times, cpu))
            said = f"median {median:.0f} ms, slowest {1000 * max(times):.0f} ms (processor {processor:.0f} ms)"
            print(f"{methods}, {label}: {said}")


if __name__ == "__main__":
    cascade()
    steps()
