"""What a release is on disk: its contents, manifest and indexes, and which one is published."""
