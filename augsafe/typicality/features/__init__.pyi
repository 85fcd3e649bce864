from .builtin import Builtin as Builtin
from .builtin import Unslanted as Unslanted
from .extract import Extractor as Extractor
from .extract import extractor as extractor
from .model import Model as Model
