"""The base class of the settings of procedures."""

from collections.abc import Mapping
from typing import ClassVar

from tuning_playbook.declarations import Value
from tuning_playbook.study.base import Shape


class ProcedureShape(Shape):
    """The settings that every procedure has.

    Attributes:
        VALUES: Placeholders for the values of its conclusion, by name. A study that takes such a
            value can be checked before it is known.
    """

    VALUES: ClassVar[Mapping[str, Value]] = {}
    name: str
