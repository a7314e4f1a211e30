"""The steps in the order in which they run. The order is decided here and nowhere else."""

from __future__ import annotations

from ninefold.guard.steps import arrival, caller, content, origin, permission, query, quota, route

CHAIN = (
    arrival.STEP,  # before all else, so that guessing is limited whatever it guesses
    query.STEP,  # before anything is told of the target
    route.STEP,  # what is no operation needs no more thought
    origin.STEP,  # cheaper than a key, and a browser must be told before it sends one
    caller.STEP,  # who
    permission.STEP,  # may they
    quota.STEP,  # how often; after the permission, so that a refusal spends nothing
    content.STEP,  # last: what they bring along
)
