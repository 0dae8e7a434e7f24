"""Declare every setting once: `docs/reference/settings.md` is written from this, and `manage.py settings` reads it."""

from dataclasses import dataclass

SHORTEST_SECRET, LARGEST_NUMBER = 32, 1_000_000_000
FIRST_VERSION = "0.1.0"
LEAST_MONTHS, MOST_MONTHS = 12, 1200
# What happens when a value is wrong, by the kind of setting. "No start": the process says so and exits.
WRONG = {
    "text": "not checked",
    "list": "not checked",
    "folder": "not checked at the start",
    "class": "`check --deploy` refuses a missing one",
    "switch": "no start unless 1 or 0",
    "number": f"no start unless a whole number from 1 to {LARGEST_NUMBER:,}",
    "secrets": f"no start if one has fewer than {SHORTEST_SECRET} characters",
    "url": "not checked at the start",
    "choice": "no start unless one of them",
}


@dataclass(frozen=True)
class Setting:
    """One setting. `needed`: when production requires it, "" for never. `secret`: masked, and may come from a file.

    `example` is a value that production accepts; it stands in for one that is missing while the rest is checked.
    `wrong`: what a wrong value does, where it isn't what `WRONG` says of its kind.
    """

    name: str
    kind: str
    text: str
    default: str = ""
    example: str = ""
    needed: str = ""
    wrong: str = ""
    since: str = FIRST_VERSION
    secret: bool = False


S3_URL = "no start unless `https://host/bucket/folder`, outside the other store's"
KEY = "no start without it"
TLS = "no start without verified TLS to other machines"
ISSUER = "no start unless `https://…` (`http://` only on loopback)"

