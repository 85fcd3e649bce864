"""Makes the planted learners importable, in worker processes too."""

import os
import sys
from pathlib import Path

HERE = str(Path(__file__).resolve().parent)
ROOT = str(Path(__file__).resolve().parent.parent.parent)
sys.path.insert(0, HERE)
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [HERE, ROOT, os.environ.get("PYTHONPATH", "")]))
