"""Where a build runs when one machine is not enough."""
