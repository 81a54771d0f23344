"""Seats of slice families.

Revision: c4e8a2d9b617, after c81d40e6f9a2
"""

import sqlalchemy as sa
from alembic import op

revision = 'c4e8a2d9b617'
down_revision = 'c81d40e6f9a2'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('slice_seats',
    sa.Column('route_id', sa.BigInteger(), nullable=False),
    sa.Column('family', sa.Text(), nullable=False),
    sa.Column('value', sa.Text(), nullable=False),
    sa.Column('turn', sa.Integer(), nullable=False),
    sa.Column('since', sa.DateTime(timezone=True), nullable=False),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['route_id'], ['routes.id'], name=op.f('fk_slice_seats_route_id_routes')),
    sa.PrimaryKeyConstraint('route_id', 'family', 'value', name=op.f('pk_slice_seats'))
    )


def downgrade() -> None:
    op.drop_table('slice_seats')
