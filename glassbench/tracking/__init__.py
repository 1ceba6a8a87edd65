"""Tracking: what ran on what, and the delivery of results to MLflow."""

from .delivery import Delivered, deliver, deliver_all, end_preparation, prepare_store
from .pending import RequestDelivery, TrialDelivery

__all__ = [
    "Delivered",
    "RequestDelivery",
    "TrialDelivery",
    "deliver",
    "deliver_all",
    "end_preparation",
    "prepare_store",
]
