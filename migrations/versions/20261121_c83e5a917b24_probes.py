"""The synthetic requests that were sent.

Revision: c83e5a917b24, after f4a82d6c0b93
"""

import sqlalchemy as sa
from alembic import op

revision = 'c83e5a917b24'
down_revision = 'f4a82d6c0b93'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('probes',
    sa.Column('route_id', sa.BigInteger(), nullable=False),
    sa.Column('request_id', sa.Text(), nullable=False),
    sa.Column('epoch', sa.BigInteger(), nullable=False),
    sa.Column('way', sa.Text(), nullable=False),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('failed', sa.Boolean(), nullable=True),
    sa.ForeignKeyConstraint(['route_id'], ['routes.id'], name=op.f('fk_probes_route_id')),
    sa.PrimaryKeyConstraint('route_id', 'request_id', name=op.f('pk_probes'))
    )
    op.create_index('ix_probes_sent', 'probes', ['route_id', 'way', 'sent_at'], unique=False)


def downgrade() -> None:
    # An earlier release takes every leg but 'unknown' for one to be tested.
    op.execute("UPDATE events SET leg = 'unknown' WHERE leg = 'probe'")
    op.drop_index('ix_probes_sent', table_name='probes')
    op.drop_table('probes')
