"""Pure functions from a dataset to findings; no function here reads or writes a file."""
