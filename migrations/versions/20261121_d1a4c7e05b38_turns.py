"""What is kept of a turn, so that what the user did next can be found.

Revision: d1a4c7e05b38, after b52f0e9c7d18
"""

import sqlalchemy as sa
from alembic import op

revision = 'd1a4c7e05b38'
down_revision = 'b52f0e9c7d18'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('events', sa.Column('turn', sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column('events', 'turn')
