"""Optimizers, the compiled loop, evaluation, checkpoints and packs."""
