from .bounds import Reach as Reach
from .bounds import reach as reach
from .codes import SYMMETRY_RULES as SYMMETRY_RULES
from .static import DRAWS as DRAWS
from .static import PRECEDENCE as PRECEDENCE
from .static import StaticResult as StaticResult
from .static import static_check as static_check
from .static import step_verdicts as step_verdicts
