"""Guards that render draws of a policy and measure what they do to labelled images."""

from augsafe.measured.class_change import Given, worst
from augsafe.measured.run import Measured, measure

__all__ = ["Given", "Measured", "measure", "worst"]
