"""Fault counts, and a schema that a route's answers are checked by.

Revision: c81d40e6f9a2, after a3d1f07c52be
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = 'c81d40e6f9a2'
down_revision = 'a3d1f07c52be'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('fault_counts',
    sa.Column('route_id', sa.BigInteger(), nullable=False),
    sa.Column('variant_id', sa.BigInteger(), nullable=False),
    sa.Column('start_day', sa.Date(), nullable=False),
    sa.Column('signal', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('detail', sa.Text(), nullable=False),
    sa.Column('n', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('route_id', 'variant_id', 'start_day', 'signal', 'reason', 'detail', name=op.f('pk_fault_counts'))
    )
    op.add_column('routes', sa.Column('answer_schema', postgresql.JSONB(astext_type=sa.Text()), nullable=True))


def downgrade() -> None:
    op.drop_column('routes', 'answer_schema')
    op.drop_table('fault_counts')
