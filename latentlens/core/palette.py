"""Colours that colour-blind readers tell apart; the widget's own, `js/src/palette.ts`."""

from __future__ import annotations

from typing import Literal

Theme = Literal["light", "dark"]

OKABE_ITO = (
    "#0072b2", "#e69f00", "#009e73", "#d55e00", "#56b4e9", "#cc79a7", "#f0e442", "#000000",
)  # fmt: skip
"""The eight colours of M. Okabe and K. Ito, "Color Universal Design", 2008."""

MANY = (
    "0072b2 e69f00 009e73 d55e00 56b4e9 cc79a7 3fe596 9f366b 8962ed 885716 4e4bd1 c6ce4d 80b462 "
    "6cd9d8 73538f 758ddf cc254b ea98a8 337344 bb864b b485fe ae37a8 39a1ba f883da ceb6fc 8234b9 "
    "a35868 a46c9f f14e7c ae53d2 b56c56 f0b87c f47d19 32bb9a d794f4 4e87bb e99f7d bfb750 8a7ef7 "
    "a65e0e 6c56e0 a07c33 45b5be a0538c f17784 5cc8be c368d0 8453c8 6bdeb0 aea63e aa167d d37812 "
    "3c79f8 c22a7e 3b60aa f7a9ca 62a55d a83539 984bb7 b4065f e253ae 84c591 c787d0 4ea683 8f369c "
    "539362 a593ea 74782b 65c1e3 b66193 6ebaff 89609b e379b8 69ce62 6e76da 5fa827 a474ec 90dc61 "
    "ba0d01 b2d18a 6c3fc8 148855 f2a6eb 9d2e86 c845ac 69b68a e56cdd 8572c6 b3711a bba055 35a69d "
    "5d4cc1 1071d5 7b6de5 44983f f9928e fb63ae d075f7 f19e36 1a856c"
)
"""What `many_colours(100)` of the widget gives; its source says how they are chosen."""
N_MANY = len(MANY.split())
"""Of more classes the colours begin again."""

VIRIDIS = (
    "#440154", "#482878", "#3e4989", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58",
    "#b5de2b", "#fde725",
)  # fmt: skip
"""Ten equidistant samples of viridis (S. van der Walt, N. Smith and E. Firing, 2015, CC0)."""

SCALE_RANGE = {"light": (0.0, 0.92), "dark": (0.28, 1.0)}
"""From where to where on viridis a page of this theme can show."""
UNKNOWN = {"light": "#969696", "dark": "#828282"}
CORRECT, WRONG = OKABE_ITO[0], OKABE_ITO[3]
NEAR_WHITE = "#ececec"
"""Stands for black on a dark page."""


def class_colours(n: int, theme: Theme = "light") -> list[str]:
    """Give colours for `n` classes: Okabe-Ito up to eight, then as many as are asked for.

    Beyond a hundred they begin again.

    Examples
    --------
    >>> class_colours(2)
    ['#0072b2', '#e69f00']
    """
    if n > len(OKABE_ITO):
        many = [f"#{each}" for each in MANY.split()]
        return [many[i % len(many)] for i in range(n)]
    dark = {7: NEAR_WHITE} if theme == "dark" else {}
    return [dark.get(i, colour) for i, colour in enumerate(OKABE_ITO[:n])]


def scale_colours(n: int, theme: Theme = "light") -> list[str]:
    """Give `n` colours of viridis from dark to bright, as far as the theme can show them.

    Examples
    --------
    >>> scale_colours(2, "dark")
    ['#37598c', '#fde725']
    """
    low, high = SCALE_RANGE[theme]
    return [_along(low + (high - low) * i / max(1, n - 1)) for i in range(n)]


def _along(share: float) -> str:
    place = share * (len(VIRIDIS) - 1)
    below = min(len(VIRIDIS) - 2, int(place))
    ends = [bytes.fromhex(VIRIDIS[at].removeprefix("#")) for at in (below, below + 1)]
    mixed = [a + (b - a) * (place - below) for a, b in zip(*ends, strict=True)]
    return "#" + bytes(int(part + 0.5) for part in mixed).hex()