SECTIONS = {
    "Database and broker": (
        Setting(
            "DATABASE_URL", "url",
            "`postgresql://user:password@host:port/name`, the application's role. libpq options may follow: "
            "`?sslmode=verify-full` (to another machine), `?options=` ([PgBouncer](../guides/pgbouncer.md))",
            example="postgresql://whereabouts_app:secret@db.carrier.example/whereabouts?sslmode=verify-full",
            needed="required", wrong="no start unless `postgresql://…` with verified TLS to other machines",
            secret=True,
        ),
        Setting(
            "DATABASE_OWNER_URL", "url", "the owner's, for migrations, partitions, `reseal` and `after_restore`",
            example="postgresql://whereabouts_owner:secret@db.carrier.example/whereabouts?sslmode=verify-full",
            needed="for workers and the commands named here", wrong=TLS,
            secret=True,
        ),
        Setting(
            "REDIS_URL", "url",
            "throttles, and the broker unless another is named; `rediss://…` to another machine",
            example="rediss://:secret@redis.carrier.example:6379/0", needed="required",
            wrong=TLS, secret=True,
        ),
        Setting(
            "CELERY_BROKER_URL", "url",
            "a separate broker, `amqps://…` or `rediss://…` ([broker](../guides/scale.md#the-broker))",
            default="`REDIS_URL`", example="amqps://user:secret@broker.carrier.example//",
            wrong=TLS, secret=True,
        ),
        Setting(
            "CELERY_BROKER_MASTER", "text", "the master's name in Sentinel", example="whereabouts",
            needed="with `sentinel://`", wrong="no start without it",
        ),
    ),
    "Keys, addresses and the network": (
        Setting(
            "SECRET_KEY", "text", "signs links, and ties a session to its password", example="a-long-random-string" * 3,
            needed="required", wrong="`check --deploy` refuses a weak one", secret=True,
        ),
        Setting(
            "SECRET_KEY_FALLBACKS", "list", "old values of `SECRET_KEY`", secret=True,
            example="the-one-before",
        ),
        Setting(
            "FIELD_ENCRYPTION_KEYS", "list",
            "Fernet keys, newest first. **Never remove the last one**: it also makes the hashes "
            "that "
            "find numbers ([rotation](../guides/keys.md))",
            example="lrAxISf_Gzii3yCWDotTtf0CLk-4oMnQkUvUqQFg4Kc=", needed="required",
            wrong="no start if one is no key; `check --deploy` refuses one that is known",
            secret=True,
        ),
        Setting(
            "BASE_URL", "url",
            "the public address, `https://…`; also the issuer of everything we sign. `http://` only on loopback",
            example="https://privacy.carrier.example", needed="required", wrong=ISSUER,
        ),
        Setting(
            "ALLOWED_HOSTS", "list", "host names", example="privacy.carrier.example",
            default="on loopback: `localhost,127.0.0.1,[::1]`", needed="required",
            wrong="`check --deploy` refuses names that others may have",
        ),
        Setting(
            "BEHIND_PROXY", "switch",
            "`1` behind one proxy that sets `X-Forwarded-Proto` and appends to `X-Forwarded-For` "
            "([the proxy](../guides/install.md#the-proxy))",
            default="off", example="1", needed="usually",
        ),
        Setting(
            "MTLS_CLIENT_CERTIFICATES", "switch", "`1` binds partners' tokens to client certificates", default="off",
            example="1", wrong="no start without `BEHIND_PROXY=1`",
        ),
        Setting(
            "MTLS_CERTIFICATE_HEADER", "text", "the proxy's header with the certificate", default="`Client-Cert`",
            example="X-Client-Cert",
        ),
        Setting(
            "MTLS_BASE_URL", "url", "the token endpoint's address with certificates, if another",
            example="https://mtls.carrier.example",
        ),
        Setting(
            "KEY_VAULT", "class",
            "holds our signing keys in a KMS or HSM (`partners/primitives/sealing.py`)",
            default="`partners.primitives.sealing.SealedKeys`", example="carrier.vault.Kms",
        ),
        Setting(
            "PLAIN_HOSTS", "list",
            "hosts and networks to which connections without verified TLS are allowed",
            example="db.internal,10.20.0.0/16", wrong="no start if a network can't be read",
        ),
        Setting(
            "INTERNAL_HOSTS", "list",
            "hosts and networks of your own where text gateway, webhook and `BASE_URL` may be; otherwise public"
            " addresses only. Sign-in, mail and stores need no entry",
            example="sms.carrier.example", needed="for an internal text gateway",
            wrong="no start if a network can't be read", since="1.0.0",
        ),
        Setting(
            "READING_LIMIT", "number",
            "requests of one process that may show reading pages at once ([readers](../guides/scale.md#readers))",
            default="8", example="8",
        ),
    ),
    "Texts, mail, calls and files": (
        Setting(
            "SMS_BACKEND", "class",
            "has `send(*, msisdn, text, code=\"\")`; `partners.clients.sms.HttpBackend` posts to a webhook",
            default="on loopback: shown on the console", example="partners.clients.sms.HttpBackend", needed="required",
        ),
        Setting(
            "SMS_WEBHOOK_URL", "url", 'where it posts `{"to","text"}`, https only',
            example="https://sms.carrier.example/send", needed="with that backend",
            wrong="`check --deploy` refuses the backend without it; no start unless `https://`",
        ),
        Setting(
            "SMS_WEBHOOK_TOKEN", "text", "its bearer token", example="a-token", needed="with that backend", secret=True,
        ),
        Setting(
            "SMS_RATE", "number", "texts a second that it takes; codes are not counted", default="200", example="200",
            since="1.1.0",
        ),
        Setting(
            "SMS_INBOUND_SECRETS", "secrets",
            "your gateway signs incoming texts with one of these. Without it `/api/v1/texts` doesn't exist",
            example="x" * SHORTEST_SECRET, needed="for `STOP LOCATION` by text", secret=True,
        ),
        Setting(
            "CALL_LOG_SECRETS", "secrets", "the same for logged calls, `/api/v1/calls`", example="x" * SHORTEST_SECRET,
            needed="for stops after a call back", secret=True,
        ),
        Setting(
            "MAIL_INBOUND_SECRETS", "secrets", "the same for incoming mail, `/api/v1/mail`",
            example="x" * SHORTEST_SECRET, needed="for cases by mail", secret=True,
        ),
        Setting(
            "MAIL_REPLY_ADDRESS", "text",
            "reply address of case mail; mail to it **and to `help+anything@…`** must reach your mail gateway",
            example="help@carrier.example", needed="for cases by mail",
            wrong="no start unless a plain address without a plus sign",
        ),
        Setting(
            "EMAIL_URL", "url", "`smtp://user:password@host:587`, `smtps://…`; `console://` locally",
            default="on loopback: `console://`", example="smtps://user:secret@mail.carrier.example", needed="required",
            wrong="no start for another scheme", secret=True,
        ),
        Setting(
            "EMAIL_FROM", "text", "sender of mail", default="`CARRIER_NAME`, `no-reply@` your host",
            example="Carrier privacy <privacy@carrier.example>",
        ),
        Setting(
            "ATTACHMENTS_DIR", "folder",
            "sealed case files: outside every web root, shared by all web and worker processes, in your backups",
            default="`DATA_DIR/attachments`", example="/srv/whereabouts/attachments", needed="recommended",
        ),
        Setting(
            "ATTACHMENT_SCANNER", "class",
            "has `is_clean(*, content, media_type)`. The default looks at file type and active PDFs; "
            "`support.domain.files.ClamAV` also asks clamd (`StreamMaxLength` 6 MB or more)",
            default="`support.domain.files.OwnLook`", example="support.domain.files.ClamAV", needed="recommended",
        ),
        Setting(
            "CLAMAV_SOCKET", "text", "with ClamAV: clamd's socket", default="`/run/clamav/clamd.ctl`",
            example="/run/clamav/clamd.ctl", wrong="files wait until clamd can be asked",
        ),
    ),
    "People": (
        Setting(
            "CARRIER_NAME", "text", "your name, at the foot of every page and on every receipt",
            default="the host of `BASE_URL`", example="Carrier", needed="recommended", since="1.0.0",
        ),
        Setting(
            "CARRIER_PHONE", "text",
            "the number people call for help, on pages, in texts that warn and on receipts. Without it pages say "
            "\"the number on your bill\"",
            example="1-800-555-0100", needed="recommended", since="1.0.0",
        ),
        Setting(
            "CARRIER_HOURS", "text", "when that number is answered; other languages follow a `|`",
            example="daily 8-20 | es: diario, 8-20", since="1.0.0",
        ),
        Setting(
            "PASSWORD_WORDS", "list",
            "names of yours that [passwords may not consist of](../explanation/security.md#passwords)",
            example="carrier,carrierone", needed="recommended",
        ),
        Setting(
            "OIDC_ISSUER", "url",
            "your customers' OpenID provider; redirect address `/accounts/login/carrier/back/`",
            example="https://login.carrier.example", wrong=ISSUER,
        ),
        Setting(
            "OIDC_CLIENT_ID", "text", "as registered there", example="whereabouts", needed="with `OIDC_ISSUER`",
            wrong=KEY,
        ),
        Setting(
            "OIDC_CLIENT_SECRET", "text", "as registered there", example="a-secret", needed="with `OIDC_ISSUER`",
            wrong=KEY, secret=True,
        ),
        Setting(
            "OIDC_LINE_CLAIM", "text",
            "the ID-token claim that names the line **of the person who uses it**, never of whoever pays: `line_id` or "
            "`phone_number` (only with `phone_number_verified`)",
            default="`line_id`", example="phone_number", wrong="nobody can sign in that way",
        ),
        Setting(
            "OIDC_SEEING_ACR", "text",
            "the `acr` that is enough to see data; any other counts as a texted code",
            example="urn:carrier:strong",
        ),
        Setting(
            "STAFF_OIDC_ISSUER", "url",
            "staff's OpenID provider ([Officers](../guides/officers.md#sign-in-with-your-own-provider))",
            example="https://staff-login.carrier.example", wrong=ISSUER,
        ),
        Setting(
            "STAFF_OIDC_CLIENT_ID", "text", "as registered there", example="whereabouts-staff",
            needed="with `STAFF_OIDC_ISSUER`", wrong=KEY,
        ),
        Setting(
            "STAFF_OIDC_CLIENT_SECRET", "text", "as registered there", example="a-secret",
            needed="with `STAFF_OIDC_ISSUER`", wrong=KEY, secret=True,
        ),
        Setting(
            "STAFF_OIDC_ROLES_CLAIM", "text",
            "a claim (text or list) that must contain the person's role here. It can remove access, never grant it",
            example="roles", wrong="nobody of staff can sign in that way",
        ),
        Setting(
            "STAFF_WEBHOOK_URL", "url",
            "where officers' [notifications](../guides/officers.md#notifications) are posted as `{\"text\"}`, which "
            "Slack reads",
            default="off", example="https://hooks.chat.example/services/secret", secret=True,
            wrong="nothing is posted; the log says so", since="1.1.0",
        ),
        Setting(
            "STAFF_WEBHOOK_QUIET", "text",
            "hours in which nothing is posted there, and their time zone",
            default="never quiet", example="20-7 America/New_York",
            wrong="no start unless two hours and a time zone", since="1.1.0",
        ),
        Setting(
            "DRP_BUSINESS_ID", "text",
            "your id in the Data Rights Protocol directory; without it `/drp/v1/` doesn't exist", example="CARRIER",
            needed="for authorised agents",
        ),
        Setting(
            "SECURITY_CONTACT", "text", "in `/.well-known/security.txt`", default="`mailto:security@` your host",
            example="mailto:security@carrier.example",
        ),
        Setting(
            "TEST_ACCOUNTS", "list",
            "ids of your own accounts whose lines may be watched as [test lines](../guides/officers.md#test-lines)",
            example="A-1,A-2",
        ),
    ),
    "Storage": (
        Setting(
            "CHECKPOINT_DIR", "folder",
            "signed audit checkpoints: **one folder shared by all web and worker processes** "
            "([why](../guides/install.md#storage-outside-the-database))",
            default="locally `DATA_DIR/checkpoints`", example="/srv/whereabouts/checkpoints",
            needed="with https, unless `CHECKPOINT_BACKEND`", wrong="no start if it is the archive's folder too",
        ),
        Setting(
            "CHECKPOINT_BACKEND", "class",
            "a `partners.clients.checkpoint_places.Place`; `partners.clients.checkpoint_s3.S3Place` for "
            "[object storage](../guides/object-storage.md)",
            default="the folder", example="partners.clients.checkpoint_s3.S3Place",
        ),
        Setting(
            "CHECKPOINT_S3_URL", "url", "where it keeps them", needed="with that backend", wrong=S3_URL,
            example="https://store.carrier.example/whereabouts/checkpoints",
        ),
        Setting("CHECKPOINT_S3_REGION", "text", "the store's region", default="`us-east-1`", example="us-east-1"),
        Setting("CHECKPOINT_S3_KEY_ID", "text", "its key's id", example="KEY", needed="with that backend", wrong=KEY),
        Setting(
            "CHECKPOINT_S3_SECRET", "text", "that key's secret", example="a-secret", needed="with that backend",
            wrong=KEY,
            secret=True,
        ),
        Setting(
            "STOP_ARCHIVE_DIR", "folder",
            "the [archive of stops](../guides/backup.md#the-archive-of-stops): one shared folder, on another disk "
            "than the "
            "database",
            default="`CHECKPOINT_DIR/stop-archive`; locally `DATA_DIR/stop-archive`",
            example="/srv/whereabouts/stop-archive",
            needed="with https, unless `CHECKPOINT_DIR` or `STOP_ARCHIVE_BACKEND`",
            wrong="no start if it is the checkpoints' folder too",
        ),
        Setting(
            "STOP_ARCHIVE_BACKEND", "class",
            "a `consent.clients.archive_sink.Sink`; `consent.clients.archive_s3.S3Sink`",
            default="the folder", example="consent.clients.archive_s3.S3Sink",
        ),
        Setting(
            "STOP_ARCHIVE_S3_URL", "url", "as for checkpoints", needed="with that backend", wrong=S3_URL,
            example="https://store.carrier.example/whereabouts/stops",
        ),
        Setting("STOP_ARCHIVE_S3_REGION", "text", "as for checkpoints", default="`us-east-1`", example="us-east-1"),
        Setting(
            "STOP_ARCHIVE_S3_KEY_ID", "text", "as for checkpoints", example="KEY", needed="with that backend",
            wrong=KEY,
        ),
        Setting(
            "STOP_ARCHIVE_S3_SECRET", "text", "as for checkpoints", example="a-secret", needed="with that backend",
            wrong=KEY,
            secret=True,
        ),
        Setting(
            "PROMETHEUS_MULTIPROC_DIR", "folder",
            "an empty folder shared by the processes of one service, for [metrics](../guides/monitor.md)",
            example="/run/whereabouts/metrics",
        ),
        Setting(
            "DATA_DIR", "folder", "embedded servers, keys and demo data", default="`.data`", example="/srv/whereabouts",
        ),
        Setting(
            "RETENTION_MONTHS", "number", "whole months releases are kept, at least 12 (47 CFR 64.2009(c))",
            default="24", example="24", wrong=f"no start unless a whole number from {LEAST_MONTHS} to {MOST_MONTHS:,}",
        ),
    ),
    "Monitoring and thresholds": (
        Setting("METRICS_TOKEN", "text", "bearer token of `/metrics`; without it the page doesn't exist",
                example="a-token", secret=True),
        Setting(
            "SENTRY_DSN", "url", "[error reports](../guides/monitor.md#logs-traces-and-error-reports)", default="off",
            example="https://key@sentry.carrier.example/1", secret=True,
        ),
        Setting(
            "OTEL_EXPORTER_OTLP_ENDPOINT", "url",
            "and OpenTelemetry's other names: [traces](../guides/monitor.md#logs-traces-and-error-reports)",
            default="off",
            example="https://otel.carrier.example",
        ),
        Setting("LOG_FORMAT", "choice", "`json` or `console`", default="`console`", example="json"),
        Setting("LOG_LEVEL", "choice", "`debug`, `info`, `warning`, `error`", default="`info`", example="info"),
        Setting(
            "CANARY", "switch", "`0` turns the hourly [canary](../guides/monitor.md#canary) off", default="on",
            example="0",
        ),
        Setting(
            "CODE_TEXTS_ALARM", "number", "texted codes an hour above which an incident opens", default="5000",
            example="5000",
        ),
        Setting(
            "STOPS_FAILING_ALARM", "number", "failed stops, or codes not taken, an hour", default="5", example="5",
        ),
        Setting(
            "STAFF_BROWSING_ALARM", "number",
            "subscribers one staff member looked at in an hour (only found by searches: 250). Set these three a "
            "little above "
            "your busiest agents",
            default="40", example="40",
        ),
        Setting(
            "STAFF_BROWSING_ALARM_DAY", "number", "the same in a day (by searches: 1,000)", default="160",
            example="160",
        ),
        Setting(
            "STAFF_BROWSING_ALARM_WEEK", "number", "the same in a week (by searches: 3,000)", default="600",
            example="600",
        ),
        Setting("STOPS_BY_AGENT_ALARM", "number", "stops by one agent an hour", default="30", example="30"),
        Setting("DEBUG", "switch", "`1` shows tracebacks; never in production", default="off", example="0",
                wrong="`check --deploy` refuses `1`"),
        Setting(
            "WHEREABOUTS_DEMO", "switch", "`1` in the demo only: sample people, phones and keys", default="off",
            example="0",
            wrong="no start with `1` unless `BASE_URL` is on loopback",
        ),
        Setting(
            "DOOR_OUT_LOOPBACK", "switch", "`1` in the demo only: partners by http on this machine", default="off",
            example="0", wrong="no start with `1` unless `BASE_URL` is on loopback",
        ),
    ),
}  # fmt: skip
SETTINGS = {setting.name: setting for settings in SECTIONS.values() for setting in settings}

SECRETS = tuple(name for name, setting in SETTINGS.items() if setting.secret)
