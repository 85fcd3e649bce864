"""Pages opened in a browser: what they ask for, what they complain of, and whether everybody can read them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Opened:
    """A page with what it asked for outside of itself, and what it complained of."""

    page: Any
    outside: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def accessibility(self) -> list[str]:
        """Serious and critical findings of axe-core, each with what it is about."""
        from axe_core_python.sync_playwright import Axe

        found = Axe().run(self.page)
        return [
            f"{v['id']}: {node['html'][:120]}"
            for v in found["violations"]
            if v["impact"] in ("serious", "critical")
            for node in v["nodes"]
        ]


@contextmanager
def opened(browser: Any, path: Path, scheme: str = "light", width: int = 1200) -> Iterator[Opened]:
    """A file, opened in a window of its own."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    seen = Opened(page)
    page.on("console", lambda m: seen.complaints.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    page.on(
        "request",
        lambda r: None if r.url == path.as_uri() or r.url.startswith("data:") else seen.outside.append(r.url),
    )
    page.goto(path.as_uri())
    try:
        yield seen
    finally:
        context.close()
