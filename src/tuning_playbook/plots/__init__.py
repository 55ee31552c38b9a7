"""Pure functions from datasets and findings to matplotlib figures; none computes a statistic."""
