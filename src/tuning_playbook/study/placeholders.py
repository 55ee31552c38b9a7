"""Arguments of a command with places for values: `--lr={learning_rate}`; `{{` writes a brace."""

from collections.abc import Mapping
from string import Formatter

from tuning_playbook.declarations import Value
from tuning_playbook.errors import SpecError


def names_in(text: str) -> tuple[str, ...]:
    """Return the names that stand in braces in a text, in their order.

    Raises:
        SpecError: A brace is alone, or holds more than a name; the message does not name the place.
    """
    try:
        found = list(Formatter().parse(text))
    except ValueError as error:
        raise SpecError(
            f"{text!r}: {str(error).lower()}; write '{{{{' and '}}}}' for braces themselves"
        ) from None
    for _, name, form, conversion in found:
        if name is not None and (form or conversion or not name.isidentifier()):
            raise SpecError(
                f"{text!r}: braces hold the name of one value and no more, as {{learning_rate}}; "
                "write '{{' and '}}' for braces themselves"
            )
    return tuple(name for _, name, _, _ in found if name is not None)


def fill(text: str, values: Mapping[str, Value]) -> str:
    """Return a text with values in its places.

    A number is written so that reading it gives the same number, true and false as in YAML, and a
    text as it is.

    Example:
        >>> fill("--lr={learning_rate}", {"learning_rate": 0.1 + 0.2})
        '--lr=0.30000000000000004'
        >>> fill("{{{name}}}", {"name": 'a "b"'})
        '{a "b"}'
    """
    written = []
    for before, name, _, _ in Formatter().parse(text):
        written += [before] if name is None else [before, _write(values[name])]
    return "".join(written)


def _write(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else repr(value)
