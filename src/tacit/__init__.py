"""Tacit: institutions compute together on data that none of them shows."""

from tacit.base.errors import TacitError
from tacit.compile import array as xp
from tacit.run.job import PRODUCT_VERSION as __version__
from tacit.run.secure import secure, sim

__all__ = ["TacitError", "__version__", "secure", "sim", "xp"]
