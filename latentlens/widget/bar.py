"""A bar for what is worked out while the caller waits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any

Tell = Callable[[int, int], None]
"""Takes how much is done, and of how much."""


@contextmanager
def bar(doing: str, *, wanted: bool) -> Iterator[Tell]:
    """Show how far work is, from its first step on.

    Parameters
    ----------
    doing : str
        What stands before the bar.
    wanted : bool
        Whether there is one at all.

    Yields
    ------
    callable
        Takes how much is done, and of how much.
    """
    from tqdm.auto import tqdm

    with ExitStack() as shown:

        @cache
        def first() -> Any:
            return shown.enter_context(tqdm(desc=doing, disable=not wanted))

        def tell(done: int, total: int) -> None:
            first().total = total
            first().update(done - first().n)

        yield tell
