"""Numbers as the languages that train models print them."""

import re

NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?(?:nan|inf|infinity)"

PLAIN = re.compile(NUMBER, re.IGNORECASE)

CALLED = re.compile(
    r"(?:(?:np|numpy|jnp)\.(?:float|bfloat|int|uint)\d+"
    r"|(?:torch\.|tf\.)?[tT]ensor|(?:jnp\.|np\.)?(?:Device)?[aA]rray|Decimal)"
    rf"\(['\"]?({NUMBER})['\"]?(?:\s*,.*)?\)",
    re.IGNORECASE,
)
"""What NumPy, PyTorch, TensorFlow, JAX and Python's decimal numbers print of one number."""

OTHER_EXPONENT = re.compile(r"([+-]?\d*\.\d*)[dDfF]((?:[+-]?\d+)?)")
"""Fortran's double precision has a d before the exponent, Julia's single precision an f, and C and
Java an f alone."""

THOUSANDS = re.compile(
    r"[+-]?[1-9]\d{0,2}(?:([,'_ \u00a0\u2009\u202f\u2019])\d{3})(?:\1\d{3})*(?:\.\d+)?"
)

NO_NUMBER = re.compile(r"-?(?:nan\((?:ind|snan)?\)|1\.#(?:ind|qnan|snan)\d*)", re.IGNORECASE)
INFINITE = re.compile(r"(-?)1\.#inf\d*", re.IGNORECASE)
"""What C prints on Windows."""

MINUS = "\u2212"
"""The sign that word processors and some plotting tools write for a minus."""


def printed_number(text: str, *, thousands: bool) -> float | None:
    """Return the number in a text that is none to Python; None where it is none at all.

    Args:
        text: As it is in the source, without spaces around it.
        thousands: Whether what may separate thousands does: `1,000` may also be two numbers.

    Example:
        >>> [printed_number(text, thousands=True) for text in ("tensor(0.1)", "1.0D-3", "12,500")]
        [0.1, 0.001, 12500.0]
        >>> printed_number("64,64", thousands=True)
    """
    written, text = text, text.replace(MINUS, "-")
    if NO_NUMBER.fullmatch(text):
        return float("nan")
    if found := INFINITE.fullmatch(text):
        return float(f"{found[1]}inf")
    if found := CALLED.fullmatch(text):
        return float(found[1])
    if found := OTHER_EXPONENT.fullmatch(text):
        text = f"{found[1]}e{found[2] or 0}"
    elif thousands and (found := THOUSANDS.fullmatch(text)):
        text = text.replace(found[1], "")
    return float(text) if text != written and PLAIN.fullmatch(text) else None
