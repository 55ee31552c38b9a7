"""The dataset's names for logged values, and names that no metric may have."""

LOGGED = ("train_loss", "grad_norm", "grad_norm_max", "update_norm", "learning_rate_t")
"""Values that may be logged while a trial trains, by their names in the dataset."""

TAKEN = {
    *LOGGED,
    *("trial", "eval_step", "split", "train_step", "rank", "grad_norm_bin"),
    *("objective", "best_step", "best_steps", "status", "infeasible_reason"),
    *("index", "arm", "seed", "fingerprint", "source_trial", "ended_early", "rerun", "rerun_of"),
    *("grad_norm_count", "grad_norm_p90", "clipped_share"),
}
"""Names that the dataset uses for other things, so that no metric may have them."""
