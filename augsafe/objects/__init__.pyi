from .finding import Cache as Cache
from .finding import Objects as Objects
from .finding import asked_for as asked_for
from .finding import inspect as inspect
from .finding import regions_of as regions_of
from .grid import GRID as GRID
from .grid import Weights as Weights
