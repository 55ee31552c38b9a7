"""The trial and what is known of it: its identity, its result, its files."""
