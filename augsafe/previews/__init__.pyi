from .previewing import MODES as MODES
from .previewing import ROWS as ROWS
from .previewing import check_arguments as check_arguments
from .previewing import preview as preview
from .scene import spread as spread
