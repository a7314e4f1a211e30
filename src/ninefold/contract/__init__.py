"""What the API promises: the contract, the description behind it, and what is written from them."""
