"""The Ray cluster that work is spread over: how this process joins it, and what it has."""

import importlib.metadata
import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from stages.errors import UserError
from stages.work.edition import PACKAGE
from stages.work.pretrained import first_line

ADDRESS = "RAY_ADDRESS"
"""Environment: of the cluster to join. Without it one is started on this machine."""
PATIENCE = 5.0
"""Seconds for its head to answer; Ray itself would ask for half a minute, five times."""


@dataclass(frozen=True)
class Node:
    """A machine of the cluster that is alive, or a part of one that counts as such.

    store: bytes of its object store.
    """

    name: str
    address: str
    cpus: float
    gpus: int
    store: int = 0
    card: str = ""


def joined() -> Any:
    """Ray, initialised: in the cluster at RAY_ADDRESS, else in one that is started here.

    This package goes to the other machines by Ray's runtime environment, so that they run this
    process's own edition; theirs need its dependencies alone.

    Raises:
        UserError: Ray is not installed, or no cluster answers.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    with _own_signals():
        try:
            import ray
        except ImportError as error:
            raise UserError(
                "LLMVS_EXECUTOR=ray needs Ray: pip install -c constraints.txt -e '.[ray]'"
            ) from error
        if not ray.is_initialized():
            _join(ray, os.environ.get(ADDRESS) or "local")
    return ray


@contextmanager
def _own_signals() -> Iterator[None]:
    """Ray answers SIGTERM in its own way from when it is imported."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


def _join(ray: Any, address: str) -> None:
    _reached(address)
    try:
        ray.init(
            address=address,
            runtime_env={"py_modules": [str(PACKAGE)], "excludes": ["__pycache__"]},
            logging_level=logging.ERROR,
            log_to_driver=False,
            **({"include_dashboard": False} if address == "local" else {}),
        )
    except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        if address == "local":
            raise UserError(f"Ray cannot be started here: {first_line(error)}") from error
        raise UserError(
            f"{ADDRESS}={address}: cannot be joined ({first_line(error)}). All machines of a "
            f"cluster have the same Python and Ray, here {importlib.metadata.version('ray')}, "
            "and this process runs on one of them"
        ) from error


def _reached(address: str) -> None:
    """Raises UserError where nobody listens at HOST:PORT."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        return
    try:
        socket.create_connection((host, int(port)), PATIENCE).close()
    except OSError as error:
        raise UserError(
            f"{ADDRESS}={address}: no Ray cluster answers there ({error.strerror or error}); start "
            "one (ray start --head), or unset it to have one started here"
        ) from error


def nodes(ray: Any) -> list[Node]:
    """The machines that are alive now, in an order that stays."""
    found = []
    for each in ray.nodes():
        has, labels = each["Resources"], each.get("Labels") or {}
        if each["Alive"]:
            found.append(
                Node(
                    each["NodeID"],
                    each["NodeManagerAddress"],
                    float(has.get("CPU", 0)),
                    int(has.get("GPU", 0)),
                    int(has.get("object_store_memory", 0)),
                    labels.get("ray.io/accelerator-type", ""),
                )
            )
    return sorted(found, key=lambda node: node.name)
