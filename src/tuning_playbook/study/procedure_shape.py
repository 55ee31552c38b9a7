"""What the settings of every procedure have."""

from collections.abc import Mapping
from typing import ClassVar

from tuning_playbook.declarations import Value
from tuning_playbook.study.base import Shape


class ProcedureShape(Shape):
    """What every procedure's settings have.

    Attributes:
        VALUES: The values of its conclusion, by name; each stands in for the value until it is
            known, so that a study that takes it can be checked.
    """

    VALUES: ClassVar[Mapping[str, Value]] = {}
    name: str
