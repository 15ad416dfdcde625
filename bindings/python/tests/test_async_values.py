# Value caches and rate limiters for asyncio: the same as the others, awaited.
# SPDX-License-Identifier: Apache-2.0
import asyncio
import inspect
import os
import time

import pytest

import vecstore
from vecstore import AsyncRateLimiter, AsyncValueCache, RateLimiter, RedisOptions, ValueCache

PAIRS = [(AsyncValueCache, ValueCache), (AsyncRateLimiter, RateLimiter)]
BUCKET = {"capacity": 2, "refill_per_second": 20}


def run(main):
    return asyncio.run(asyncio.wait_for(main, 60))


@pytest.mark.parametrize("kind, other", PAIRS)
def test_has_the_calls_of_the_other_with_the_same_arguments(kind, other):
    own = {"open", "over"}
    names = {name for name, _ in inspect.getmembers(other, inspect.isfunction) if not name.startswith("_")}
    for name, method in inspect.getmembers(kind, inspect.isfunction):
        if name.startswith("_") or name in own:
            continue
        assert inspect.iscoroutinefunction(method), name
        signatures = [inspect.signature(each).parameters.values() for each in (method, getattr(other, name))]
        ours, theirs = ([(p.name, p.default, p.kind) for p in signature] for signature in signatures)
        assert ours == theirs, name
        names.discard(name)
    assert names == set()
    made = inspect.signature(kind).parameters
    assert [name for name in made if name != "threads"] == list(inspect.signature(other).parameters)


def test_does_what_the_value_cache_does(place, namespace):
    async def main():
        async with AsyncValueCache(place, namespace=namespace) as values:
            await values.set("a", b"1", ttl=60)
            await values.set_many(["b", "c"], ["2", "3"])
            assert await values.get("a") == b"1"
            assert await values.get_many([*"cxb"]) == [b"3", None, b"2"]
            assert await values.delete(["a", "x"]) == 1
            assert (await values.stats()).sets == 3
            assert (await values.health())["status"] == "ok"
            assert await values.metrics() == vecstore.cache_metrics([values])
            assert repr(values).startswith("<vecstore.AsyncValueCache 'test-")
            assert await values.clear() == 2
            with pytest.raises(ValueError, match="key"):
                await values.get("")
        with pytest.raises(vecstore.InvalidHandleError, match="^the cache is closed$"):
            await values.get("a")
        assert (await values.health())["status"] == "failed"

    run(main())


def test_does_what_the_limiter_does(shared_redis, namespace):
    async def main(url):
        async with AsyncRateLimiter(url, namespace=namespace, **BUCKET) as limiter:
            assert (await limiter.acquire("a", 2)).allowed
            assert not await limiter.acquire("a", 2)
            assert (await limiter.wait("a", 2, timeout=10)).allowed
            assert (await limiter.health())["status"] == "ok"
            assert await limiter.metrics() == vecstore.cache_metrics([limiter])
        with pytest.raises(vecstore.InvalidHandleError, match="^the rate limiter is closed$"):
            await limiter.wait("a")

    for url in ("memory:", shared_redis.url):
        run(main(url))


def test_waiting_blocks_nobody():
    async def main():
        async with AsyncRateLimiter("memory:", namespace="n", threads=1, **BUCKET) as limiter:
            await limiter.acquire("a", 2)
            waiting = [asyncio.ensure_future(limiter.wait("a")) for _ in range(4)]
            ticks, start = 0, time.monotonic()
            while not all(task.done() for task in waiting):
                assert await limiter.acquire("b", 0)
                await asyncio.sleep(0.001)
                ticks += 1
            assert all(await asyncio.gather(*waiting)) and time.monotonic() - start > 0.15
            assert ticks > 10
            await limiter.acquire("a", 2)
            patient = asyncio.ensure_future(limiter.wait("a", 2))
            await asyncio.sleep(0.01)
            patient.cancel()
            with pytest.raises(asyncio.CancelledError):
                await patient
            assert not await limiter.wait("a", 2, timeout=0)

    run(main())


def test_opens_when_it_is_first_used(tmp_path):
    async def main():
        values = AsyncValueCache(str(tmp_path / "v"), namespace="n")
        assert not (tmp_path / "v").exists() and repr(values) == "<vecstore.AsyncValueCache, not open yet>"
        with pytest.raises(vecstore.InvalidHandleError, match="^the cache is not open yet$"):
            vecstore.cache_metrics([values])
        await asyncio.gather(*(values.set(str(i), "x") for i in range(20)))
        assert (await values.stats()).entries == 20
        await values.close()
        await values.close()
        never = AsyncRateLimiter("memory:", namespace="n", **BUCKET)
        await never.close()
        with pytest.raises(vecstore.InvalidHandleError, match="^the rate limiter is closed$"):
            await never.acquire("a")

    run(main())


def test_options_are_checked_at_once_and_the_rest_at_opening(tmp_path):
    with pytest.raises(TypeError, match="namespace"):
        AsyncValueCache("memory:", namespace=3)
    with pytest.raises(ValueError, match="threads"):
        AsyncValueCache("memory:", namespace="n", threads=0)
    with pytest.raises(ValueError, match="capacity"):
        AsyncRateLimiter("memory:", namespace="n", capacity=0, refill_per_second=1)
    limiter = AsyncRateLimiter(str(tmp_path), namespace="n", **BUCKET)
    for _ in range(2):
        with pytest.raises(vecstore.UnsupportedError):
            run(limiter.acquire("a"))


def test_one_object_serves_both_kinds_of_code():
    with ValueCache("memory:", namespace="n") as values, RateLimiter("memory:", namespace="n", **BUCKET) as limiter:
        values.set("a", "1")
        assert run(AsyncValueCache.over(values).get("a")) == b"1"
        assert run(AsyncRateLimiter.over(limiter).acquire("a", 2))
        assert not limiter.acquire("a", 2)
        with pytest.raises(TypeError, match="cache: expected a ValueCache, got RateLimiter"):
            AsyncValueCache.over(limiter)
        with pytest.raises(TypeError, match="limiter: expected a RateLimiter, got ValueCache"):
            AsyncRateLimiter.over(values)
        run(AsyncValueCache.over(values).close())
        assert values.closed


def test_a_slow_redis_does_not_hold_the_loop(redis, namespace):
    slow = RedisOptions(command_timeout=0.4, connect_timeout=0.4)

    async def main():
        async with AsyncValueCache(redis.url, namespace=namespace, redis=slow) as values:
            await values.set("a", "1")
            redis.pause()
            asking = asyncio.ensure_future(values.get("a"))
            longest, last = 0.0, time.monotonic()
            while not asking.done():
                await asyncio.sleep(0.005)
                longest, last = max(longest, time.monotonic() - last), time.monotonic()
            assert await asking is None and longest < 0.3
            redis.resume()

    run(main())


def test_a_forked_child_is_told_so():
    async def main():
        async with AsyncValueCache("memory:", namespace="n") as values:
            await values.set("a", "1")
            child = os.fork()
            if child == 0:
                try:
                    await values.get("a")
                except vecstore.InvalidHandleError:
                    os._exit(0)
                finally:
                    os._exit(1)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
            assert await values.get("a") == b"1"

    run(main())
