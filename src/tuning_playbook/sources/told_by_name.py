"""What the name of a column says of it: a seed, a result of training, or which run it was."""

import re

SEEDS = frozenset({"seed", "seeds", "rngseed", "randomseed", "randomstate"})

RANDOM_STATE = ("random", "state")

SPLITS = frozenset(
    (
        *("train", "training", "tr", "val", "valid", "validation", "validate", "dev", "holdout"),
        *("test", "testing", "eval", "evaluation", "best", "final", "last"),
    )
)
"""Words that say of which data, or of which step, a result is."""

METRICS = frozenset(
    (
        *("loss", "losses", "acc", "accuracy", "err", "error", "errors", "auc", "auroc", "f"),
        *("perplexity", "ppl", "bleu", "rouge", "wer", "cer", "rmse", "mse", "mae", "mape"),
        *("nll", "elbo", "iou", "miou", "psnr", "ssim", "fid", "bpb", "bpc", "crossentropy"),
    )
)
"""Words that a metric's name has, and the name of a number that is given to a run has not."""

DOUBTFUL = frozenset(("precision", "recall", "score", "metric", "map", "dice", "reward", "return"))
"""Words that mean a metric beside a split alone: a precision of 16 is that of numbers."""

TIMES = frozenset(("time", "runtime", "duration", "elapsed", "timestamp", "walltime"))

BESIDE = frozenset(
    (
        *("min", "minimum", "max", "maximum", "mean", "avg", "average", "std", "total", "top"),
        *("at", "rate", "pct", "percent", "per", "epoch", "step", "of", "cross", "entropy"),
        *("balanced", "macro", "micro", "weighted", "ema", "end", "start", "wall", "clock"),
        *("seconds", "secs", "sec", "s", "ms", "minutes", "hours", "h", "created", "finished"),
    )
)
"""Words that stand beside those in the name of a result."""

IDENTITIES = frozenset(
    (
        *("id", "uuid", "guid", "name", "run", "job", "pid", "host", "hostname", "node", "user"),
        *("date", "datetime", "notes", "note", "comment", "comments", "commit", "hash", "path"),
        *("dir", "directory", "folder", "file", "url", "link", "tag", "tags", "index"),
    )
)
"""Words that name a run, or where and when it was, where no two runs have the same."""

WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def is_seed(name: str) -> bool:
    """Whether a column of this name holds seeds, if it holds whole numbers.

    Example:
        >>> is_seed("random_seed"), is_seed("config/runSeed"), is_seed("seeded"), is_seed("depth")
        (True, True, False, False)
    """
    words = _words(name)
    return bool(SEEDS & {*words}) or words[-2:] == RANDOM_STATE


def is_result(name: str) -> bool:
    """Whether a column of this name holds what training gave, if it holds numbers.

    Every word of the name must be one that results are named with: `loss_weight` and
    `validation_fraction` are given to a run.

    Example:
        >>> [is_result(name) for name in ("val_acc", "test/top5_error", "bestValLoss", "runtime")]
        [True, True, True, True]
        >>> [is_result(name) for name in ("loss_weight", "test_size", "precision", "max_norm")]
        [False, False, False, False]
    """
    words = {part for word in _words(name) for part in _parts(word)}
    if not words or words - SPLITS - METRICS - DOUBTFUL - TIMES - BESIDE:
        return False
    best_step = "best" in words and words & {"epoch", "step"}
    return bool(words & (METRICS | TIMES) or (words & DOUBTFUL and words & SPLITS) or best_step)


def is_identity(name: str) -> bool:
    """Whether a column of this name says which run it was, if no two runs have the same there.

    Example:
        >>> [is_identity(name) for name in ("run_id", "hostname", "start_date", "depth", "valid")]
        [True, True, True, False, False]
    """
    return bool({*_words(name)[-1:]} & IDENTITIES)


def _words(name: str) -> tuple[str, ...]:
    """Return the words of a name in lower case, without digits."""
    return tuple(word.lower() for word in WORD.findall(name))


def _parts(word: str) -> tuple[str, ...]:
    """Return a word, or the split and the metric that it is made of, as valacc is."""
    for split in SPLITS:
        if word.startswith(split) and word.removeprefix(split) in METRICS:
            return split, word.removeprefix(split)
    return (word,)
