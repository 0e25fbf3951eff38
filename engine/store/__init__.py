"""The database: connections, migrations, tables, and what differs between SQLite and PostgreSQL.

Importing this package registers every table with `Base.metadata`.
"""

from engine.store.access_tables import AuditRow, PersonRow
from engine.store.base import Base
from engine.store.change_tables import ProductChangeRow
from engine.store.database import Database
from engine.store.draft_tables import DraftRow
from engine.store.judgement_tables import AppearanceRow, JudgementRow
from engine.store.location import database_url, has_database
from engine.store.mark_tables import MarkRow
from engine.store.place_tables import PlaceRow
from engine.store.review_tables import CampaignAnchorRow, CampaignRow, CardRow
from engine.store.set_tables import ProductSetRow
from engine.store.stamps import StampRow

__all__ = [
    "AppearanceRow",
    "AuditRow",
    "Base",
    "CampaignAnchorRow",
    "CampaignRow",
    "CardRow",
    "Database",
    "DraftRow",
    "JudgementRow",
    "MarkRow",
    "PersonRow",
    "PlaceRow",
    "ProductChangeRow",
    "ProductSetRow",
    "StampRow",
    "database_url",
    "has_database",
]
