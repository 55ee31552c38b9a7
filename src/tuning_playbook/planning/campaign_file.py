"""The file of a campaign's page, which shows all rounds of one workload."""

import re

from tuning_playbook.planning.plan import slug

FOLDER = "campaigns"
"""The folder of the pages, in the folder of all results."""

PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def campaign_file(workload: str) -> str:
    """Return the file of a campaign's page, relative to the folder of all results.

    Args:
        workload: Its name in the specs.

    Example:
        >>> campaign_file("digits_mlp"), campaign_file("my_model:MyModel")
        ('campaigns/digits_mlp.html', 'campaigns/my-model-MyModel-800e28.html')
    """
    name = workload if PLAIN.fullmatch(workload) else slug(workload)
    return f"{FOLDER}/{name}.html"
