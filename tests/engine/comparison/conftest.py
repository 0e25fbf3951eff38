"""The two tiny releases that the tests of releases share."""

from tests.support.two_releases import recommender, releases, tiny

__all__ = ["recommender", "releases", "tiny"]
