"""How like the arms of a route are.

Revision: e19b64c2f703, after e5c07b92d4f1
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = 'e19b64c2f703'
down_revision = 'e5c07b92d4f1'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('comparability',
    sa.Column('route_id', sa.BigInteger(), nullable=False),
    sa.Column('variant_id', sa.BigInteger(), nullable=False),
    sa.Column('tick', sa.BigInteger(), nullable=False),
    sa.Column('state', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.ForeignKeyConstraint(['route_id'], ['routes.id'], name=op.f('fk_comparability_route_id_routes')),
    sa.PrimaryKeyConstraint('route_id', 'variant_id', name=op.f('pk_comparability'))
    )


def downgrade() -> None:
    op.drop_table('comparability')
