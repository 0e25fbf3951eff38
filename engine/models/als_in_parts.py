"""ALS by workers elsewhere: every half-round is a map over parts of the shoppers, then of the items.

Each part is solved by implicit's own solver from the same starting point, so the factors are those that implicit finds on one machine. MLlib's
are others: its confidence is 1 + alpha r where r is a rating, and it multiplies the regularisation by how many interactions a row has.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.sparse import csr_matrix

from engine.core.workers import Held, Workers
from engine.models.row_parts import row_parts

__all__ = ["factorise_in_parts"]


def factorise_in_parts(
    confidence: csr_matrix,
    users: np.ndarray,
    items: np.ndarray,
    iterations: int,
    solve: Callable[..., np.ndarray],
    loss_of: Callable[..., tuple[np.ndarray, ...]],
    note: Callable[[int, float, float], None] | None,
    some: Workers,
) -> tuple[np.ndarray, np.ndarray]:
    """Shoppers' and items' factors after some rounds.

    Parameters
    ----------
    users, items : (n_users, f) and (n_items, f) float32, where they start.
    solve : `solve((start, rows), own, other)`: the factors of some rows.
    loss_of : `loss_of((start, rows), own, other)`: their squared error, and how much confidence it is spread over.
    note : called with a round's number, 0 and its loss; losses are worked out for it alone.
    """
    by_user, by_item = _held(confidence, some), _held(csr_matrix(confidence.T), some)
    for iteration in range(iterations):
        users = np.vstack(list(by_user.each(solve, users, items)))
        items = np.vstack(list(by_item.each(solve, items, users)))
        if note is not None:
            error, spread = by_user.total(loss_of, users, items)
            note(iteration, 0.0, float(error / spread))
    return users, items


def _held(matrix: csr_matrix, some: Workers) -> Held:
    parts = row_parts(matrix)
    starts = np.cumsum([0, *(part.shape[0] for part in parts)])
    return some.hold(list(zip(starts[:-1].tolist(), parts, strict=True)))
