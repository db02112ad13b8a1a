"""What keeps a machine of a cluster from working for this process."""

from dataclasses import replace

import pytest

from stages.checking.cluster import here, wrong
from stages.checks import doctor
from stages.errors import UserError


def test_another_edition_or_library_is_named_with_the_remedy() -> None:
    own = here()
    assert not wrong(own, own)
    (edition,) = wrong(replace(own, edition="0123456789ab"), own)
    assert f"edition 0123456789ab of this package, here {own.edition}" in edition
    versions = own.versions | {"torch": "1.0", "numpy": ""}
    (libraries,) = wrong(replace(own, versions=versions), own)
    assert f"torch 1.0 (here {own.versions['torch']})" in libraries
    assert "numpy missing" in libraries
    assert "constraints.txt" in libraries


def test_a_cluster_is_asked_for_by_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with pytest.raises(UserError, match="RAY_ADDRESS is not set"):
        doctor(cluster=True)
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:9")
    with pytest.raises(UserError, match=r"RAY_ADDRESS=127\.0\.0\.1:9: no Ray cluster answers"):
        doctor(["demo"], cluster=True)
