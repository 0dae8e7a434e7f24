"""Settings, all from the environment (docs/reference/settings.md); embedded servers fill in what is missing locally."""

from pathlib import Path

from django.utils.csp import CSP

from portal import connections, logs
from portal.connections import database, mailer
from portal.environment import environment

env = environment()

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = env.data_dir
DEMO = env.demo
# What apps above `disclosures` add to the file with everything about a line.
ARCHIVE_ALSO = ["support.queries.own_cases.cases"]
# Figures for everyone end with the last whole day; of the demo, which has no yesterday, with the minute.
FIGURES_TO_THE_MINUTE = env.demo
# Partners by http on this machine: for the demo and for tests. `check --deploy` refuses it.
DOOR_OUT_LOOPBACK = env.door_out_loopback

SECRET_KEY = env.secret_key
SECRET_KEY_FALLBACKS = env.secret_key_fallbacks
FIELD_ENCRYPTION_KEYS = env.field_encryption_keys
KEY_VAULT = env.key_vault
DEBUG = env.debug
ALLOWED_HOSTS = env.allowed_hosts
BASE_URL = env.base_url
# Names of the carrier's and its brands: no password may be made of them.
PASSWORD_WORDS = env.password_words
CHECKPOINT_DIR = env.checkpoint_dir
CHECKPOINT_BACKEND = env.checkpoint_backend
CHECKPOINT_S3_URL = env.checkpoint_s3_url
CHECKPOINT_S3_REGION = env.checkpoint_s3_region
CHECKPOINT_S3_KEY_ID = env.checkpoint_s3_key_id
CHECKPOINT_S3_SECRET = env.checkpoint_s3_secret
STOP_ARCHIVE_DIR = env.stop_archive_dir
STOP_ARCHIVE_BACKEND = env.stop_archive_backend
STOP_ARCHIVE_S3_URL = env.stop_archive_s3_url
STOP_ARCHIVE_S3_REGION = env.stop_archive_s3_region
STOP_ARCHIVE_S3_KEY_ID = env.stop_archive_s3_key_id
STOP_ARCHIVE_S3_SECRET = env.stop_archive_s3_secret
SMS_BACKEND = env.sms_backend
# Services of our own that stand in a network of the carrier's. A partner's address is public all the same.
INTERNAL_HOSTS = env.internal_hosts
PLAIN_HOSTS = env.plain_hosts
SMS_WEBHOOK_URL = env.sms_webhook_url
SMS_WEBHOOK_TOKEN = env.sms_webhook_token
SMS_RATE = env.sms_rate
SMS_INBOUND_SECRETS = env.sms_inbound_secrets
CALL_LOG_SECRETS = env.call_log_secrets
MAIL_INBOUND_SECRETS = env.mail_inbound_secrets
MAIL_REPLY_ADDRESS = env.mail_reply_address
ATTACHMENTS_DIR = env.attachments_dir
ATTACHMENT_SCANNER = env.attachment_scanner
CLAMAV_SOCKET = env.clamav_socket
# More texts with codes than this within an hour are an incident.
CODE_TEXTS_ALARM = env.code_texts_alarm
# More than so many within an hour are an incident: stops that failed, people one of staff looked at, one agent's stops.
STOPS_FAILING_ALARM = env.stops_failing_alarm
STAFF_BROWSING_ALARM = env.staff_browsing_alarm
# The same within a day and within a week.
STAFF_BROWSING_ALARM_DAY = env.staff_browsing_alarm_day
STAFF_BROWSING_ALARM_WEEK = env.staff_browsing_alarm_week
STOPS_BY_AGENT_ALARM = env.stops_by_agent_alarm
# Whether a line of our own stops every hour, through everything a person's stop goes through.
CANARY = env.canary
# Accounts of the carrier's own, whose lines officers may put at partners to find out false receipts.
TEST_ACCOUNTS = env.test_accounts
RETENTION_MONTHS = env.retention_months
REDIS_URL = env.redis_url
METRICS_TOKEN = env.metrics_token
STAFF_OIDC_ISSUER = env.staff_oidc_issuer
STAFF_OIDC_CLIENT_ID = env.staff_oidc_client_id
STAFF_OIDC_CLIENT_SECRET = env.staff_oidc_client_secret
STAFF_OIDC_ROLES_CLAIM = env.staff_oidc_roles_claim
OIDC_ISSUER = env.oidc_issuer
OIDC_CLIENT_ID = env.oidc_client_id
OIDC_CLIENT_SECRET = env.oidc_client_secret
OIDC_LINE_CLAIM = env.oidc_line_claim
OIDC_SEEING_ACR = env.oidc_seeing_acr
CARRIER_NAME = env.carrier_name
DRP_BUSINESS_ID = env.drp_business_id
READING_LIMIT = env.reading_limit
SENTRY_DSN = env.sentry_dsn
TRACES = env.traces
SECURITY_CONTACT = env.security_contact
LOGGING = logs.configure(log_format=env.log_format, level=env.log_level)
LOGGING_CONFIG = "logging.config.dictConfig"

