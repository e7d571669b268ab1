"""Registered explanations of a class: one entry each, with its parameters, notes and cost."""

from vizcore.methods.registry import METHODS, Attribution, Method, Param, names, run

__all__ = ["METHODS", "Attribution", "Method", "Param", "names", "run"]
