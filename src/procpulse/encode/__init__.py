"""Snapshots and deltas as bytes, and back.

from procpulse.encode import json, msgpack

data = json.encode(snapshot)
snapshot == json.decode(data)
"""
