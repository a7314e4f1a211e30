"""The steps in the order in which they run. The order is decided here and nowhere else."""

from __future__ import annotations

from ninefold.guard.steps import (
    arrival,
    body,
    caller,
    content,
    graphql,
    origin,
    parameters,
    permission,
    query,
    quota,
    route,
    view,
)  # fmt: skip

CHAIN = (
    arrival.STEP,  # before all else, so that guessing is limited whatever it guesses
    query.STEP,  # before anything is told of the target
    route.STEP,  # what is no operation needs no more thought
    origin.STEP,  # cheaper than a key, and a browser must be told before it sends one
    caller.STEP,  # who
    permission.STEP,  # may they
    quota.STEP,  # how often; after the permission, so that a refusal spends nothing
    parameters.STEP,  # what they ask for; after who and how often, so that nobody maps the API by it for nothing
    content.STEP,  # what they bring along
    body.STEP,  # it waits for all of that
    view.STEP,  # when it is known who will read the answer
    graphql.STEP,  # last: what is asked for says what may come back
)
