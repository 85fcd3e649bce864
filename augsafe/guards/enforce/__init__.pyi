from .enforcer import ACTIONS as ACTIONS
from .enforcer import Enforcer as Enforcer
from .enforcer import OnViolation as OnViolation
from .enforcer import actions_of as actions_of
from .log import Log as Log
