"""Compute layer of the lesson: networks, methods, pictures. Every function is pure."""
