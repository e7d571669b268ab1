"""Measure what the networks say of corrupted pictures: writes assets/robustness.json and its record.

    python -m training.robustness               # corruptions
    python -m training.robustness --attacks     # attacks; keeps what the file says of corruptions

Every gallery picture with a known class, the square that the network sees of it, each of the 19 corruptions at each of
the five severities, seed 0. Attacks on the prediction: the same pictures, the class that the network says, one bound.
Attacks on the explanation: some of them, every map that can be attacked, one bound; the rank correlation of every
quick method's map before and after, and after random noise of the same size.
"""

import argparse
import json
from concurrent.futures import ProcessPoolExecutor

import torch

from training import release
from vizcore import methods, models
from vizcore.evaluation import attacks, compare, corruptions, robustness


def measure(case: tuple[str, str]) -> list[list]:
    """A network, by name, and a corruption: the answers of each severity; the clean ones where that is empty."""
    model, name = case
    torch.set_num_threads(1)
    net = models.load(model)
    found = robustness.measure(net, [name] if name else [])
    print(net.title, name, flush=True)
    rows = found.spoiled[name] if name else (found.clean,)
    return [[[one.said, round(one.probability, 4)] for one in row] for row in rows]


# Attacks.

ATTACKED, PICTURES = (
    "squeezenet1_1",
    12,
)  # network; pictures whose explanation is attacked, evenly spaced in the gallery
EPSILON, MAP_EPSILON = 1, 2  # in grey levels, on the prediction and on the explanation
METHODS = (
    "saliency",
    "input_x_gradient",
    "guided_backprop",
    "deconvnet",
    "grad_cam",
    "layer_cam",
    "guided_grad_cam",
    "edges",
)


def flipped() -> dict:
    """Of how many pictures the prediction is another one after each attack, and after random noise."""
    net = models.load(ATTACKED)
    changes = {
        "fgsm": lambda x, said: attacks.fgsm(net, x, said, EPSILON / 255),
        "pgd": lambda x, said: attacks.pgd(net, x, said, EPSILON / 255),
        "noise": lambda x, said: attacks.noise(net, x, EPSILON / 255),
    }
    counts, cases = dict.fromkeys(changes, 0), robustness.cases(net)
    for case in cases:
        x = net.preprocess(case.open())
        with torch.no_grad():
            said = int(net(x).argmax())
        for name, change in changes.items():
            with torch.no_grad():
                counts[name] += int(net(change(x, said)).argmax()) != said
    print(counts, flush=True)
    return {"model": ATTACKED, "epsilon": EPSILON, "pictures": len(cases), "flipped": counts}


def moved() -> dict:
    """For each attacked map, and for noise: by method, the rank correlation of its map before and after."""
    net = models.load(ATTACKED)
    cases = robustness.cases(net)
    chosen = [cases[n * len(cases) // PICTURES] for n in range(PICTURES)]
    found = {name: {method: [] for method in METHODS} for name in (*attacks.EXPLANATIONS, "noise")}
    for case in chosen:
        x = net.preprocess(case.open())
        with torch.no_grad():
            said = int(net(x).argmax())
        before = {method: methods.run(method, net, x, said).values for method in METHODS}
        changed = {
            name: attacks.move_explanation(net, x, said, MAP_EPSILON / 255, name).x for name in attacks.EXPLANATIONS
        } | {"noise": attacks.noise(net, x, MAP_EPSILON / 255)}
        for name, other in changed.items():
            for method in METHODS:
                after = methods.run(method, net, other, said).values
                found[name][method].append(round(compare.likeness(before[method], after, net.input_size), 4))
        print(case.title, {name: rows["saliency"][-1] for name, rows in found.items()}, flush=True)
    return {"model": ATTACKED, "epsilon": MAP_EPSILON, "pictures": [case.id for case in chosen], "alike": found}


def write(content: dict) -> None:
    """The file and its record in the manifest."""
    data = (json.dumps(content, separators=(",", ":")) + "\n").encode()
    release.measurement(
        robustness.FILE,
        data,
        "Predictions for corrupted pictures, measured",
        "training/robustness.py",
        "python -m training.robustness: the most probable class of each gallery picture with a known "
        "class, clean and under 19 corruptions at 5 severities (own code after Hendrycks & Dietterich, ICLR "
        "2019), seed 0; python -m training.robustness --attacks: predictions and maps after attacks",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--attacks", action="store_true", help="measure the attacks")
    if parser.parse_args().attacks:
        torch.set_num_threads(1)
        found = {"attacks": flipped(), "explanations": moved()}
        write(json.loads(robustness.FILE.read_text("utf-8")) | found)
        return
    todo = [(model, name) for model in robustness.MEASURED for name in ("", *corruptions.names())]
    with ProcessPoolExecutor(2) as pool:
        found = dict(zip(todo, pool.map(measure, todo), strict=True))
    measured = {
        model: {"clean": found[model, ""][0], "spoiled": {name: found[model, name] for name in corruptions.names()}}
        for model in robustness.MEASURED
    }
    pictures = [case.id for case in robustness.cases(models.load(robustness.MEASURED[0]))]
    before = json.loads(robustness.FILE.read_text("utf-8")) if robustness.FILE.exists() else {}
    write(before | {"seed": robustness.SEED, "pictures": pictures, "measured": measured})


if __name__ == "__main__":
    main()
