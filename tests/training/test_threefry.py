import numpy as np
import pytest

from tuning_playbook.training.threefry import WORD, threefry

PUBLISHED = [
    ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
    ((WORD, WORD), (WORD, WORD), (0x1CB996FC, 0xBB002BE7)),
    ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
]
"""Key, words and hash: the known answers that come with the authors' Random123."""


@pytest.mark.parametrize(("key", "words", "expected"), PUBLISHED)
def test_the_hash_is_the_published_one(key, words, expected):
    assert threefry(key, *words) == expected


def test_many_words_are_hashed_at_once():
    words = np.arange(2**32 - 5, 2**32, dtype=np.uint32)
    together = np.transpose(threefry((3, 4), 0, words))
    assert together.tolist() == [list(threefry((3, 4), 0, int(word))) for word in words]
