"""Secret sharing schemes and the executor that runs a Program on one of them."""
