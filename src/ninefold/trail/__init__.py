"""What happened, in an order that cannot be changed afterwards."""
