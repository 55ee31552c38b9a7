"""Imported trials, read as those of a study. Pure Python: specs need it."""
