"""Servers of a worker without a model."""

from tests.serving.faking import fake

__all__ = ["fake"]
