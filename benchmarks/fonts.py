"""The fonts on this machine, and glyphs drawn from them."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

FOLDERS = ("/usr/share/fonts", "/usr/share/texmf/fonts")


@lru_cache(maxsize=1)
def font_files() -> dict[str, Path]:
    """The font files by name without ".ttf" or ".otf": the system's, else those that come with matplotlib."""
    folders = [Path(folder) for folder in FOLDERS]
    try:
        import matplotlib

        folders.append(Path(matplotlib.get_data_path()) / "fonts" / "ttf")
    except ImportError:
        pass
    found: dict[str, Path] = {}
    for folder in folders:
        for path in sorted(folder.rglob("*.[ot]tf")):
            found.setdefault(path.stem, path)
    return found


def ink(glyph: str, font: str, side: int) -> np.ndarray:
    """A glyph's ink as levels in [0, 1] (side, side): cut out, scaled by its longer side, centred."""
    face = ImageFont.truetype(str(font_files()[font]), 160)
    canvas = Image.new("L", (640, 480))
    ImageDraw.Draw(canvas).text((160, 120), glyph, fill=255, font=face)
    cut = canvas.crop(canvas.getbbox())
    scale = side / max(cut.size)
    width, height = (max(1, round(length * scale)) for length in cut.size)
    out = Image.new("L", (side, side))
    out.paste(cut.resize((width, height), Image.Resampling.BOX), ((side - width) // 2, (side - height) // 2))
    return np.asarray(out, np.float32) / 255
