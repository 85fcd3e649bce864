"""What the site is given when it is built: the list of decisions."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Complete the page that lists what there is."""
    if page.file.src_uri == "decisions/index.md":
        records = sorted(Path(config["docs_dir"]).glob("decisions/0*.md"))[1:]
        return markdown + "".join(f"- [{_title(path)}]({path.name})\n" for path in records)
    return markdown


def _title(path: Path) -> str:
    return path.read_text(encoding="utf-8").splitlines()[0].lstrip("# ")
