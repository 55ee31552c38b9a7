"""What decides a trial's numbers: the hash of this folder is the engine's version."""