INSTALLED_APPS = [
    "tools",
    "portal",
    "console",
    "support",
    "disclosures",
    "consent",
    "revocations",
    "partners",
    "accounts",
    "audit",
    "unfold.apps.BasicAppConfig",
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "django_htmx",
]
MIDDLEWARE = [
    "portal.load_shedding.request_metrics_middleware",
    "portal.api_errors.check_host_for_machines",
    "portal.api_errors.refuse_machines_by_http",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # Outside of all that may fail below it.
    "consent.middleware.failed_stops",
    "consent.middleware.page_timeout",
    "portal.api_errors.answer_machines_with_problems",
    "accounts.middleware.private_pages",
    "accounts.middleware.blank_after_quick_exit",
    "consent.middleware.planned_stops",
    "accounts.middleware.LateSessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "portal.load_shedding.stopping_first",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "accounts.middleware.end_sign_ins",
    "accounts.middleware.remember_devices",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "accounts.middleware.always_render",
    "accounts.middleware.refuse_nul_in_paths",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "consent.middleware.privacy_signal",
]
ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "support.views.access.show_case_counts",
            ]
        },
    }
]

# The application's own role is "default" and owns nothing. "owner" is used by migrations and partition upkeep only.
DATABASES = {"default": database(env.database_url)}
if env.database_owner_url:
    DATABASES["owner"] = database(env.database_owner_url)
    DATABASES["default"]["TEST"] = {"MIRROR": "owner"}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/home/"
LOGOUT_REDIRECT_URL = "/"

# Subscribers sign in by number and texted code (accounts.views); allauth keeps the sessions, the second factors and
# the sign-in of staff by e-mail and password.
ACCOUNT_ADAPTER = "accounts.views.adapter.AccountAdapter"
MFA_ADAPTER = "accounts.views.adapter.FactorAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
# Guesses are limited by rows of ours (accounts.actions.rate_limits), which need no cache and keep nobody out.
ACCOUNT_RATE_LIMITS = False
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
# Recovery codes are shown once, and kept as slow hashes from then on.
MFA_RECOVERY_CODES_SHOW_ONCE = True
ACCOUNT_FORMS = {"login": "accounts.forms.StaffForm", "change_password": "accounts.forms.ChangeForm"}
MFA_FORMS = {
    "authenticate": "accounts.forms.FactorForm",
    "authenticate_webauthn": "accounts.forms.FactorPasskeyForm",
    "reauthenticate": "accounts.forms.FactorAgainForm",
    "reauthenticate_webauthn": "accounts.forms.AgainPasskeyForm",
    "add_webauthn": "accounts.forms.AddPasskeyForm",
}
RECOVERY_CODE_ROUNDS = 600_000
MFA_TOTP_ISSUER = "Whereabouts"
MFA_TOTP_TOLERANCE = 1
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = DEBUG or DEMO
# A phone that lies unlocked gets the code by text, too: its passkey asks who is there.
MFA_WEBAUTHN_USER_VERIFICATION = "required"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "accounts.policies.password_rules.OwnWords"},
]
# No page that takes a number or a code answers sooner than this: the time must not tell who is a customer.
ANSWER_SECONDS = 0.25

USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = True
LANGUAGE_CODE = "en"
LANGUAGES = [
    ("en", "English"), ("es", "Español"), ("zh-hans", "简体中文"), ("vi", "Tiếng Việt"), ("ar", "العربية"),
]  # fmt: skip
# How people in the United States write numbers, whatever they speak: Django knows only how they do elsewhere.
FORMAT_MODULE_PATH = "portal.formats"
LOCALE_PATHS = [BASE_DIR / "locale"]
FILE_UPLOAD_HANDLERS = ["support.forms.uploads.InMemoryUploadHandler"]

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles" if env.https else env.data_dir / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
if env.https or env.demo:  # served from what collectstatic compressed and named by its content
    STORAGES = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }
    # Pages name no other, and to compress each file a second time takes as long as the first.
    WHITENOISE_KEEP_ONLY_HASHED_FILES = True
else:
    STATIC_ROOT.mkdir(parents=True, exist_ok=True)
    WHITENOISE_USE_FINDERS = True

