"""Bodies are bounded in size, in time and in their sum; look-ups in time."""

import asyncio
import threading

import pytest
from starlette.requests import Request

from monitor.api.bodies import Bodies
from monitor.api.lookups import LookUps
from monitor.errors import (
    AuthError,
    DatabaseUnavailableError,
    OverloadedError,
    PayloadTooLargeError,
    SlowBodyError,
    UndecodableError,
)

LIMIT = 100


def request(*messages):
    """A request that receives messages; None stands for silence."""
    waiting = list(messages)

    async def receive():
        message = waiting.pop(0)
        if message is None:
            await asyncio.Event().wait()
        return message

    return Request({"type": "http", "method": "POST", "headers": []}, receive)


def part(size, *, more=True):
    return {"type": "http.request", "body": b"x" * size, "more_body": more}


def bodies(timeout_s=5.0):
    return Bodies(max_bytes=LIMIT, timeout_s=timeout_s)


async def read(held, asked):
    async with held.body(asked) as body:
        assert held.held == len(body)
        return body


def test_a_body_counts_until_it_is_answered():
    held = bodies()
    assert asyncio.run(read(held, request(part(60), part(40, more=False)))) == b"x" * 100
    assert held.held == 0


@pytest.mark.parametrize(
    ("messages", "error"),
    [
        ([part(60), part(60)], PayloadTooLargeError),
        ([part(60), {"type": "http.disconnect"}], UndecodableError),
        ([part(60), None], SlowBodyError),
    ],
)
def test_a_body_that_fails_gives_its_room_back(messages, error):
    held = bodies(timeout_s=0.05)
    with pytest.raises(error):
        asyncio.run(read(held, request(*messages)))
    assert held.held == 0


def test_bodies_share_their_room():
    held = bodies()

    async def crowd():
        slow = [asyncio.create_task(read(held, request(part(90), None))) for _ in range(8)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert held.held == 720
        with pytest.raises(OverloadedError):
            await read(held, request(part(90), part(1, more=False)))
        for task in slow:
            task.cancel()
        await asyncio.gather(*slow, return_exceptions=True)
        return await read(held, request(part(90, more=False)))

    assert len(asyncio.run(crowd())) == 90
    assert held.held == 0


def test_a_time_out_of_the_work_is_not_the_bodys():
    async def work():
        async with bodies().body(request(part(1, more=False))):
            raise TimeoutError

    with pytest.raises(TimeoutError):
        asyncio.run(work())


def test_a_slow_body_is_to_be_sent_again_on_another_connection():
    assert SlowBodyError.status == 503
    assert set(SlowBodyError.headers) == {"Retry-After", "Connection"}


def test_a_look_up_that_hangs_is_given_up():
    release = threading.Event()

    async def run():
        look_ups = LookUps(0.05)
        try:
            assert await look_ups.run(lambda: 7) == 7
            with pytest.raises(DatabaseUnavailableError):
                await look_ups.run(release.wait)
            with pytest.raises(AuthError):
                await look_ups.run(refuse)
        finally:
            release.set()
            look_ups.close()

    def refuse():
        raise AuthError("no")

    asyncio.run(run())
