"""A real S3 server on this machine, for runs in object stores: moto's, which heeds If-None-Match."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator

WAIT_S = 60.0
INSTALL = "pip install 'moto[s3]' flask flask-cors s3fs universal_pathlib"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@contextlib.contextmanager
def s3_server() -> Iterator[dict[str, str]]:
    """Start one, and yield the environment in which fvcli finds it."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    words = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            _wait(url, server)
            yield {
                "AWS_ENDPOINT_URL": url,
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
                "AWS_DEFAULT_REGION": "us-east-1",
            }
        finally:
            server.kill()


def _wait(url: str, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        assert server.poll() is None, f"the S3 server does not start; {INSTALL}"
        with contextlib.suppress(OSError):
            urllib.request.urlopen(url, timeout=1).close()
            return
        time.sleep(0.1)
    raise AssertionError("the S3 server does not answer")


@contextlib.contextmanager
def bucket(name: str = "bucket") -> Iterator[str]:
    """Start a server with a bucket, let this process and its children find it, and yield its address.

    s3fs keeps what it connected to under the arguments alone, so a second server in one process would not
    be found: what was kept is dropped before and after.
    """
    from s3fs import S3FileSystem

    with s3_server() as environment:
        before = {key: os.environ.get(key) for key in environment}
        os.environ |= environment
        S3FileSystem.clear_instance_cache()
        try:
            S3FileSystem(skip_instance_cache=True).mkdir(name)
            yield f"s3://{name}"
        finally:
            S3FileSystem.clear_instance_cache()
            for key, value in before.items():
                if value is None:
                    del os.environ[key]
                else:
                    os.environ[key] = value
