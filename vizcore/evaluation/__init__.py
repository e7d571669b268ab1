"""Experiments that test a network or an explanation: randomization, perturbation, segmentation."""

__all__ = ["compare", "perturbation", "randomization", "segmentation", "segmentation_bench"]
