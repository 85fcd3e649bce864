"""Settings that all tests share."""

from __future__ import annotations

import importlib.util
import os

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


def needs(*frameworks: str) -> pytest.MarkDecorator:
    """Skip a test where a framework is not installed; in CI (CI=1) all are, and the test must run."""
    missing = [name for name in frameworks if importlib.util.find_spec(name) is None]
    if missing and os.environ.get("CI"):
        raise RuntimeError(f"CI must have {', '.join(missing)}")
    return pytest.mark.skipif(bool(missing), reason=f"needs {', '.join(missing or frameworks)}")
