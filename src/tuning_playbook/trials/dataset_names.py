"""Names that the dataset has for what is measured, and those that it keeps for other things."""

LOGGED = ("train_loss", "grad_norm", "grad_norm_max", "update_norm", "learning_rate_t")
"""What may be logged while a trial trains, by the names of the dataset."""

TAKEN = {
    *LOGGED,
    *("trial", "eval_step", "split", "train_step", "rank", "grad_norm_bin"),
    *("objective", "best_step", "best_steps", "status", "infeasible_reason"),
    *("index", "arm", "seed", "fingerprint", "source_trial", "ended_early", "rerun", "rerun_of"),
    *("grad_norm_count", "grad_norm_p90", "clipped_share"),
}
"""Names that the dataset gives to other things, and no metric may bear."""
