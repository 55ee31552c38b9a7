import numpy as np
import pytest

from tuning_playbook.engine.threefry import threefry

WORD = 2**32 - 1

PUBLISHED = [
    ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
    ((WORD, WORD), (WORD, WORD), (0x1CB996FC, 0xBB002BE7)),
    ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
]
"""Key, words and hash: the known answers that come with the authors' Random123."""


def hashes(key, words):
    """The hashes of [hashes, 2] words."""
    first, second = np.array(words, np.uint32).T
    return np.transpose(threefry(tuple(np.array(key, np.uint32)[:, None]), first, second)).tolist()


@pytest.mark.parametrize(("key", "words", "expected"), PUBLISHED)
def test_the_hash_is_the_published_one(key, words, expected):
    assert hashes(key, [words]) == [list(expected)]


def test_many_words_are_hashed_at_once():
    words = [(0, word) for word in range(2**32 - 5, 2**32)]
    assert hashes((3, 4), words) == [hashes((3, 4), [pair])[0] for pair in words]
