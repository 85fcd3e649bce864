"""The rules: what is looked at before pixels move, and what is done about it."""
