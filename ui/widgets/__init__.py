"""What several pages draw with: cards, charts, maps, words and numbers, background work."""