SESSION_ENGINE = "accounts.domain.session_store"
# Tells a browser in which somebody proved who they are, so that others' guesses don't slow it.
DEVICE_COOKIE_NAME = "device"
# What a page says next is kept with the session: no cookie of its own.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

CACHES = {
    "default": {
        "BACKEND": "portal.caches.ForgivingCache",
        "LOCATION": env.redis_url,
        "KEY_PREFIX": "whereabouts",
        "OPTIONS": {"socket_connect_timeout": 0.5, "socket_timeout": 1},
    }
}
MAILERS = {"default": mailer(env.email_url)}
# Where people can call, shown to them.
CARRIER_PHONE = env.carrier_phone
CARRIER_HOURS = env.carrier_hours
STAFF_WEBHOOK_URL = env.staff_webhook_url
STAFF_WEBHOOK_QUIET = env.staff_webhook_quiet
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.email_from

# Nothing from other hosts, nothing inline, nobody may frame us.
SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "manifest-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
}
# The officers' console (console.views): the product's own colour, light and dark as the reader chooses.
UNFOLD = {
    "COLORS": {
        "primary": {
            "50": "#eef7f5", "100": "#d5ece8", "200": "#a9d9d2", "300": "#74d5c9", "400": "#3fa79d", "500": "#1f837a",
            "600": "#0a5c57", "700": "#094d49", "800": "#07433f", "900": "#06322f", "950": "#05211e",
        },
    },
}  # fmt: skip
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
# Everywhere but on the machine itself people come by https, and only by it.
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = env.https
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if env.https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = env.https
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
if env.https:
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME, LANGUAGE_COOKIE_NAME = "__Host-session", "__Host-csrf", "__Host-language"
    DEVICE_COOKIE_NAME = "__Host-device"
# Who is in front of us, as X-Forwarded-For has it: one proxy, which adds the address that it sees.
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if env.behind_proxy else 0
if env.behind_proxy:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

MTLS_CLIENT_CERTIFICATES = env.mtls_client_certificates
MTLS_CERTIFICATE_HEADER = env.mtls_certificate_header
MTLS_BASE_URL = env.mtls_base_url

CELERY_BROKER_URL = env.celery_broker_url
CELERY_BROKER_USE_SSL = connections.broker_tls(env.celery_broker_url)
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A dead broker must cost a stop less than its 2 s: one quick try, then the sweep finds the row.
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, object] = {
    "socket_connect_timeout": 0.5, "socket_timeout": 0.5, "visibility_timeout": 600, "max_retries": 0,
}  # fmt: skip
if env.celery_broker_master:
    CELERY_BROKER_TRANSPORT_OPTIONS["master_name"] = env.celery_broker_master
