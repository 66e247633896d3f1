"""Numbers as they are written in sentences, alike in the kernel and in the browser.

`js/src/words.ts` and `js/src/worth.ts` write them so too. Roundings are spelt out, for the two
languages round ties apart.
"""

from __future__ import annotations

import math


def whole(n: float) -> str:
    """Write a number without its fraction, thousands set apart; ties go up."""
    return f"{math.floor(n + 0.5):,}"


def percent(share: float) -> str:
    """Write a share in [0, 1] as a percentage to a tenth; ties go up.

    Examples
    --------
    >>> percent(0.0625)
    '6.3%'
    """
    return f"{math.floor(1000 * share + 0.5) / 10:.1f}%"


def short(value: float) -> str:
    """Write a measured value in at most four figures.

    Examples
    --------
    >>> short(0.123456), short(1234.5), short(1.5e-7)
    ('0.123', '1,235', '1.5e-7')
    """
    size = abs(value)
    if size != 0 and (size < 1e-3 or size >= 1e5):
        mantissa, exponent = f"{value:.1e}".split("e")
        return f"{mantissa}e{int(exponent):+d}"
    return whole(value) if size >= 1000 else f"{float(f'{value:.3g}'):g}"
