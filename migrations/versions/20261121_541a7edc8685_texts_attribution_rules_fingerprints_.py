"""Texts, attribution rules, fingerprints and findings.

Revision: 541a7edc8685, after e87268e021c7
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '541a7edc8685'
down_revision = 'e87268e021c7'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('attribution_rules',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('match', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('outcome', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('actor', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_attribution_rules')),
    sa.UniqueConstraint('name', name=op.f('uq_attribution_rules_name')),
    sa.UniqueConstraint('position', name=op.f('uq_attribution_rules_position'))
    )
    op.create_table('event_texts',
    sa.Column('route_id', sa.BigInteger(), nullable=False),
    sa.Column('start_day', sa.Date(), nullable=False),
    sa.Column('blob_id', sa.Uuid(), nullable=False),
    sa.Column('codec', sa.Text(), nullable=False),
    sa.Column('body', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('route_id', 'start_day', 'blob_id', name=op.f('pk_event_texts')),
    postgresql_partition_by='RANGE (start_day)'
    )
    op.create_table('findings',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('subject', sa.Text(), nullable=False),
    sa.Column('detail', sa.Text(), nullable=False),
    sa.Column('opened_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_findings'))
    )
    op.create_index('uq_findings_one_open', 'findings', ['kind', 'subject'], unique=True, postgresql_where=sa.text('closed_at IS NULL'))
    op.create_table('fingerprints',
    sa.Column('route_id', sa.BigInteger(), nullable=False),
    sa.Column('variant_id', sa.BigInteger(), nullable=False),
    sa.Column('fingerprint', sa.Text(), nullable=False),
    sa.Column('first_seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('route_id', 'variant_id', 'fingerprint', name=op.f('pk_fingerprints'))
    )
    op.add_column('events', sa.Column('subject', sa.Text(), nullable=True))
    op.add_column('events', sa.Column('text_blob', sa.Uuid(), nullable=True))
    op.add_column('events', sa.Column('text_index', sa.Integer(), nullable=True))
    op.add_column('routes', sa.Column('text_storage', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False))


def downgrade() -> None:
    op.drop_column('routes', 'text_storage')
    op.drop_column('events', 'text_index')
    op.drop_column('events', 'text_blob')
    op.drop_column('events', 'subject')
    op.drop_table('fingerprints')
    op.drop_index('uq_findings_one_open', table_name='findings', postgresql_where=sa.text('closed_at IS NULL'))
    op.drop_table('findings')
    op.drop_table('event_texts')
    op.drop_table('attribution_rules')
