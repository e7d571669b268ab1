"""Experiments that test a network or an explanation: randomization, corruptions, attacks and more."""

__all__ = [
    "attacks",
    "compare",
    "corruptions",
    "perturbation",
    "randomization",
    "robustness",
    "segmentation",
    "segmentation_bench",
]
