"""One module a sign; `order` has them in their order."""
