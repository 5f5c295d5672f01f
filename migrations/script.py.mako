"""${message}

House rules for a migration:
* It must not break the release before it: add first, use later, remove in a third migration.
* It runs on PostgreSQL and on SQLite, and says what happens to rows that exist.
* Published facts (ledger, activities, quantification bases) are never rewritten.

Revision: ${up_revision}, after: ${down_revision}
"""

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
