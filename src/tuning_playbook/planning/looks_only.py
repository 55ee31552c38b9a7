"""Whether a call of Snakemake only looks at the results, so that it may change nothing."""

from collections.abc import Sequence

LOOKS = frozenset(
    (
        *("--dag", "--rulegraph", "--filegraph", "--d3dag"),
        *("--summary", "-S", "--detailed-summary", "-D"),
        *("--list-changes", "--lc", "--list-input-changes", "--li"),
        *("--list-params-changes", "--lp", "--list-untracked", "--lu"),
        *("--list-rules", "--list", "-l", "--list-target-rules", "--lt", "--list-conda-envs"),
        *("--lint", "--print-compilation", "--report", "--archive", "--generate-unit-tests"),
        *("--delete-all-output", "--delete-temp-output", "--export-cwl"),
        *("--unlock", "--cleanup-metadata", "--cm", "--cleanup-shadow", "--containerize"),
        *("--conda-create-envs-only", "--conda-cleanup-envs", "--container-cleanup-images"),
    )
)
"""Options with which Snakemake runs no job. Of these it reports only the dry run to a workflow."""


def looks_only(arguments: Sequence[str]) -> bool:
    """Return whether Snakemake is called with an option with which it runs no job.

    Args:
        arguments: The arguments of its command line, without the name of the program.
    """
    given = {argument.partition("=")[0] for argument in arguments}
    return not LOOKS.isdisjoint(given) and "--report-after-run" not in given
