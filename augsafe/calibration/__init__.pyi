from .procedure import calibrate as calibrate
from .procedure import check_limits as check_limits
from .result import Calibration as Calibration
from .result import Certificate as Certificate
from .single import Single as Single
from .trivial import SafeTrivialAugment as SafeTrivialAugment
from .words import render as render
