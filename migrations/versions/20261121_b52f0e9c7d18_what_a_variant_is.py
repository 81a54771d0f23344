"""What a variant is: its artifact's facts, and who confirmed them.

Revision: b52f0e9c7d18, after c4e8a2d9b617
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = 'b52f0e9c7d18'
down_revision = 'c4e8a2d9b617'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('variants', sa.Column('artifact', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False))
    op.add_column('variants', sa.Column('confirmed_by', sa.Text(), nullable=True))
    op.add_column('variants', sa.Column('confirmed_at', sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column('variants', 'confirmed_at')
    op.drop_column('variants', 'confirmed_by')
    op.drop_column('variants', 'artifact')
