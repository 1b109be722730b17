"""Cancelled anywhere (F35; P1): whoever goes on finds everything in order. Fuzzed with fixed seeds."""

import asyncio
import contextlib
import os
import random
import subprocess
import sys
import textwrap

import pytest

from procpulse import Sampler
from procpulse.sources import CLASS_NET, LOADAVG, STAT, processes


@pytest.mark.parametrize("seed", range(6))
async def test_cancellation_at_every_await(seed: int) -> None:
    """Consumers that come, are cancelled after some turns of the loop, and come again; one never is."""
    dice = random.Random(seed)
    source = processes("status", "cmdline")
    async with Sampler([STAT, LOADAVG, CLASS_NET, source], deadlines={CLASS_NET: 5, source: 5}) as sampler:
        steady: list[int] = []

        async def stay() -> None:
            async for snap in sampler.stream(0.02):
                steady.append(snap.seq)
                assert snap[STAT].cpus, "the value is whole"
                assert os.getpid() in snap[source]

        async def visit() -> None:
            kind = dice.randrange(3)
            if kind == 0:
                await sampler.sample()
            elif kind == 1:
                async for _ in sampler.stream(0.02):
                    pass
            else:
                async for delta in sampler.deltas(0.02):
                    assert delta[STAT].cpus is not None

        staying = asyncio.ensure_future(stay())
        for _ in range(60):
            visitor = asyncio.ensure_future(visit())
            for _ in range(dice.randrange(25)):
                await asyncio.sleep(0 if dice.random() < 0.8 else 0.004)
            visitor.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await visitor
        count = len(steady)
        async with asyncio.timeout(20):
            while len(steady) < count + 3:
                await asyncio.sleep(0.01)
        assert steady == sorted(set(steady)), "its ticks go on, one after the other"
        staying.cancel()
        await asyncio.gather(staying, return_exceptions=True)
        statistics = sampler.statistics()
        assert "bug" not in statistics.failures
        assert statistics.threads <= 10
        assert not sampler._reader._engine.flights, "nothing is left under way"


def test_a_fork_after_the_start() -> None:
    """The child has no threads of ours: it is told so at once instead of waiting for ever (F36)."""
    code = """
        import os, sys
        from procpulse import Sampler
        from procpulse.sources import CLASS_NET, STAT
        sampler = Sampler([STAT, CLASS_NET])
        sampler.sample_sync()
        child = os.fork()
        if not child:
            try:
                sampler.sample_sync()
            except RuntimeError as error:
                sampler.close()
                fresh = Sampler([STAT, CLASS_NET]).sample_sync()
                os._exit(0 if "before a fork" in str(error) and STAT in fresh and CLASS_NET in fresh else 2)
            os._exit(3)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert CLASS_NET in sampler.sample_sync(), "the parent goes on"
        print("done")
    """
    command = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.stdout == "done\n", result.stderr
