"""The largest strength of a policy that can be shown to be safe."""

from augsafe.calibration.calibrate import calibrate
from augsafe.calibration.result import Calibration, Certificate
from augsafe.calibration.single import Single

__all__ = ["Calibration", "Certificate", "Single", "calibrate"]
