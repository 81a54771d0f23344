"""Several targets a route, moves in steps, freezes, rehearsals, the gate of promotions.

Revision: f4a82d6c0b93, after e5b8c0f7a214
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = 'f4a82d6c0b93'
down_revision = 'e5b8c0f7a214'
branch_labels = None
depends_on = None

_JSON = postgresql.JSONB(astext_type=sa.Text())


def upgrade() -> None:
    op.add_column('routes', sa.Column('targets', _JSON, nullable=True))
    op.execute(
        "UPDATE routes SET targets = jsonb_build_array(jsonb_build_object("
        "'name', target_kind, 'kind', target_kind, 'settings', target_settings, "
        "'backends', '{}'::jsonb, 'sources', '[]'::jsonb))"
    )
    op.alter_column('routes', 'targets', nullable=False)
    for name, default in (
        ('stages', "'[]'::jsonb"), ('condemned', "'{}'::jsonb"),
    ):
        op.add_column('route_controls', sa.Column(name, _JSON, server_default=sa.text(default), nullable=False))
    for name in ('stage', 'backed_off', 'reasserted'):
        op.add_column(
            'route_controls', sa.Column(name, sa.Integer(), server_default=sa.text('0'), nullable=False)
        )
    op.add_column('route_controls', sa.Column('told', sa.Text(), nullable=True))
    for name in ('desired', 'before'):
        # A stored JSON null is not SQL's.
        op.execute(
            f"UPDATE route_controls AS c SET {name} = CASE WHEN c.{name} IS NULL OR c.{name} = 'null'::jsonb "
            f"THEN '{{}}'::jsonb ELSE jsonb_build_object(r.target_kind, c.{name}) END "
            "FROM routes AS r WHERE r.id = c.route_id"
        )
        op.alter_column('route_controls', name, nullable=False)
    # A flip that was under way goes its last step: there was only one.
    op.execute(
        "UPDATE route_controls SET stages = '[{\"share\": 100, \"replicas\": null}]'::jsonb "
        "WHERE desired <> '{}'::jsonb"
    )
    op.drop_column('routes', 'target_kind')
    op.drop_column('routes', 'target_settings')
    op.create_table('freezes',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('route_id', sa.BigInteger(), nullable=True),
    sa.Column('actor', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('lifted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('lifted_by', sa.Text(), nullable=True),
    sa.Column('lifted_reason', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['route_id'], ['routes.id'], name=op.f('fk_freezes_route_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_freezes'))
    )
    op.create_index(
        'ix_freezes_standing', 'freezes', ['route_id'], unique=False, postgresql_where=sa.text('lifted_at IS NULL')
    )
    op.create_table('rehearsals',
    sa.Column('route_id', sa.BigInteger(), nullable=False),
    sa.Column('target', sa.Text(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('problems', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('changes', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('owners', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.ForeignKeyConstraint(['route_id'], ['routes.id'], name=op.f('fk_rehearsals_route_id')),
    sa.PrimaryKeyConstraint('route_id', 'target', name=op.f('pk_rehearsals'))
    )
    op.create_table('promotions',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('route_id', sa.BigInteger(), nullable=False),
    sa.Column('candidate_id', sa.BigInteger(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('log_e', sa.Float(), nullable=False),
    sa.Column('log_threshold', sa.Float(), nullable=False),
    sa.Column('opened', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['candidate_id'], ['variants.id'], name=op.f('fk_promotions_candidate_id')),
    sa.ForeignKeyConstraint(['route_id'], ['routes.id'], name=op.f('fk_promotions_route_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_promotions'))
    )


def downgrade() -> None:
    for table in ('promotions', 'rehearsals', 'freezes'):
        op.drop_table(table)
    op.add_column('routes', sa.Column('target_kind', sa.Text(), nullable=True))
    op.add_column('routes', sa.Column('target_settings', _JSON, nullable=True))
    # Only the first of several targets has a place in the older form.
    op.execute("UPDATE routes SET target_kind = targets->0->>'kind', target_settings = targets->0->'settings'")
    for name in ('desired', 'before'):
        op.alter_column('route_controls', name, nullable=True)
        op.execute(
            f"UPDATE route_controls AS c SET {name} = c.{name} -> (r.targets->0->>'name') "
            "FROM routes AS r WHERE r.id = c.route_id"
        )
    op.alter_column('routes', 'target_kind', nullable=False)
    op.alter_column('routes', 'target_settings', nullable=False)
    op.drop_column('routes', 'targets')
    # Phases that the older form does not know: what is nearest to them and moves nothing.
    op.execute("UPDATE route_controls SET phase = 'armed' WHERE phase = 'triggered'")
    op.execute("UPDATE route_controls SET phase = 'hold' WHERE phase IN ('recovering', 'ramping')")
    op.execute("UPDATE route_controls SET goal = 'restore' WHERE goal = 'ramp'")
    for name in ('condemned', 'told', 'reasserted', 'backed_off', 'stage', 'stages'):
        op.drop_column('route_controls', name)
