"""Images as numbers in which the same class is close together: built in, or from the user's model."""

from augsafe.features.builtin import Builtin, Unslanted
from augsafe.features.extract import Extractor, extractor
from augsafe.features.model import Model

__all__ = ["Builtin", "Extractor", "Model", "Unslanted", "extractor"]
