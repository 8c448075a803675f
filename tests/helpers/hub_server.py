"""The few answers of the Hugging Face Hub that `huggingface_hub` asks for, for made-up data sets on the loopback address."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from urllib.parse import quote

from file_server import Answer, FileServer

CONVERTED = "refs/convert/parquet"


def commit_of(name: str) -> str:
    """A commit by any name."""
    return hashlib.sha1(name.encode()).hexdigest()


def publish(
    server: FileServer,
    repository: str,
    files: Mapping[str, bytes],
    revision: str = "main",
    commit: str | None = None,
    configs: list[object] | None = None,
) -> str:
    """Have the server hold a data set as of a revision; returns the commit."""
    commit = commit or commit_of(f"{repository} {revision}")
    about = {
        "id": repository,
        "sha": commit,
        "private": False,
        "downloads": 0,
        "likes": 0,
        "tags": [],
        "cardData": {"configs": configs} if configs else {},
        "siblings": [
            {
                "rfilename": name,
                "size": len(content),
                "blobId": hashlib.sha1(content).hexdigest(),
                "lfs": {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 100},
            }
            for name, content in files.items()
        ],
    }
    answer = Answer(json.dumps(about).encode(), headers={"Content-Type": "application/json", "X-Repo-Commit": commit})
    base = f"/api/datasets/{repository}"
    for known_as in (revision, commit):
        server.files[f"{base}/revision/{quote(known_as, safe='')}"] = answer
    if revision == "main":
        server.files[f"{base}"] = answer
        missing = Answer(status=404, headers={"X-Error-Code": "RevisionNotFound", "X-Error-Message": "Invalid rev id"})
        server.files.setdefault(f"{base}/revision/{quote(CONVERTED, safe='')}", missing)
    for name, content in files.items():
        headers = {"ETag": f'"{hashlib.sha256(content).hexdigest()}"', "X-Repo-Commit": commit}
        server.files[f"/datasets/{repository}/resolve/{commit}/{quote(name)}"] = Answer(content, headers=headers)
    return commit
