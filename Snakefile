include: "workflow/Snakefile"


# An included file cannot set the default target, so it is named again here.
rule default:
    """The same as all."""
    default_target: True
    input:
        rules.all.input,
