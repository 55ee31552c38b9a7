"""`CITATION.cff`: how a study is cited, with the software and the playbook that made it.

Source: Citation File Format 1.2.0.
"""

import datetime
import io

from ruamel.yaml import YAML

import tuning_playbook
from tuning_playbook.archive.described import Described

NAME = "CITATION.cff"

PLAYBOOK = {
    "type": "generic",
    "title": "Deep Learning Tuning Playbook",
    "authors": [
        {"family-names": "Godbole", "given-names": "Varun"},
        {"family-names": "Dahl", "given-names": "George E."},
        {"family-names": "Gilmer", "given-names": "Justin"},
        {"family-names": "Shallue", "given-names": "Christopher J."},
        {"family-names": "Nado", "given-names": "Zachary"},
    ],
    "year": 2023,
    "url": "https://github.com/google-research/tuning_playbook",
}


def citation(about: Described) -> bytes:
    """Return the content of `CITATION.cff`.

    If no author is named, the study's authors are cited as a group.
    """
    software = {
        "type": "software",
        "title": "The Deep Learning Tuning Playbook as a Snakemake workflow",
        "authors": [{"name": "The tuning-playbook contributors"}],
        "version": tuning_playbook.__version__,
        "license": "Apache-2.0",
    }
    key = "license-url" if "://" in about.license else "license"
    content = {
        "cff-version": "1.2.0",
        "message": "If you use this study, please cite it, its software and the playbook.",
        "type": "dataset",
        "title": about.title,
        "authors": [{"name": about.author or f"The authors of the study {about.study}"}],
        "date-released": datetime.date.fromisoformat(about.published[:10]),
        **({key: about.license} if about.license else {}),
        "references": [software | ({"commit": about.commit} if about.commit else {}), PLAYBOOK],
    }
    text = io.StringIO()
    YAML(pure=True).dump(content, text)  # in this order, each key on its own line
    return text.getvalue().encode()