CELERY_BROKER_CONNECTION_TIMEOUT = 0.5
CELERY_BEAT_SCHEDULER = "portal.schedule:Schedule"
CELERY_BEAT_SCHEDULE = {
    "sweep-orders": {"task": "revocations.tasks.sweep", "schedule": 5.0},
    "end-terms": {"task": "consent.tasks.end_terms", "schedule": 60.0},
    "build-manifests": {"task": "consent.tasks.build_manifests", "schedule": 30.0},
    "tell-subscribers": {"task": "consent.tasks.tell_subscribers", "schedule": 60.0},
    "settle-orders": {"task": "consent.tasks.settle_orders", "schedule": 60.0},
    "archive-stops": {"task": "consent.tasks.archive_stops", "schedule": 5.0, "options": {"expires": 60.0}},
    "find-unarchived": {"task": "consent.tasks.find_unarchived", "schedule": 4 * 3600.0},
    "end-pauses": {"task": "consent.tasks.end_pauses", "schedule": 60.0},
    # Where workers were busy or away, one of them is enough.
    "deliver-texts": {"task": "accounts.tasks.deliver_texts", "schedule": 5.0, "options": {"expires": 60.0}},
    "deliver-letters": {"task": "accounts.tasks.deliver_letters", "schedule": 15.0, "options": {"expires": 60.0}},
    "remind": {"task": "consent.tasks.remind", "schedule": 3600.0},
    "send-yearly": {"task": "consent.tasks.send_yearly", "schedule": 24 * 3600.0},
    "tell-outcomes": {"task": "consent.tasks.tell_outcomes", "schedule": 300.0, "options": {"expires": 300.0}},
    "see-to-agents": {"task": "consent.tasks.see_to_agents", "schedule": 15.0, "options": {"expires": 60.0}},
    "watch-code-texts": {"task": "accounts.tasks.watch_code_texts", "schedule": 60.0},
    "end-reassigned-contacts": {"task": "accounts.tasks.end_reassigned_contacts", "schedule": 3600.0},
    "forget-codes": {"task": "accounts.tasks.forget_codes", "schedule": 24 * 3600.0},
    "forget-assertions": {"task": "partners.tasks.forget_assertions", "schedule": 3600.0},
    "forget-trials": {"task": "revocations.tasks.forget_trials", "schedule": 24 * 3600.0},
    "forget-sessions": {"task": "accounts.tasks.forget_sessions", "schedule": 3600.0},
    "text-questions": {"task": "consent.tasks.text_questions", "schedule": 15.0},
    "open-tickets": {"task": "support.tasks.open_tickets", "schedule": 60.0},
    "watch": {"task": "support.tasks.watch", "schedule": 60.0},
    "watch-staff-for-long": {"task": "support.tasks.watch_staff_for_long", "schedule": 600.0},
    "verify-audit": {"task": "support.tasks.verify_audit", "schedule": 6 * 3600.0},
    # At the start, and every hour.
    "start-canary": {"task": "support.tasks.start_canary", "schedule": 3600.0, "options": {"expires": 300.0}},
    "tend-canary": {"task": "support.tasks.tend_canary", "schedule": 15.0, "options": {"expires": 60.0}},
    "send-notifications": {"task": "console.tasks.send_notifications", "schedule": 60.0, "options": {"expires": 60.0}},
    "send-answers": {"task": "support.tasks.send_answers", "schedule": 5.0, "options": {"expires": 60.0}},
    "scan-files": {"task": "support.tasks.scan_files", "schedule": 10.0, "options": {"expires": 60.0}},
    "take-evidence": {"task": "support.tasks.take_evidence", "schedule": 60.0},
    "close-tickets": {"task": "support.tasks.close_tickets", "schedule": 600.0},
    "send-replies": {"task": "support.tasks.send_replies", "schedule": 5.0, "options": {"expires": 60.0}},
    "settle-acts": {"task": "support.tasks.settle", "schedule": 120.0},
    "judge-again": {"task": "disclosures.tasks.rejudge", "schedule": 15.0},
    "attribute-held": {"task": "disclosures.tasks.attribute_held", "schedule": 300.0},
    "take-in-records": {"task": "disclosures.tasks.take_in_records", "schedule": 60.0},
    "reveal-lifted": {"task": "disclosures.tasks.reveal", "schedule": 600.0},
    "roll-up": {"task": "disclosures.tasks.roll_up", "schedule": 300.0},
    "find-anomalies": {"task": "disclosures.tasks.find_anomalies", "schedule": 300.0},
    "find-anomalies-deep": {
        "task": "disclosures.tasks.find_anomalies",
        # Between two of the others: a search leaves it to one that runs, and this one must not always be who leaves.
        "schedule": 24 * 3600.0 + 150.0,
        "kwargs": {"deep": True},
    },
    "act-on-anomalies": {"task": "disclosures.tasks.act_on_anomalies", "schedule": 900.0},
    "make-figures": {
        "task": "disclosures.tasks.make_figures",
        "schedule": 60.0 if FIGURES_TO_THE_MINUTE else 6 * 3600.0,
    },
    "import-files": {"task": "console.tasks.import_files", "schedule": 5.0, "options": {"expires": 60.0}},
    "make-archives": {"task": "disclosures.tasks.make_archives", "schedule": 5.0, "options": {"expires": 60.0}},
    "make-partitions": {"task": "disclosures.tasks.make_partitions", "schedule": 6 * 3600.0},
    "drop-months": {"task": "disclosures.tasks.drop_months", "schedule": 24 * 3600.0},
    "watch-partners": {"task": "revocations.tasks.watch_partners", "schedule": 60.0},
    "note-overdue": {"task": "revocations.tasks.note_overdue", "schedule": 60.0},
    "note-evidence": {"task": "revocations.tasks.note_evidence", "schedule": 60.0},
    "note-all-overdue": {"task": "revocations.tasks.note_overdue", "schedule": 6 * 3600.0, "kwargs": {"whole": True}},
    "mend-breaches": {"task": "revocations.tasks.mend_breaches", "schedule": 600.0},
    "verify-streams": {"task": "revocations.tasks.verify_streams", "schedule": 60.0},
    "rotate-keys": {"task": "partners.tasks.rotate_keys", "schedule": 3600.0},
    # Of several that waited one is enough.
    "sign-acts": {"task": "partners.tasks.sign_acts", "schedule": 3.0, "options": {"expires": 30.0}},
    "write-checkpoint": {"task": "partners.tasks.write_checkpoint", "schedule": 600.0, "options": {"expires": 600.0}},
}
