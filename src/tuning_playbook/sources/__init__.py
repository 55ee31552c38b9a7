"""Trials that were finished before, read as those of a study. Pure Python: specs need it."""
