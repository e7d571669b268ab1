"""Sentences that say what the numbers of this very view say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from vizcore.figures import render
from vizcore.types import Mean

if TYPE_CHECKING:
    from vizcore.evaluation.segmentation_bench import Row
    from vizcore.inspection.relu_step import Step


def removal(logits: Mapping[str, float], share: float, name: str) -> str:
    """What the curve says at one share, in words.

    Args:
        logits: after removing the "most" salient and "random" pixels. share: in percent. name: of the class.
    """
    most, random = logits["most"], logits["random"]
    text = (
        f"With {share:g} % of the pixels gone, the most salient ones leave “{name}” a logit of {most:.3g}, as many "
        f"random ones {random:.3g}. "
    )
    if most < random:
        return text + "Here the map's pixels hurt more than random ones. Change the seed to see how much is chance."
    return text + "Here random pixels hurt at least as much: this test shows no advantage of the map."


def gradient_by_depth(names: Sequence[str], values: Sequence[float], norm: str, what: str) -> str:
    """What the sizes by depth say, in sentences: how much they change from the end to the picture."""
    pairs = [(value, name) for value, name in zip(values, names, strict=True) if value > 0]
    if len(pairs) < 2 or values[0] == 0:
        return f"The gradient of the {what} does not reach the picture: it is zero there."
    (largest, top), (smallest, low) = max(pairs), min(pairs)
    last, first = next((v, n) for v, n in reversed(pairs)), pairs[0]
    ratio = first[0] / last[0]
    change = f"{render.number(ratio)} times as large" if ratio >= 1 else f"{render.number(1 / ratio)} times smaller"
    judged = (
        "It vanishes on the way: so little arrives that plain gradient descent would hardly move early layers."
        if ratio < 1e-4
        else "It explodes on the way."
        if ratio > 1e4
        else f"Over {len(names) - 1} layers that is neither vanishing nor exploding, which would be many powers of ten."
    )
    zero = sum(value == 0 for value in values)
    return (
        f"{norm.upper()} at {last[1]}: {render.number(last[0])}; at the picture: {render.number(first[0])}, {change}. "
        f"{judged} Largest at {top} ({render.number(largest)}), smallest at {low} ({render.number(smallest)})."
        + (f" At {zero} layers it is exactly zero." if zero else "")
    )


def relu_step(step: Step, stage: str) -> str:
    """What happened at a stage, "forward" or a rule, with the numbers counted."""
    count, is_open, positive = step.f.numel(), step.open > 0, step.positive > 0
    if stage == "forward":
        clipped = int((step.out < step.f).sum())
        text = f"Forward, {int(is_open.sum())} of {count} numbers pass unchanged; what is not positive becomes 0"
        return f"{text}, and {clipped} above 6 become 6." if clipped else f"{text}."
    passed = {"backprop": is_open, "deconvnet": positive, "guided": is_open & positive}[stage]
    lead = f"{int(passed.sum())} of {count} places are open."
    if stage == "backprop":
        negative = int((is_open & (step.gradient < 0)).sum())
        return f"Backprop asks only where f passed. {lead} {negative} of the numbers sent on are negative."
    if stage == "deconvnet":
        closed = int((positive & ~is_open).sum())
        return f"Deconvnet asks only for the sign of R. {lead} {closed} of them were closed on the way forward."
    return f"Guided backpropagation asks for both. {lead}"


def whose(alike: float, what: str = "drawing") -> str:
    """What the correlation of a unit's drawing with another unit's, at the same place, says of the drawing.

    Args:
        alike: NaN where there is none. what: is drawn from both.
    """
    if np.isnan(alike):
        return f"One of the two units has no {what} here, so there is nothing to compare."
    if alike >= 0.9:
        return (
            f"Another unit gives almost the same {what}: it shows what is in the picture there, and hardly what this "
            "unit is for."
        )
    if alike >= 0.5:
        return f"Another unit gives a similar {what}: only part of this one is the unit's own."
    if alike > -0.5:
        return f"Another unit gives another {what}: this one depends on the unit."
    return f"Another unit gives nearly the opposite {what}: the same pixels with the other sign."


def units_by_lot(others: Sequence[int], typed: bool) -> str:
    """Which units stand beside, in the order of the patches.

    Args:
        typed: the reader chose it; otherwise each was drawn by lot among those active there.
    """
    if len(set(others)) == 1:
        name = f"unit {others[0]}"
        return name if typed else f"{name}, drawn by lot among those active there"
    numbers = ", ".join(map(str, others))
    return f"for each patch one drawn by lot among those active there: units {numbers}"


def _rivals(
    measured: Mapping[str, Mapping[str, Sequence[Row]]], titles: Mapping[str, str]
) -> Iterator[tuple[str, str, float, float, str]]:
    """For each kind of background its name, the best source's title, IoU from its seeds and from a box, a verdict."""
    for name, rows in measured.items():
        cuts = {title: np.array([row.cut for row in rows[source]]) for title, source in titles.items()}
        box = np.array([row.cut for row in rows["box"]])
        best = max(cuts, key=lambda title: cuts[title].mean())
        _, low, high = Mean.of(cuts[best] - box)
        found = "the map is better" if low > 0 else "the box is better" if high < 0 else "no difference beyond chance"
        yield name.lower(), best, float(cuts[best].mean()), float(box.mean()), found


