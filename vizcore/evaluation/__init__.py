"""Experiments that test a network or an explanation: randomization, perturbation, segmentation."""
