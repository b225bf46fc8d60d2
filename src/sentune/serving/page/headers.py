"""What a browser may do with the page, and with the report."""

from __future__ import annotations

__all__ = ["PAGE_HEADERS", "REPORT_HEADERS"]

_PAGE = (
    *("default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'"),
    *("img-src 'self' data:", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"),
    # A script that would make markup of a text fails.
    *("require-trusted-types-for 'script'", "trusted-types 'none'"),
)
# The page that `tune` wrote names the one style that it may have. The sandbox keeps whatever else a
# folder has under this name from speaking to the server.
_REPORT = (
    *("default-src 'none'", "style-src 'unsafe-inline'", "base-uri 'none'", "form-action 'none'"),
    *("frame-ancestors 'none'", "sandbox"),
)
_COMMON = {
    "cache-control": "no-cache",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}

PAGE_HEADERS = {"content-security-policy": "; ".join(_PAGE), **_COMMON}
REPORT_HEADERS = {"content-security-policy": "; ".join(_REPORT), **_COMMON}
