"""One module a step; `ninefold.guard.chain` has them in their order."""
