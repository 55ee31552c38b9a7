"""The cache is warmed in the environment of the validator, which has packages that ours lacks."""

collect_ignore = ["warm_cache.py"]
