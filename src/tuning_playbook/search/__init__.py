"""From a study to its trials: where to search, and what each trial is."""
