"""Who closed a finding, an index for erasure, one by receive time, and watermarks.

Revision: 7c2f9be0a4d1, after 541a7edc8685
"""

import sqlalchemy as sa
from alembic import op

revision = '7c2f9be0a4d1'
down_revision = '541a7edc8685'
branch_labels = None
depends_on = None

INDEXES = {
    'ix_events_subject': '(subject) WHERE subject IS NOT NULL',
    'ix_events_received_at': 'USING brin (received_at) WITH (autosummarize = on)',
}


def upgrade() -> None:
    _index_days()
    for name, what in INDEXES.items():
        op.execute(f'CREATE INDEX {name} ON events {what}')
    op.add_column('findings', sa.Column('closed_by', sa.Text(), nullable=True))
    op.add_column('findings', sa.Column('closed_reason', sa.Text(), nullable=True))
    op.create_table('watermarks',
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_watermarks'))
    )


def downgrade() -> None:
    op.drop_table('watermarks')
    op.drop_column('findings', 'closed_reason')
    op.drop_column('findings', 'closed_by')
    for name in INDEXES:
        op.drop_index(name, table_name='events')


def _index_days() -> None:
    """Index day by day, each in a transaction of its own: writing waits for one day's index at most, not for all.

    The index on the whole table takes these over instead of building its own. Run again, it goes on where it was.
    """
    with op.get_context().autocommit_block():
        days = op.get_bind().scalars(sa.text(
            "SELECT relname FROM pg_inherits JOIN pg_class ON oid = inhrelid "
            "WHERE inhparent = 'events'::regclass ORDER BY relname"
        )).all()
        for day in days:
            for name, what in INDEXES.items():
                suffix = name.removeprefix('ix_events_')
                op.execute(f'CREATE INDEX IF NOT EXISTS "{day}_{suffix}_idx" ON "{day}" {what}')
