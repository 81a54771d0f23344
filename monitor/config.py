"""Settings: every one comes from the environment with the prefix ``FULLBACK_``."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = ["Settings"]


class Settings(BaseSettings):
    """How one process of the service runs. Policies are data in the database, not settings."""

    model_config = SettingsConfigDict(env_prefix="FULLBACK_", extra="ignore", frozen=True)

    database_url: SecretStr | None = Field(
        None, description="PostgreSQL >= 14 as postgresql://user:password@host/name; unset: the embedded one"
    )
    data_dir: Path = Field(Path(".fullback"), description="Where the embedded PostgreSQL keeps its data")
    host: str = Field("127.0.0.1", description="Address the HTTP server binds to")
    port: int = Field(8400, ge=0, le=65535, description="Port of the HTTP server")
    public_url: str = Field("http://127.0.0.1:8400", description="Base of the links in alerts")
    log_level: str = Field("info", pattern="^(debug|info|warning|error)$", description="Lowest level that is logged")
    ui_auth: str = Field(
        "key", pattern="^(key|off)$", description="'key': the console asks for a read key; 'off': open"
    )

    max_body_mib: float = Field(16, gt=0, description="Largest request body as received, MiB")
    max_decoded_mib: float = Field(64, gt=0, description="Largest request body after decompression, MiB")
    max_record_kib: float = Field(1024, gt=0, description="Largest single record, KiB")
    head_timeout_s: float = Field(10, gt=0, description="Longest time the head of a request may take to arrive")
    body_timeout_s: float = Field(30, gt=0, description="Longest time a request body may take to arrive")
    max_batch_records: int = Field(100_000, gt=0, description="Most records in one body")
    queue_records: int = Field(20_000, gt=0, description="Records waiting for a commit before 503 is answered")
    queue_bytes: int = Field(
        268_435_456, gt=0, description="Memory of the records waiting for a commit before 503 is answered, bytes"
    )
    source_queue_share: float = Field(
        0.5, gt=0, le=1, description="Share of the commit queue that one source may fill while others send"
    )
    commit_timeout_s: float = Field(10, gt=0, description="Longest wait for a commit before 503 is answered")
    drain_s: float = Field(5, ge=0, description="After SIGTERM, how long requests are still taken while not ready")
    max_event_age_days: int = Field(7, gt=0, description="Older events are rejected")
    max_event_lead_s: float = Field(600, gt=0, description="Events starting further in the future are rejected")

    signals: str = Field(
        "all", pattern="^(all|timing)$", description="'timing': only latencies and failures are read, never a text"
    )
    retention_days: int = Field(30, gt=0, description="Events older than this are dropped, days")
    tick_retention_days: int = Field(7, gt=0, description="Counts of single ticks older than this are dropped, days")
    minute_retention_days: int = Field(35, gt=0, description="Counts by minute older than this are dropped, days")
    hour_retention_days: int = Field(400, gt=0, description="Counts by hour older than this are dropped, days")

    evaluate_every_s: float = Field(1, gt=0, description="How often due ticks are looked for")
    reconcile_every_s: float = Field(0.5, gt=0, description="How often the controller looks at every route")
    notify_every_s: float = Field(1, gt=0, description="How often the outbox is drained")
    rehearse_every_s: float = Field(
        86_400, gt=0, description="How often the way of a rollback is gone in dry run at every route's routers"
    )
    lease_s: float = Field(15, gt=0, description="A leader that is silent this long is replaced")

    subject_key: SecretStr | None = Field(
        None, description="Key of the subjects' hashes; after a comma, older keys that erasure still looks for"
    )

    slack_webhook_url: SecretStr | None = Field(None, description="Slack incoming webhook; unset: no Slack messages")
