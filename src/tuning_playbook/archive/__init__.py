"""A study in one file: make it, check it, train its trials again."""
