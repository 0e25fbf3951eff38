"""Where a shop's tables lie: files, globs and folders, a database's tables and queries, addresses in an object store.

Everything becomes files on this machine before anything reads it, so only this package knows that there is more than a disk.
"""

from engine.ingest.locations.fetching import Fetched, fetch
from engine.ingest.locations.location import Location, as_location

__all__ = ["Fetched", "Location", "as_location", "fetch"]
