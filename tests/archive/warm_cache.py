"""Fill the cache of rocrate-validator as `rocrate-validator cache warm` does, from a file.

    python warm_cache.py CACHE ADDRESS FILE

It runs in the validator's environment.
"""

import io
import sys
from pathlib import Path

import urllib3
from requests.adapters import HTTPAdapter
from requests_cache import CachedSession


class FromFile(HTTPAdapter):
    """Answers every request with one file, as a server would."""

    def __init__(self, content):
        super().__init__()
        self.content = content

    def send(self, request, **options):
        del options
        headers = {"Content-Type": "application/ld+json"}
        raw = urllib3.HTTPResponse(
            io.BytesIO(self.content), headers, 200, preload_content=False, request_url=request.url
        )
        return self.build_response(request, raw)


if __name__ == "__main__":
    cache, address, file = sys.argv[1:]
    session = CachedSession(cache_name=cache, backend="sqlite", expire_after=-1)
    session.mount("https://", FromFile(Path(file).read_bytes()))
    session.get(address).raise_for_status()
