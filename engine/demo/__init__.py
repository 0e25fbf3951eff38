"""The demo shop: a dress shop that is drawn, described and visited at random, with style families as its known truth."""
