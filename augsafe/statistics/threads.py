"""How many threads linear algebra takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_thread() -> Iterator[None]:
    """Linear algebra on one thread, as a context or a decorator (threadpoolctl).

    What is measured here are many small products: threads that wait for one another take two to four times as long
    over them, and sum in another order. Models of the user's own that do not use numpy keep their threads.
    """
    import scipy.linalg  # noqa: F401  only libraries that are loaded can be held
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):
        yield
