"""The example study and its report, made once."""

import pytest

from .example import Example, make_example


@pytest.fixture(scope="session")
def example() -> Example:
    return make_example()


@pytest.fixture(scope="session")
def page(example: Example) -> str:
    return example.render()
