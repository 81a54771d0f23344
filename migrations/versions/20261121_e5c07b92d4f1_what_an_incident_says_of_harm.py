"""What an incident says of harm: critical, and a lower bound; the rule for broken variants.

Revision: e5c07b92d4f1, after d7a94e31b6c5
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = 'e5c07b92d4f1'
down_revision = 'd7a94e31b6c5'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('incidents', sa.Column('critical', sa.Boolean(), server_default=sa.text('false'), nullable=False))
    op.add_column('incidents', sa.Column('at_least', postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.create_table('breakages',
    sa.Column('candidate_id', sa.BigInteger(), nullable=False),
    sa.Column('route_id', sa.BigInteger(), nullable=False),
    sa.Column('fingerprint', sa.Text(), nullable=False),
    sa.Column('state', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('last_tick', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['candidate_id'], ['variants.id'], name=op.f('fk_breakages_candidate_id')),
    sa.ForeignKeyConstraint(['route_id'], ['routes.id'], name=op.f('fk_breakages_route_id')),
    sa.PrimaryKeyConstraint('candidate_id', name=op.f('pk_breakages'))
    )
    op.create_index(op.f('ix_breakages_route_id'), 'breakages', ['route_id'], unique=False)


def downgrade() -> None:
    op.drop_table('breakages')
    op.drop_column('incidents', 'at_least')
    op.drop_column('incidents', 'critical')
