"""The global attributes by which a dataset is found and cited.

Source: Attribute Convention for Data Discovery 1.3 (ACDD). Nothing among them differs from run to
run, so there is no date, and they name nobody. `archive.citation` says how a study is cited.
"""

from collections.abc import Iterable, Sequence

import tuning_playbook
from tuning_playbook.trials.trial import digest

PLAYBOOK = "https://github.com/google-research/tuning_playbook"


def discovery_attributes(
    study: str,
    *,
    title: str,
    summary: str,
    keywords: Iterable[str],
    trials: Sequence[str],
    history: str,
) -> dict[str, str]:
    """Return ACDD's attributes: all that it highly recommends, and those others that apply.

    Args:
        study: The study's name.
        title: One line.
        summary: What the dataset holds.
        keywords: Beside those of every study.
        trials: What tells the trials from any others, in their order.
        history: How the dataset came to be.
    """
    version = tuning_playbook.__version__
    return {
        "Conventions": "ACDD-1.3",
        "title": title,
        "summary": summary,
        "keywords": ", ".join(dict.fromkeys(["hyperparameter tuning", "deep learning", *keywords])),
        "id": f"{study}-{digest(list(trials))[:16]}",
        "naming_authority": "tuning_playbook",
        "history": history,
        "source": f"trained by tuning_playbook {version}",
        "processing_level": "as measured",
        "creator_type": "group",
        "creator_name": f"the authors of the study {study}",
        "project": "Deep Learning Tuning Playbook",
        "references": PLAYBOOK,
        "product_version": version,
        "license": "not stated here; an archive of the study says it in CITATION.cff",
    }
