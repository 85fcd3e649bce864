"""Settings that all tests share."""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# albumentations asks a server for its newest version when imported; tests use no network.
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

# Deadlines and slow draws depend on how busy the machine is, not on the code.
settings.register_profile("local", deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile(
    "ci",
    deadline=None,
    max_examples=50,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ci" if os.environ.get("CI") else "local")

# Triton, which PyTorch for GPUs brings, crashes the process where TensorFlow was loaded before it.
if importlib.util.find_spec("tensorflow") and importlib.util.find_spec("triton"):
    importlib.import_module("triton")


def needs(*modules: str) -> pytest.MarkDecorator:
    """Skip, with the reason, where an optional framework is missing; where CI is set, missing ones fail instead."""
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    return pytest.mark.skipif(bool(missing) and not os.environ.get("CI"), reason=f"needs {', '.join(missing)}")


QUIET = (
    "--no-sandbox",  # containers run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium through Playwright; where it is missing its tests are skipped, but not in CI."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    missing = [name for name in ("playwright", "axe_core_python") if importlib.util.find_spec(name) is None]
    missing += [] if path else ["chromium"]
    if missing:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"needs {', '.join(missing)}")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        running = play.chromium.launch(executable_path=path, args=list(QUIET))
        yield running
        running.close()
