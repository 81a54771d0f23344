"""A version of the controller's row, so that two writers of the same phase cannot both win.

Revision: a91d3f5e07c6, after c83e5a917b24
"""

import sqlalchemy as sa
from alembic import op

revision = 'a91d3f5e07c6'
down_revision = 'c83e5a917b24'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        'route_controls', sa.Column('version', sa.BigInteger(), server_default=sa.text('0'), nullable=False)
    )


def downgrade() -> None:
    op.drop_column('route_controls', 'version')
