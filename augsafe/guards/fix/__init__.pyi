from .demands import Rates as Rates
from .demands import Trial as Trial
from .kept import kept_share as kept_share
from .nearest import fixed_policy as fixed_policy
