"""From a study to its points."""
