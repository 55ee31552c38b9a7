"""Everything that decides a trial's numbers: this folder's hash is the engine's version."""
