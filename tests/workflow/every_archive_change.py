"""Five hundred random changes to an archive: `make archive-changes`, or CHANGES=50 for fewer.

`test_archive_changes.py` is its sample.
"""

import os
from collections import Counter

import numpy as np
import pytest

from tests.workflow.archive_changes import Whole

pytestmark = pytest.mark.workflow

CHANGES = int(os.environ.get("CHANGES", "500"))


def test_each_is_found_or_listed_or_read_by_nobody(archived, tmp_path):
    whole, rng = Whole(archived.path, tmp_path), np.random.default_rng(7)
    changes = [whole.change(rng) for _ in range(CHANGES)]
    print(Counter(change.outcome for change in changes))
    assert [change for change in changes if change.outcome == "missed"] == []
