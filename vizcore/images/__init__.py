"""Pictures in: decoding uploads, the gallery and collections, composites with masks, handwriting."""

from vizcore.images.decode import ImageError, digest, load

__all__ = ["ImageError", "digest", "load"]
