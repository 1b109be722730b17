"""Snapshots to a file and back.

    async with Recorder("host.ppr") as recorder:
        async for snap in sampler.stream(interval=1):
            await recorder.write(snap)

    async for delta in deltas(replay("host.ppr")):
        print(delta.usage.cpu)

`frames` cuts a file into frames, `messages` makes messages of snapshots and snapshots of messages, `scan` looks at a
message before it is decoded; these open no file. `recorder` and `replay` do.
"""

from procpulse.recording.frames import Damage, Later
from procpulse.recording.recorder import NotARecording, Recorder, Session
from procpulse.recording.replay import Replay, replay

__all__ = ["Damage", "Later", "NotARecording", "Recorder", "Replay", "Session", "replay"]
