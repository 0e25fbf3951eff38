"""Object stores on loopback."""

from tests.support.object_stores import gcs, gcs_server, s3, s3_server

__all__ = ["gcs", "gcs_server", "s3", "s3_server"]
