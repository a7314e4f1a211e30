"""What proves who is calling: one module a proof. `steps/caller.py` puts them together as the contract asks."""
