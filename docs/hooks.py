"""What the site is given when it is built: the gallery, drawn from the code, and the list of decisions."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


def on_files(files: Files, config: Any) -> Files:
    """Draw every transform, as files that only the site has."""
    from PIL import Image

    from examples.gallery import pictures

    for name, grid in pictures().items():
        buffer = io.BytesIO()
        Image.fromarray(grid.image).save(buffer, "PNG")
        files.append(File.generated(config, f"images/gallery/{name}.png", content=buffer.getvalue()))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Complete the two pages that list what there is."""
    if page.file.src_uri == "gallery.md":
        return markdown + "".join(_section(f.src_uri) for f in files if f.src_uri.startswith("images/gallery/"))
    if page.file.src_uri == "decisions/index.md":
        records = sorted(Path(config["docs_dir"]).glob("decisions/0*.md"))[1:]
        return markdown + "".join(f"- [{_title(path)}]({path.name})\n" for path in records)
    return markdown


def _section(picture: str) -> str:
    name = Path(picture).stem
    return f"\n## {name}\n\n![{name}, from one end of its ranges to the other]({picture})\n"


def _title(path: Path) -> str:
    return path.read_text(encoding="utf-8").splitlines()[0].lstrip("# ")
