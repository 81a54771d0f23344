"""Incidents that only advise.

Revision: d7a94e31b6c5, after d1a4c7e05b38
"""

import sqlalchemy as sa
from alembic import op

revision = 'd7a94e31b6c5'
down_revision = 'd1a4c7e05b38'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('incidents', sa.Column('advice', sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column('incidents', 'advice')
