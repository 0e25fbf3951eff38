"""From item vectors to neighbours."""
