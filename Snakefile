include: "workflow/Snakefile"


# An included file cannot set the default target, so it is named again here.
rule default:
    default_target: True
    input:
        rules.all.input,
