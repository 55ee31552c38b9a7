"""Recipes of several rounds: from a study's result to the next study."""