def without_network(measured: Mapping[str, Mapping[str, Sequence[Row]]], titles: Mapping[str, str]) -> str:
    """What GrabCut reaches from a plain box, beside the best source, for each kind of background.

    Args:
        measured: for each background's name the rows of every source, and of "box".
        titles: the sources by their titles.
    """
    said = [
        f"on {name} {box:.2f}, from the seeds of the best map ({best}) {cut:.2f}: {found}"
        for name, best, cut, box, found in _rivals(measured, titles)
    ]
    return f"GrabCut does much of the work. Started from a plain box, without a network, it reaches {'; '.join(said)}."


def box_or_map(measured: Mapping[str, Mapping[str, Sequence[Row]]], titles: Mapping[str, str]) -> str:
    """Whether GrabCut needs the network: from the seeds of any map and from a box in the middle, per background.

    Arguments as for :func:`without_network`.
    """
    said = []
    for name, best, cut, box, found in _rivals(measured, titles):
        word = {"the map is better": "does better", "the box is better": "does worse"}.get(found, "does no better")
        said.append(
            f"on {name}, the best of {len(titles)} maps ({best}) {word} than the box (IoU {cut:.2f} and {box:.2f})"
        )
    return "; ".join(said)


def alone(title: str, on: str, rows: Sequence[Row], boxes: Sequence[Row]) -> str:
    """How much a method's strongest pixels overlap the object without any cut, beside a box in the middle."""
    ours, box = (np.array([row.threshold for row in found]) for found in (rows, boxes))
    _, low, high = Mean.of(ours - box)
    word = "more than" if low > 0 else "less than" if high < 0 else "about as much as"
    return (
        f"Without any cut, the strongest pixels of {title}, {on}, overlap the object {word} a box in the middle does "
        f"(IoU {ours.mean():.2f} and {box.mean():.2f})."
    )


def segmented(title: str, rows: Sequence[Row], boxes: Sequence[Row]) -> str:
    """What the rows say about GrabCut from a method's seeds, against three simpler tools on the same composites."""
    ours = np.array([row.cut for row in rows])
    others = {
        "the threshold of the same map": [row.threshold for row in rows],
        "GrabCut from the centre box": [row.cut for row in boxes],
        "the centre box": [row.threshold for row in boxes],
    }
    said = []
    for name, values in others.items():
        gain, low, high = Mean.of(ours - np.array(values))
        word = "better" if gain >= 0 else "worse"
        sure = "" if low > 0 or high < 0 else ", so it could be chance"
        better = int((ours > np.array(values)).sum())
        said.append(f"{abs(gain):.2f} {word} than {name} ({low:+.2f} to {high:+.2f}{sure}; better on {better})")
    return f"**{title}**, GrabCut, on the same {len(ours)} composites: {', '.join(said[:-1])}, and {said[-1]}."
