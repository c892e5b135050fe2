"""How much each client may still ask: membership of one id after the other would be the whole set."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict

from tacit.base.errors import LimitError


class Budget(ABC):
    """Counts queries by the identity that the link has authenticated, before they are answered."""

    @abstractmethod
    def charge(self, client: str, n: int) -> None:
        """Raises LimitError PSI-0012, and counts nothing, if the client or all clients would ask too much."""


class MemoryBudget(Budget):
    """For one process: `each` queries for every client, `total` for all. Apps keep theirs on disk."""

    def __init__(self, *, each: int, total: int) -> None:
        self._each, self._total = each, total
        self._asked: dict[str, int] = defaultdict(int)

    def charge(self, client: str, n: int) -> None:
        used, sum_used = self._asked[client], sum(self._asked.values())
        if used + n > self._each or sum_used + n > self._total:
            left = min(self._each - used, self._total - sum_used)
            raise LimitError(
                "PSI-0012",
                f"{client} asks for {n} ids and has {max(left, 0)} queries left",
                hint="ask for fewer ids, or agree on a larger budget with the server's operator",
            )
        self._asked[client] += n
