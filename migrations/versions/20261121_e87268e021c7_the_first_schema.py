"""The first schema.

Revision: e87268e021c7, after 
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = 'e87268e021c7'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('api_keys',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('digest', sa.LargeBinary(), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('scopes', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('routes', postgresql.ARRAY(sa.Text()), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_api_keys')),
    sa.UniqueConstraint('digest', name=op.f('uq_api_keys_digest'))
    )
    op.create_table('dead_letters',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('door', sa.Text(), nullable=False),
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('detail', sa.Text(), nullable=False),
    sa.Column('pointer', sa.Text(), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('skeleton', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_dead_letters'))
    )
    op.create_index(op.f('ix_dead_letters_received_at'), 'dead_letters', ['received_at'], unique=False)
    op.create_table('decisions',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('route_id', sa.BigInteger(), nullable=False),
    sa.Column('incident_id', sa.BigInteger(), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('actor', sa.Text(), nullable=False),
    sa.Column('action', sa.Text(), nullable=False),
    sa.Column('from_phase', sa.Text(), nullable=False),
    sa.Column('to_phase', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('epoch', sa.BigInteger(), nullable=False),
    sa.Column('policy_name', sa.Text(), nullable=True),
    sa.Column('policy_version', sa.Integer(), nullable=True),
    sa.Column('evidence', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('before', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('after', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('code_version', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_decisions'))
    )
    op.create_index(op.f('ix_decisions_route_id'), 'decisions', ['route_id'], unique=False)
    op.create_table('events',
    sa.Column('route_id', sa.BigInteger(), nullable=False),
    sa.Column('start_day', sa.Date(), nullable=False),
    sa.Column('event_key', sa.Uuid(), nullable=False),
    sa.Column('variant_id', sa.BigInteger(), nullable=True),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('recorder', sa.Text(), nullable=False),
    sa.Column('leg', sa.Text(), nullable=False),
    sa.Column('rule', sa.Text(), nullable=False),
    sa.Column('attempt', sa.SmallInteger(), nullable=False),
    sa.Column('request_id', sa.Text(), nullable=False),
    sa.Column('session_id', sa.Text(), nullable=True),
    sa.Column('backend', sa.Text(), nullable=False),
    sa.Column('mirrored', sa.Boolean(), nullable=True),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('status', sa.SmallInteger(), nullable=True),
    sa.Column('failure', sa.Text(), nullable=True),
    sa.Column('duration_ms', sa.REAL(), nullable=True),
    sa.Column('ttft_ms', sa.REAL(), nullable=True),
    sa.Column('finish_reason', sa.Text(), nullable=True),
    sa.Column('prompt_tokens', sa.Integer(), nullable=True),
    sa.Column('completion_tokens', sa.Integer(), nullable=True),
    sa.Column('requested_model', sa.Text(), nullable=True),
    sa.Column('response_model', sa.Text(), nullable=True),
    sa.Column('system_fingerprint', sa.Text(), nullable=True),
    sa.Column('slices', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('readings', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.PrimaryKeyConstraint('route_id', 'start_day', 'event_key', name=op.f('pk_events')),
    postgresql_partition_by='RANGE (start_day)'
    )
    op.create_index('ix_events_started_at', 'events', ['started_at'], unique=False, postgresql_using='brin')
    op.create_table('ingest_accounts',
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('hour', sa.DateTime(timezone=True), nullable=False),
    sa.Column('outcome', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('n', sa.BigInteger(), nullable=False),
    sa.Column('last_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('source', 'hour', 'outcome', 'reason', name=op.f('pk_ingest_accounts'))
    )
    op.create_table('leases',
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('holder', sa.Text(), nullable=False),
    sa.Column('epoch', sa.BigInteger(), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_leases'))
    )
    op.create_table('outbox',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('dedup_key', sa.Text(), nullable=False),
    sa.Column('notifier', sa.Text(), nullable=False),
    sa.Column('alert', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('next_attempt_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('done_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('result', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_outbox')),
    sa.UniqueConstraint('dedup_key', 'notifier', name=op.f('uq_outbox_dedup_key_notifier'))
    )
    op.create_index('ix_outbox_due', 'outbox', ['next_attempt_at'], unique=False, postgresql_where=sa.text('done_at IS NULL'))
    op.create_table('policies',
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('document', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('actor', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('name', 'version', name=op.f('pk_policies'))
    )
    op.create_table('routes',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('mode', sa.Text(), nullable=False),
    sa.Column('policy', sa.Text(), nullable=False),
    sa.Column('target_kind', sa.Text(), nullable=False),
    sa.Column('target_settings', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('mirror_host_suffix', sa.Text(), nullable=True),
    sa.Column('mirror_percent', sa.Float(), nullable=False),
    sa.Column('waiver', sa.Text(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_routes')),
    sa.UniqueConstraint('name', name=op.f('uq_routes_name'))
    )
    op.create_table('tick_counts',
    sa.Column('route_id', sa.BigInteger(), nullable=False),
    sa.Column('stream_id', sa.BigInteger(), nullable=False),
    sa.Column('tick', sa.BigInteger(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('counts', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.PrimaryKeyConstraint('route_id', 'stream_id', 'tick', name=op.f('pk_tick_counts'))
    )
    op.create_table('route_clocks',
    sa.Column('route_id', sa.BigInteger(), nullable=False),
    sa.Column('tick_s', sa.Float(), nullable=False),
    sa.Column('last_tick', sa.BigInteger(), nullable=False),
    sa.Column('horizon_s', sa.Float(), nullable=False),
    sa.Column('horizon_hour', sa.DateTime(timezone=True), nullable=False),
    sa.Column('warm_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['route_id'], ['routes.id'], name=op.f('fk_route_clocks_route_id')),
    sa.PrimaryKeyConstraint('route_id', name=op.f('pk_route_clocks'))
    )
    op.create_table('route_controls',
    sa.Column('route_id', sa.BigInteger(), nullable=False),
    sa.Column('phase', sa.Text(), nullable=False),
    sa.Column('phase_since', sa.DateTime(timezone=True), nullable=False),
    sa.Column('goal', sa.Text(), nullable=False),
    sa.Column('actor', sa.Text(), nullable=False),
    sa.Column('epoch', sa.BigInteger(), nullable=False),
    sa.Column('desired', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('before', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('applied_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('incident_id', sa.BigInteger(), nullable=True),
    sa.Column('pinned_by', sa.Text(), nullable=True),
    sa.Column('pinned_until', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('epoch >= 0', name=op.f('ck_route_controls_epoch_not_negative')),
    sa.ForeignKeyConstraint(['route_id'], ['routes.id'], name=op.f('fk_route_controls_route_id')),
    sa.PrimaryKeyConstraint('route_id', name=op.f('pk_route_controls'))
    )
    op.create_table('variants',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('route_id', sa.BigInteger(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('role', sa.Text(), nullable=False),
    sa.Column('backend', sa.Text(), nullable=False),
    sa.Column('format', sa.Text(), nullable=False),
    sa.Column('tier', sa.Text(), nullable=False),
    sa.Column('base_model', sa.Text(), nullable=True),
    sa.Column('digest', sa.Text(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['route_id'], ['routes.id'], name=op.f('fk_variants_route_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_variants')),
    sa.UniqueConstraint('route_id', 'backend', name=op.f('uq_variants_route_id_backend')),
    sa.UniqueConstraint('route_id', 'name', name=op.f('uq_variants_route_id_name'))
    )
    op.create_index('uq_variants_one_baseline', 'variants', ['route_id'], unique=True, postgresql_where=sa.text("role = 'baseline'"))
    op.create_table('incidents',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('route_id', sa.BigInteger(), nullable=False),
    sa.Column('candidate_id', sa.BigInteger(), nullable=False),
    sa.Column('stream_id', sa.BigInteger(), nullable=False),
    sa.Column('signal', sa.Text(), nullable=False),
    sa.Column('slice', sa.Text(), nullable=False),
    sa.Column('headline', sa.Text(), nullable=False),
    sa.Column('opened_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('onset_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('alarm_tick', sa.BigInteger(), nullable=False),
    sa.Column('last_alarm_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('alarms', sa.Integer(), nullable=False),
    sa.Column('evidence', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('effect', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('decided', sa.Text(), nullable=True),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('closed_by', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['candidate_id'], ['variants.id'], name=op.f('fk_incidents_candidate_id')),
    sa.ForeignKeyConstraint(['route_id'], ['routes.id'], name=op.f('fk_incidents_route_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_incidents'))
    )
    op.create_index('uq_incidents_one_open', 'incidents', ['route_id', 'candidate_id'], unique=True, postgresql_where=sa.text('closed_at IS NULL'))
    op.create_table('streams',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('route_id', sa.BigInteger(), nullable=False),
    sa.Column('candidate_id', sa.BigInteger(), nullable=False),
    sa.Column('signal', sa.Text(), nullable=False),
    sa.Column('slice', sa.Text(), nullable=False),
    sa.Column('fingerprint', sa.Text(), nullable=False),
    sa.Column('threshold', sa.Float(), nullable=False),
    sa.Column('state', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('last_tick', sa.BigInteger(), nullable=False),
    sa.Column('verdict', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('evidence', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['candidate_id'], ['variants.id'], name=op.f('fk_streams_candidate_id')),
    sa.ForeignKeyConstraint(['route_id'], ['routes.id'], name=op.f('fk_streams_route_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_streams')),
    sa.UniqueConstraint('route_id', 'candidate_id', 'signal', 'slice', name=op.f('uq_streams_route_id_candidate_id_signal_slice'))
    )
    op.execute(
        "INSERT INTO routes (id, name, mode, policy, target_kind, target_settings, mirror_percent, created_at) "
        "VALUES (0, '(unattributed)', 'observe', 'default', 'none', '{}', 0, now())"
    )
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'decisions are append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER decisions_append_only BEFORE UPDATE OR DELETE ON decisions "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    op.drop_table('streams')
    op.drop_index('uq_incidents_one_open', table_name='incidents', postgresql_where=sa.text('closed_at IS NULL'))
    op.drop_table('incidents')
    op.drop_index('uq_variants_one_baseline', table_name='variants', postgresql_where=sa.text("role = 'baseline'"))
    op.drop_table('variants')
    op.drop_table('route_controls')
    op.drop_table('route_clocks')
    op.drop_table('tick_counts')
    op.drop_table('routes')
    op.drop_table('policies')
    op.drop_index('ix_outbox_due', table_name='outbox', postgresql_where=sa.text('done_at IS NULL'))
    op.drop_table('outbox')
    op.drop_table('leases')
    op.drop_table('ingest_accounts')
    op.drop_index('ix_events_started_at', table_name='events', postgresql_using='brin')
    op.drop_table('events')
    op.drop_index(op.f('ix_decisions_route_id'), table_name='decisions')
    op.drop_table('decisions')
    op.drop_index(op.f('ix_dead_letters_received_at'), table_name='dead_letters')
    op.drop_table('dead_letters')
    op.drop_table('api_keys')
    op.execute("DROP FUNCTION refuse_change()")
