"""What fvcli info says of this machine."""

from __future__ import annotations

import json

from tests.helpers.running import fvcli


def test_info_names_versions_and_devices() -> None:
    info = json.loads(fvcli("info", "--json").stdout)
    assert info["versions"]["tensorflow"]
    assert any(device["kind"] == "CPU" for device in info["devices"])
    assert "efficientnet-lite0" in info["weights"]
    text = fvcli("info").stdout
    assert "tensorflow" in text
    assert "device" in text
