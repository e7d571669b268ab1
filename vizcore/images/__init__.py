"""Pictures in: decoding uploads, the part that is seen, gallery and collections, composites with masks, handwriting."""

from vizcore.images.decode import ImageError, digest, load

__all__ = ["ImageError", "digest", "load"]
