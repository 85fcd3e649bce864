from .batches import Worker as Worker
from .joining import joined as joined
from .loader import Loader as Loader
from .mixing import CutMix as CutMix
from .mixing import Mix as Mix
from .mixing import Mixer as Mixer
from .mixing import MixUp as MixUp
from .repeats import check_loader as check_loader
