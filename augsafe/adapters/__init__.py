"""Augmented images in training loops: one module a framework, which alone imports it."""
