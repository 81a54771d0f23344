"""Readings as arrays of numbers, named by a layout.

Revision: a3d1f07c52be, after 7c2f9be0a4d1
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = 'a3d1f07c52be'
down_revision = '7c2f9be0a4d1'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('reading_layouts',
    sa.Column('id', sa.Integer(), sa.Identity(always=False), nullable=False),
    sa.Column('names', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reading_layouts')),
    sa.UniqueConstraint('names', name=op.f('uq_reading_layouts_names'))
    )
    op.execute(
        "INSERT INTO reading_layouts (names) "
        "SELECT coalesce(array_agg(name ORDER BY name), '{}') "
        "FROM (SELECT DISTINCT jsonb_object_keys(readings) AS name FROM events) AS found"
    )
    op.alter_column('events', 'readings', new_column_name='named_readings')
    op.add_column('events', sa.Column('layout_id', sa.Integer(), nullable=True))
    op.add_column('events', sa.Column('readings', postgresql.ARRAY(sa.REAL()), nullable=True))
    op.execute(
        "UPDATE events SET layout_id = layouts.id, readings = ARRAY("
        "SELECT (events.named_readings->>names.name)::real "
        "FROM unnest(layouts.names) WITH ORDINALITY AS names (name, place) ORDER BY names.place"
        ") FROM reading_layouts AS layouts"
    )
    op.alter_column('events', 'layout_id', nullable=False)
    op.alter_column('events', 'readings', nullable=False)
    op.drop_column('events', 'named_readings')


def downgrade() -> None:
    op.alter_column('events', 'readings', new_column_name='numbers')
    op.add_column('events', sa.Column('readings', postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.execute(
        "UPDATE events SET readings = coalesce(("
        "SELECT jsonb_object_agg(named.name, "
        "CASE WHEN named.value = 'Infinity' THEN to_jsonb('inf'::text) ELSE to_jsonb(named.value) END) "
        "FROM unnest(layouts.names, events.numbers) AS named (name, value) WHERE named.value IS NOT NULL"
        "), '{}') FROM reading_layouts AS layouts WHERE layouts.id = events.layout_id"
    )
    op.alter_column('events', 'readings', nullable=False)
    op.drop_column('events', 'numbers')
    op.drop_column('events', 'layout_id')
    op.drop_table('reading_layouts')
