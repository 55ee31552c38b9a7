"""Adopting a launch: a separate, recorded act that makes a candidate the new baseline."""
