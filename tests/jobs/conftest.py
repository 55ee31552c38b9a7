"""The workload and the programs that the engine's tests train."""

from tests.engine.conftest import data, train, workload

__all__ = ["data", "train", "workload"]
