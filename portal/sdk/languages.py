"""The languages that clients are made in."""

from __future__ import annotations

LANGUAGES = {
    "android": "android",
    "clojure": "clojure",
    "csharp": "csharp",
    "dart": "dart",
    "go": "go",
    "groovy": "groovy",
    "java": "java",
    "javascript": "javascript",
    "jmeter": "jmeter",
    "kotlin": "kotlin",
    "perl": "perl",
    "php": "php",
    "python": "python",
    "ruby": "ruby",
    "rust": "rust",
    "swift5": "swift5",
    "typescript": "typescript-fetch",
}
"""Language as the REST contract's clients name it → generator of OpenAPI Generator."""
