"""Trials: their identity, their results, their files."""
