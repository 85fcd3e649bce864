"""Measurements: speed against peers, and how often the guards are right."""
