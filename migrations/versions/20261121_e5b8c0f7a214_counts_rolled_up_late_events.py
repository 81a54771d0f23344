"""Counts rolled up by minute and hour, late events by tick, and an index of tick counts by time.

Revision: e5b8c0f7a214, after e19b64c2f703
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = 'e5b8c0f7a214'
down_revision = 'e19b64c2f703'
branch_labels = None
depends_on = None

INDEX = 'ix_tick_counts_route_id_started_at'


def upgrade() -> None:
    # Not concurrently: a second caller that waits for this one to end would be waited for in turn. Ticks that fall due
    # meanwhile are closed afterwards; ingest does not touch this table.
    op.create_index(INDEX, 'tick_counts', ['route_id', 'started_at'], unique=False)
    op.create_table('rolled_counts',
    sa.Column('route_id', sa.BigInteger(), nullable=False),
    sa.Column('stream_id', sa.BigInteger(), nullable=False),
    sa.Column('width_s', sa.Integer(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ticks', sa.Integer(), nullable=False),
    sa.Column('complete', postgresql.ARRAY(sa.BigInteger()), nullable=False),
    sa.Column('missing', postgresql.ARRAY(sa.BigInteger()), nullable=False),
    sa.Column('histogram', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.PrimaryKeyConstraint('route_id', 'stream_id', 'width_s', 'started_at', name=op.f('pk_rolled_counts'))
    )
    op.create_index(op.f('ix_rolled_counts_route_id_width_s_started_at'), 'rolled_counts', ['route_id', 'width_s', 'started_at'], unique=False)
    op.create_table('roll_up_marks',
    sa.Column('route_id', sa.BigInteger(), nullable=False),
    sa.Column('width_s', sa.Integer(), nullable=False),
    sa.Column('until', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('route_id', 'width_s', name=op.f('pk_roll_up_marks'))
    )
    op.create_table('late_events',
    sa.Column('route_id', sa.BigInteger(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('tick', sa.BigInteger(), nullable=False),
    sa.Column('n', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('route_id', 'started_at', name=op.f('pk_late_events'))
    )


def downgrade() -> None:
    op.drop_table('late_events')
    op.drop_table('roll_up_marks')
    op.drop_table('rolled_counts')
    op.drop_index(INDEX, table_name='tick_counts')

