"""What lies inside: weights, maps, units, neurons, gradients of layers, projections."""
