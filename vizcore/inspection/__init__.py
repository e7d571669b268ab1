"""What lies inside: weights, maps, units, neurons, gradients of layers, projections."""

__all__ = [
    "activations",
    "cam_steps",
    "chain_rule",
    "contact_sheet",
    "effective_field",
    "embeddings",
    "explainer",
    "features",
    "filters",
    "layer_gradients",
    "likeness",
    "neurons",
    "other_unit",
    "picture_maps",
    "preferred",
    "relu_step",
    "signs",
    "top_patches",
    "unit_classes",
    "unit_gradients",
]
