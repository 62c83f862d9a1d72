"""Django settings, derived from `apim.config` (where every option is declared)."""

from __future__ import annotations

import sys
from pathlib import Path
from urllib.parse import urlsplit

import dj_database_url

from apim.config import ROOT, config
from apim.logs import logging_config
from apim.secrets import read_or_make
from apim.ui.unfold import UNFOLD  # noqa: F401 - django-unfold reads it here

BASE_DIR = ROOT
SECRET_KEY = read_or_make(config.secrets / "django")
CLUSTER_SECRET = config.cluster_secret or read_or_make(config.secrets / "cluster")
DEBUG = config.debug
APIM = config

_hosts = {urlsplit(config.public).hostname or "localhost", "localhost", "127.0.0.1", "[::1]"}
ALLOWED_HOSTS = sorted(_hosts | {name.strip() for name in config.allowed_hosts.split(",") if name.strip()})
CSRF_TRUSTED_ORIGINS = [config.public]

INSTALLED_APPS = [
    "unfold",
    # Of Celery's processes none shows the admin site, whose forms bring many modules.
    "django.contrib.admin.apps.SimpleAdminConfig" if "worker" in sys.argv[1:] else "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "oauth2_provider",
    "django_celery_beat",
    "apim.up",
    "apim.ui",
    "apim.accounts",
    "apim.configuration",
    "apim.eventhub",
    "apim.traffic",
    "apim.keymanager",
    "apim.websub",
    "apim.workflows",
    "apim.login",
    "catalog",
    "publisher",
    "portal",
    "integrator",
]

MIDDLEWARE = [
    "apim.accounts.middleware.CorrelationMiddleware",
    "apim.accounts.middleware.HostMiddleware",
    "apim.ui.metrics.MetricsMiddleware",
    "apim.ui.csp.CspMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "apim.accounts.middleware.TenantMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "apim.accounts.middleware.ErrorMiddleware",
]

ROOT_URLCONF = "apim.urls"
WSGI_APPLICATION = "apim.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

DATABASES = {"default": dj_database_url.parse(config.database, conn_max_age=60, conn_health_checks=True)}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["apim.accounts.backend.TenantBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "apim.keymanager.hashers.ClientSecretHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 8}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "apim.login.password_rules.OrganisationRules"},
]
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"

EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
if not config.mail_host:
    # Without a mail server mails are files: nothing is lost, and links in them can be opened.
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = str(Path(config.var) / "mail")
EMAIL_HOST, EMAIL_PORT = config.mail_host, config.mail_port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = config.mail_user, config.mail_password
EMAIL_USE_TLS, EMAIL_USE_SSL = config.mail_security == "starttls", config.mail_security == "tls"
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = SERVER_EMAIL = config.mail_from

CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": config.redis}}
CSRF_FAILURE_VIEW = "apim.ui.views.csrf_failure"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = config.public.startswith("https:")
CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 20 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000  # the table of operations sends six for each
FILE_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = Path(config.var) / "static"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": config.var / "media"},
    },
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

LOGGING_CONFIG = None
logging_config(config)

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "apim.keymanager.rest.BearerAuthentication",
        "apim.accounts.rest.BasicAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PARSER_CLASSES": [
        "apim.accounts.rest_parsers.JSONParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "apim.accounts.rest_errors.error_response",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    # Resources of the contracts have a `format` of their own; it must not choose how answers are written.
    "URL_FORMAT_OVERRIDE": None,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {"TITLE": "APIM", "VERSION": "0.1.0", "SERVE_INCLUDE_SCHEMA": False}

OAUTH2_PROVIDER_APPLICATION_MODEL = "keymanager.OAuthClient"
OAUTH2_PROVIDER = {
    "ACCESS_TOKEN_EXPIRE_SECONDS": config.token_lifetime,
    "OAUTH2_SERVER_CLASS": "apim.keymanager.server.Server",
    "OAUTH2_VALIDATOR_CLASS": "apim.keymanager.validator.Validator",
    "SCOPES_BACKEND_CLASS": "apim.keymanager.scopes.Scopes",
    "CLIENT_SECRET_HASHER": "client_secret_sha256",
    "OIDC_ISS_ENDPOINT": f"{config.public}/oauth2/token",
    "REFRESH_TOKEN_EXPIRE_SECONDS": 86400,
    "ROTATE_REFRESH_TOKEN": True,
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
    "PKCE_REQUIRED": True,
    "ALLOWED_REDIRECT_URI_SCHEMES": ["http", "https"],
}

CELERY_BROKER_URL = config.redis
CELERY_RESULT_BACKEND = config.redis
CELERY_TASK_DEFAULT_QUEUE = "control"
CELERY_TASK_ROUTES = {"integrator.tasks.*": {"queue": "integration"}, "apim.*": {"queue": "control"}}
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_RESULT_EXPIRES = 3600
CELERY_BEAT_SCHEDULER = "apim.up.beat_scheduler:Scheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 1
