"""From what a study found to the spec of the next round."""
