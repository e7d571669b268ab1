"""Experiments that test a network or an explanation: randomization, corruptions, attacks and more."""

__all__ = [
    "ablation",
    "attacks",
    "bias",
    "bias_lab",
    "compare",
    "corruptions",
    "perturbation",
    "randomization",
    "randomization_bench",
    "robustness",
    "segmentation",
    "segmentation_bench",
]
