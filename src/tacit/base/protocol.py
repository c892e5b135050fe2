"""`@protocol`: an interactive function with its source, setting, cost and leaks.

Calling a protocol opens its child scope at once, before anything is awaited, so scope names follow
program order. `gather` runs independent calls together and merges their rounds.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any, ParamSpec, TypeVar

from tacit.base.ctx import Ctx
from tacit.base.errors import InternalError, TacitError
from tacit.base.meter import deepen, depth
from tacit.base.setting import Setting, Spec

P = ParamSpec("P")
R = TypeVar("R")

REGISTRY: dict[str, Spec] = {}
"""Every protocol by `module.qualname`; the cost and architecture suites walk it."""


def protocol(
    *,
    source: str,
    setting: Setting,
    rounds: int | Callable[..., int] | None,
    bits: int | Callable[..., int] | None,
    leaks: tuple[str, ...] = (),
) -> Callable[[Callable[P, Coroutine[Any, Any, R]]], Callable[P, Coroutine[Any, Any, R]]]:
    """Declare an async function whose first parameter (after `self`) is a `Ctx`."""

    def decorate(function: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, Coroutine[Any, Any, R]]:
        at = list(inspect.signature(function).parameters).index("ctx")
        name = f"{function.__module__.removeprefix('tacit.')}.{function.__qualname__}"
        spec = REGISTRY[name] = Spec(name, source, setting, rounds, bits, leaks)

        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R]:
            parent = args[at]
            assert isinstance(parent, Ctx)
            if parent.setting is not None and not setting.covers(parent.setting, parent.granted):
                raise InternalError(
                    "SETTING-0001",
                    f"{parent.path} claims more than {name} gives",
                    path=parent.path,
                )
            child = parent.sub(function.__name__)
            child.setting = setting
            if child.session.stand_in is not None and spec.bits is not None:
                return child.session.stand_in(spec, (*args[:at], *args[at + 1 :], *kwargs.values()), child)
            body = function(*args[:at], child, *args[at + 1 :], **kwargs)  # type: ignore[arg-type]
            return _run(child, body, spec, args[:at] + args[at + 1 :])

        call.spec = spec  # type: ignore[attr-defined]
        return call

    return decorate


async def _run(child: Ctx, body: Coroutine[Any, Any, R], spec: Spec, args: tuple[Any, ...]) -> R:
    began = depth()
    try:
        result = await body
    except TacitError as error:
        error.path = error.path or child.path
        raise
    if child.session.witness is not None:
        child.session.witness(spec, args, child, began)
    return result


async def gather(*calls: Awaitable[Any]) -> list[Any]:
    """Results of independent calls, in order. If one fails, the others are cancelled and awaited first."""
    if len(calls) == 1:
        return [await calls[0]]
    tasks = [asyncio.ensure_future(_branch(call)) for call in calls]
    try:
        done = await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
    deepen(max((reached for _, reached in done), default=0))
    return [result for result, _ in done]


class Turn:
    """`await Turn()`: whatever else is ready runs first, so that its messages are on their way."""

    def __await__(self) -> Generator[None]:
        yield


async def _branch(call: Awaitable[R]) -> tuple[R, int]:
    return await call, depth()
