"""From a study to the points of its search."""
