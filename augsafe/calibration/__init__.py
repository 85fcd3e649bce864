"""The largest strength of a policy that can be shown to be safe."""

from augsafe.calibration.calibrate import calibrate
from augsafe.calibration.result import Calibration, Certificate
from augsafe.calibration.single import Single
from augsafe.calibration.trivial import SafeTrivialAugment

__all__ = ["Calibration", "Certificate", "SafeTrivialAugment", "Single", "calibrate"]
