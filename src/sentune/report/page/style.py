"""How a report looks: one style sheet for the page, and for pictures of their own."""

from __future__ import annotations

import hashlib
from base64 import b64encode

from sentune.report.page.markup import Element, h

__all__ = ["PAGE_STYLE", "PICTURE_STYLE", "policy", "style_element"]

# Colours told apart by people who see no red or green (Okabe & Ito 2008), darkened for white paper.
_LIGHT = (
    "--paper:#fff;--ink:#1c2126;--soft:#59636d;--line:#d5dade;--panel:#f5f7f8;--mark:#ffe9a8;"
    "--base:#6b7680;--model:#0061a8;--bm25:#b35900;--fusion:#00795a;--late:#8e4a7b;"
    "--good:#00795a;--bad:#b3261e"
)
_DARK = (
    "--paper:#14181c;--ink:#e6eaed;--soft:#a3adb6;--line:#39424a;--panel:#1d2328;--mark:#5c4a00;"
    "--base:#98a4ae;--model:#6cb8f0;--bm25:#f0a452;--fusion:#43c59e;--late:#d99ac6;"
    "--good:#43c59e;--bad:#ff8a80"
)
_SERIES = "".join(
    f".{name}{{--own:var(--{name})}}" for name in ("base", "model", "bm25", "fusion", "late")
)
_CHARTS = (
    "svg text{font:14px system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;fill:var(--ink)}"
    "svg .tick{fill:var(--soft);font-size:13px}svg .grid{stroke:var(--line)}"
    "svg .axis{stroke:var(--soft)}svg .stroke{stroke:var(--own);fill:none;stroke-width:2}"
    "svg .fill{fill:var(--own)}svg .bar{fill:var(--model)}svg .limit{stroke:var(--bad)}"
    "svg .own{fill:var(--own)}svg .passage{fill:var(--base);opacity:.5}"
    "svg .question{fill:var(--model)}svg .won{fill:var(--good)}svg .lost{fill:var(--bad)}"
    "svg .fusion polyline{stroke-dasharray:7 4}svg .late polyline{stroke-dasharray:2 3}"
    "svg .moved{stroke:var(--bm25);stroke-width:1}svg .paper{fill:var(--paper)}" + _SERIES
)
_THEMES = f":root{{{_LIGHT};color-scheme:light dark}}" + (
    f"@media (prefers-color-scheme:dark){{:root{{{_DARK}}}}}"
)
PICTURE_STYLE = _THEMES + _CHARTS
"""For an SVG file beside a card, which is shown as an image."""

PAGE_STYLE = (
    _THEMES + "*{box-sizing:border-box}html{-webkit-text-size-adjust:100%}"
    "body{margin:0;background:var(--paper);color:var(--ink);"
    "font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}"
    "main{max-width:54rem;margin:0 auto;padding:1rem}"
    "h1{font-size:1.6rem;line-height:1.2;margin:.5rem 0 .25rem;overflow-wrap:anywhere}"
    "h2{font-size:1.25rem;margin:2.25rem 0 .5rem;padding-top:.5rem;"
    "border-top:1px solid var(--line)}"
    "h3{font-size:1rem;margin:1.25rem 0 .25rem}p,li{max-width:44rem;overflow-wrap:anywhere}"
    "p{margin:.5rem 0}ul{margin:.5rem 0;padding-left:1.25rem}"
    "a{color:var(--model)}nav{font-size:.875rem;margin:1rem 0}nav a{margin-right:.75rem}"
    ".soft,figcaption,dt{color:var(--soft)}.small,figcaption{font-size:.875rem}"
    ".verdict{background:var(--panel);border:1px solid var(--line);"
    "border-left:.375rem solid var(--soft);border-radius:.375rem;padding:.75rem 1rem}"
    ".verdict.good{border-left-color:var(--good)}.verdict.bad{border-left-color:var(--bad)}"
    ".verdict p:first-child{font-size:1.15rem;font-weight:600;margin-top:0}"
    "figure{margin:1rem 0}figcaption{max-width:44rem}"
    "svg{display:block;width:100%;max-width:34rem;height:auto}"
    ".pair{display:flex;flex-wrap:wrap;gap:.5rem 1rem}.pair>div{flex:1 1 17rem;min-width:0}"
    ".scroll{overflow-x:auto;margin:.75rem 0}"
    "table{border-collapse:collapse;font-size:.875rem;font-variant-numeric:tabular-nums}"
    "th,td{padding:.25rem .625rem;text-align:right;white-space:nowrap;"
    "border-bottom:1px solid var(--line)}"
    "th:first-child,td:first-child{text-align:left;padding-left:0}"
    "td.text{white-space:normal;text-align:left;min-width:9rem}"
    "th{font-weight:600}td b{font-weight:700}caption{text-align:left;font-weight:600}"
    "details{border-bottom:1px solid var(--line);padding:.375rem 0}"
    "summary{cursor:pointer;overflow-wrap:anywhere}summary .ranks{color:var(--soft);"
    "font-size:.875rem;margin-left:.375rem;white-space:nowrap}"
    "details>div{padding:.25rem 0 .5rem 1rem}"
    "blockquote{margin:.25rem 0 .625rem;padding:.375rem .75rem;background:var(--panel);"
    "border-left:.1875rem solid var(--line);font-size:.9375rem;"
    "overflow-wrap:anywhere}blockquote.right{border-left-color:var(--good)}"
    "mark{background:var(--mark);color:inherit;border-radius:.125rem}"
    ".key{display:flex;flex-wrap:wrap;gap:.125rem 1rem;padding:0;margin:.25rem 0;list-style:none;"
    "font-size:.875rem}.key svg{display:inline-block;width:.8125rem;margin-right:.375rem;"
    "vertical-align:-.0625rem}"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1rem;margin:.5rem 0}"
    "dt,dd{margin:0;overflow-wrap:anywhere}"
    "pre,code,.hash{font:.8125rem/1.45 ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace}"
    "pre{background:var(--panel);padding:.625rem .75rem;white-space:pre-wrap;"
    "overflow-wrap:anywhere;border-radius:.25rem}"
    "footer{margin:2.5rem 0 1rem;font-size:.875rem;color:var(--soft)}"
    "@media (max-width:30rem){dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.5rem}"
    "th,td{padding:.25rem .4375rem}}"
    f"@media print{{:root{{{_LIGHT}}}body{{font-size:10.5pt}}main{{max-width:none;padding:0}}"
    "nav{display:none}h2,h3,summary,details p{break-after:avoid}"
    "figure,blockquote,tr,.verdict{break-inside:avoid}svg{max-width:12cm}.pair svg{max-width:8.2cm}"
    "details::details-content{content-visibility:visible;block-size:auto}"
    "*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}" + _CHARTS
)


def policy(style: str) -> str:
    """The content security policy of a page: its own style sheet, and nothing else.

    No script, image, font, frame, form or request, and no style but this one.
    """
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def style_element(style: str) -> Element:
    """The style sheet in a page or picture."""
    return h("style", style)
