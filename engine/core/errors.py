"""Every error that Longtail raises on purpose, in one tree.

    LongtailError
    ├── SettingsError            a setting has a wrong name, value or range
    ├── InputError               bad input from the retailer: names file, row and field
    │   ├── CatalogueError
    │   ├── InteractionsError
    │   ├── ImageError
    │   ├── ArchiveError
    │   └── SheetError
    ├── NotFoundError            an item, shopper, release or run that does not exist
    ├── NoDataError              the workspace has no shop yet
    ├── TrainingError            training is impossible with this data
    ├── ClusterError             the cluster that a training works on cannot do it
    ├── IndexFileError           an Annoy index that must not be loaded or built
    ├── ReleaseError             a release that is missing, damaged or cannot be published
    │   ├── ReleaseFormatError   another version of Longtail wrote it
    │   ├── ReleaseContentError  its checksums fit, its content makes no sense
    │   └── NoReleaseError       nothing has been published yet
    ├── NotAllowedError          somebody may not do this, or nobody knows who they are
    ├── DamagedFileError         a file that is not what was written
    ├── StoreError               the database refused, or cannot be reached
    │   └── BusyError            others held the database for too long; trying again may help
    ├── StorageError             the disk is full, read-only or failing (an OSError too)
    ├── BackupError              a backup that cannot be made or restored
    ├── WorkspaceBusyError       somebody else has the workspace open
    └── JobError                 a run could not be started, or ended badly
        └── JobRunningError      another run holds the workspace

A message says what happened, to which file, row, field or item, and what to do about it.
"""

__all__ = [
    "ArchiveError",
    "BackupError",
    "BusyError",
    "CatalogueError",
    "ClusterError",
    "DamagedFileError",
    "ImageError",
    "IndexFileError",
    "InputError",
    "InteractionsError",
    "JobError",
    "JobRunningError",
    "LongtailError",
    "NoDataError",
    "NoReleaseError",
    "NotAllowedError",
    "NotFoundError",
    "ReleaseContentError",
    "ReleaseError",
    "ReleaseFormatError",
    "SettingsError",
    "SheetError",
    "StorageError",
    "StoreError",
    "TrainingError",
    "WorkspaceBusyError",
]


class LongtailError(Exception):
    """Base of the tree; its text may be shown to a person."""


class SettingsError(LongtailError):
    """A setting has a wrong name, value or range."""


class InputError(LongtailError):
    """Bad input. The text names the file, row and field, as far as they are known.

    Parameters
    ----------
    message : what is wrong and what to do about it.
    file : the file's name as the person knows it.
    row : the 1-based data row (the header is not counted), if it concerns one.
    field : the column or field.
    """

    def __init__(self, message: str, *, file: str | None = None, row: int | None = None, field: str | None = None):
        self.message, self.file, self.row, self.field = message, file, row, field
        where = ", ".join(
            part
            for part in (file, f"row {row}" if row is not None else None, f"field {field!r}" if field else None)
            if part
        )
        super().__init__(f"{where}: {message}" if where else message)


class CatalogueError(InputError):
    """Bad products."""


class InteractionsError(InputError):
    """Bad events."""


class ImageError(InputError):
    """A picture that is not a picture, or is too large."""


class ArchiveError(InputError):
    """A zip that cannot be read, or that would unpack without bounds."""


class SheetError(InputError):
    """A table of products that cannot be read."""


class NotFoundError(LongtailError):
    """An item, shopper, release or run that does not exist."""


class NoDataError(LongtailError):
    """The workspace has no shop yet."""


class TrainingError(LongtailError):
    """Training is impossible with this data."""


class ClusterError(LongtailError):
    """The cluster that a training works on cannot be reached, lost its workers, or cannot run what is sent to it."""


class IndexFileError(LongtailError):
    """An Annoy index that must not be loaded or built."""


class ReleaseError(LongtailError):
    """A release that is missing, damaged or cannot be published."""


class ReleaseFormatError(ReleaseError):
    """A release that another version of Longtail wrote."""


class ReleaseContentError(ReleaseError):
    """A release whose checksums fit, and whose content makes no sense: it was made that way."""


class NoRoomError(ReleaseError):
    """A release that memory does not hold beside what it holds already."""


class NoReleaseError(ReleaseError):
    """Nothing has been published yet."""


class NotAllowedError(LongtailError):
    """Somebody may not do this, or nobody knows who they are."""


class DamagedFileError(LongtailError):
    """A file that is not what was written; the text is the end of a sentence that begins with the file's name."""


class StoreError(LongtailError):
    """The database refused, or cannot be reached.

    Parameters
    ----------
    message : a sentence that anybody may read: it names neither host nor path.
    detail : which database it is and what it said, for the log and the command line; without passwords.
    """

    def __init__(self, message: str, detail: str = ""):
        self.detail = detail
        super().__init__(message)


class BusyError(StoreError):
    """Others held the database for too long; trying again may help."""


class StorageError(LongtailError, OSError):
    """A file could not be written or read. It is an `OSError` too, so whoever handles these handles it.

    Parameters
    ----------
    message : a sentence that anybody may read: it names no path.
    detail : which file it is and what the system said, for the log and the command line.
    number : the system's `errno`, where it gave one.
    """

    def __init__(self, message: str, detail: str = "", number: int | None = None):
        super().__init__(message)
        self.detail, self.errno = detail, number

    def __str__(self) -> str:
        return str(self.args[0])


class BackupError(LongtailError):
    """A backup that cannot be made or restored."""


class WorkspaceBusyError(LongtailError):
    """Somebody else has the workspace open."""


class JobError(LongtailError):
    """A run could not be started, or ended badly."""


class JobRunningError(JobError):
    """Another run holds the workspace."""
